import assert from "node:assert/strict";
import fc from "fast-check";
import { podOf } from "../pods/next_step_fixture.ts";
import { oomScoreAdjOf } from "./oom_score.ts";

const GIB = 1024 ** 3;
const NODE = 8 * GIB;

function container(name: string, memory?: string, limits?: object) {
  const requests = memory === undefined ? {} : { memory };
  return { name, image: "a", resources: { requests, ...(limits && { limits }) } };
}

function scoresOf(spec: { containers: { name: string }[]; initContainers?: { name: string }[] }) {
  const pod = podOf({ spec });
  const all = [...pod.spec.containers, ...(pod.spec["init" + "Containers" as "containers"] ?? [])];
  return Object.fromEntries(all.map((each) => [each.name, oomScoreAdjOf(pod, each, NODE)]));
}

Deno.test("who requests nothing is killed first, who is guaranteed last", () => {
  assert.deepEqual(scoresOf({ containers: [container("a")] }), { a: 1000 });
  const all = { cpu: "1", memory: "1Gi" };
  const guaranteed = { name: "a", image: "a", resources: { requests: all, limits: all } };
  assert.deepEqual(scoresOf({ containers: [guaranteed] }), { a: -997 });
});

Deno.test("of the others who has requested less is killed sooner", () => {
  assert.deepEqual(
    scoresOf({
      containers: [container("none", "0"), container("a", "1Gi"), container("b", "4Gi")],
    }),
    { none: 999, a: 875, b: 500 },
  );
  assert.deepEqual(scoresOf({ containers: [container("all", "8Gi")] }), { all: 3 });
  assert.deepEqual(scoresOf({ containers: [container("more", "80Gi")] }), { more: 3 });
});

Deno.test("a sidecar is not killed before those that it serves", () => {
  const sidecar = { ...container("side", "64Mi"), restartPolicy: "Always" };
  assert.deepEqual(
    scoresOf({
      containers: [container("a", "1Gi"), container("b", "2Gi")],
      initContainers: [sidecar, container("init", "64Mi")],
    }),
    { a: 875, b: 750, side: 875, init: 993 },
  );
});

Deno.test("what the pod itself requests belongs to its containers in equal parts", () => {
  const spec = {
    containers: [container("a", "1Gi"), container("b")],
    resources: { requests: { memory: "3Gi" } },
  };
  assert.deepEqual(scoresOf(spec), { a: 750, b: 875 });
});

Deno.test("node critical pods are killed last", () => {
  assert.deepEqual(
    scoresOf({ containers: [container("a")], priorityClassName: "system-node-critical" } as never),
    { a: -997 },
  );
});

Deno.test("burstable is between guaranteed and best effort, and more memory never makes it worse", () => {
  const bytes = fc.integer({ min: 1, max: 16 * GIB });
  fc.assert(fc.property(bytes, bytes, (less, more) => {
    const [a, b] = [less, more].sort((x, y) => x - y).map((each) =>
      scoresOf({ containers: [container("a", String(each))] })["a"]!
    );
    assert.ok(3 <= b! && b! <= a! && a! <= 999);
  }));
});
