import assert from "node:assert/strict";
import { AssertionError } from "../../lib/assert.ts";
import { capacity, type Usage } from "./capacity.ts";
import { nodeOf, NodeUnderTest, podOf, type PodParts } from "./plugin_fixture.ts";

const GPU = "example.com/gpu";

function requesting(requests: object, more: PodParts = {}) {
  return podOf({ containers: [{ name: "a", resources: { requests } }], ...more });
}

Deno.test("a pod is refused where its requests are not free, with what is insufficient", () => {
  const rows: [title: string, requests: object, reasons: string[], preemptionMayHelp: boolean][] = [
    ["exactly what is free", { cpu: "1", memory: "100" }, [], false],
    ["nothing", {}, [], false],
    ["0 of what the node does not have", { [GPU]: "0" }, [], false],
    ["more CPU than is free", { cpu: "1001m" }, ["Insufficient cpu"], true],
    ["all CPU of the node", { cpu: "2" }, ["Insufficient cpu"], true],
    ["more CPU than the node has", { cpu: "2001m" }, ["Insufficient cpu"], false],
    ["what the node does not have", { [GPU]: "1" }, [`Insufficient ${GPU}`], false],
    ["CPU and memory", { cpu: "2", memory: "101" }, [
      "Insufficient cpu",
      "Insufficient memory",
    ], false],
    ["enough CPU and too much memory", { cpu: "1", memory: "101" }, ["Insufficient memory"], false],
  ];
  for (const [title, requests, reasons, preemptionMayHelp] of rows) {
    const node = nodeOf({ allocatable: { cpu: "2", memory: "100", pods: "9" } });
    const here = new NodeUnderTest(capacity, node, [requesting({ cpu: "1" })]);
    const wanted = reasons.length === 0 ? undefined : { reasons, preemptionMayHelp };
    assert.deepEqual(here.refusal(requesting(requests)), wanted, title);
  }
});

Deno.test("a pod is refused where the maximum number of pods is reached", () => {
  const node = nodeOf({ allocatable: { cpu: "1", pods: "2" } });
  const [first, second] = [requesting({}), requesting({})];
  const full = { reasons: ["Too many pods"], preemptionMayHelp: true };
  assert.equal(new NodeUnderTest(capacity, node, [first]).refusal(requesting({})), undefined);
  const here = new NodeUnderTest(capacity, node, [first, second]);
  assert.deepEqual(here.refusal(requesting({})), full);
  assert.deepEqual(here.refusal(requesting({ cpu: "2" })), {
    reasons: ["Too many pods", "Insufficient cpu"],
    preemptionMayHelp: false,
  });
  here.remove(first);
  assert.equal(here.refusal(requesting({})), undefined);
});

Deno.test("a node that does not say how many pods it takes takes none", () => {
  const here = new NodeUnderTest(capacity, nodeOf({ allocatable: { cpu: "1" } }));
  assert.deepEqual(here.refusal(requesting({})), {
    reasons: ["Too many pods"],
    preemptionMayHelp: true,
  });
});

Deno.test("what pods use is summed up, and given back pod by pod", () => {
  const { begin, add, remove } = capacity.tally!;
  const usage = begin(nodeOf({ allocatable: { cpu: "4" } })) as Usage;
  const [first, second] = [requesting({ cpu: "1" }), requesting({ cpu: "2", [GPU]: "3" })];
  for (const pod of [first, second]) add(usage, pod);
  assert.deepEqual(Object.fromEntries(usage.free), { cpu: 1000, [GPU]: -3 });
  remove(usage, first);
  assert.deepEqual(Object.fromEntries(usage.free), { cpu: 2000, [GPU]: -3 });
  remove(usage, second);
  assert.deepEqual(Object.fromEntries(usage.free), { cpu: 4000, [GPU]: 0 });
});

Deno.test("a pod that requests nothing of an overcommitted resource is not refused", () => {
  const node = nodeOf({ allocatable: { cpu: "1", pods: "9" } });
  const here = new NodeUnderTest(capacity, node, [requesting({ cpu: "2" })]);
  assert.equal(here.refusal(requesting({ cpu: "0" })), undefined);
});

Deno.test("the score is the mean of the shares of CPU and memory that would be left", () => {
  const rows: [allocatable: object, used: object, wanted: object, score: number][] = [
    [{ cpu: "4", memory: "400" }, { cpu: "1", memory: "100" }, { cpu: "1", memory: "100" }, 50],
    [{ cpu: "4", memory: "400" }, { cpu: "1", memory: "0" }, { cpu: "1", memory: "0" }, 75],
    [{ cpu: "4", memory: "400" }, { cpu: "0", memory: "0" }, { cpu: "4", memory: "100" }, 37.5],
    [{ cpu: "4", memory: "400" }, { cpu: "3", memory: "0" }, { cpu: "3", memory: "0" }, 50],
    [{ cpu: "4" }, { cpu: "0", memory: "0" }, { cpu: "1", memory: "0" }, 37.5],
    [{ memory: "400" }, { cpu: "0", memory: "0" }, { cpu: "0", memory: "100" }, 37.5],
    [{ cpu: "1m", memory: "1" }, { cpu: "0", memory: "0" }, { cpu: "0", memory: "0" }, 100],
  ];
  for (const [allocatable, used, wanted, score] of rows) {
    const here = new NodeUnderTest(capacity, nodeOf({ allocatable }), [requesting(used)]);
    assert.equal(here.score(requesting(wanted)), score, JSON.stringify([allocatable, wanted]));
  }
});

Deno.test("a pod that was not added cannot be removed", () => {
  const { begin, remove } = capacity.tally!;
  const tally = begin(nodeOf());
  assert.throws(() => remove(tally, requesting({ cpu: "1" })), AssertionError);
});

Deno.test("a pod of the profile that fills nodes scores the shares of CPU and memory that would be used", () => {
  const node = nodeOf({ allocatable: { cpu: "4", memory: "1000Mi" } });
  const filling = (requests: object) =>
    podOf({
      schedulerName: "most-allocated-scheduler",
      containers: [{ name: "a", resources: { requests } }],
    });
  const there = podOf({
    containers: [{ name: "a", resources: { requests: { cpu: "1", memory: "250Mi" } } }],
  });
  const here = new NodeUnderTest(capacity, node, [there]);
  assert.equal(here.score(filling({ cpu: "1", memory: "250Mi" })), 50);
  assert.equal(here.score(filling({ cpu: "3", memory: "750Mi" })), 100);
  assert.equal(here.score(filling({ cpu: "9", memory: "250Mi" })), 75);
  const bare = new NodeUnderTest(capacity, nodeOf({ allocatable: {} }));
  assert.equal(bare.score(filling({ cpu: "1" })), 0);
});
