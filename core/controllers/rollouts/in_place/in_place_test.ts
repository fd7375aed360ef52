import assert from "node:assert/strict";
import { rollouts } from "../../../resources/argoproj/mod.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import type { StatefulSet } from "../../../resources/apps/stateful_sets.ts";
import { type InPlaceKind, TestWorkload, WEB } from "./in_place_fixture.ts";

const CANARY = { "coracle.dev/canary": "25%,50%:pause" };
/** What is updated first: the highest ordinals, or the first nodes. */
const ONE = { StatefulSet: "1 1 1 2", DaemonSet: "2 1 1 1" };
const TWO = { StatefulSet: "1 1 2 2", DaemonSet: "2 2 1 1" };
const KINDS: readonly InPlaceKind[] = ["StatefulSet", "DaemonSet"];

function phaseOf({ rollout }: TestWorkload): string | undefined {
  return rollout && (rollout.status?.phase ?? "");
}

for (const kind of KINDS) {
  Deno.test(`a ${kind} that is annotated gets a Rollout of its name, and its pods stay`, () => {
    const web = new TestWorkload(kind).run();
    const before = web.pods.map(({ metadata }) => metadata.uid);
    web.change({ annotations: CANARY }).run();
    assert.deepEqual(web.pods.map(({ metadata }) => metadata.uid), before);
    const { spec, status, metadata } = web.rollout!;
    assert.deepEqual([spec.workloadRef?.kind, spec.workloadRef?.name, spec.replicas], [
      kind,
      "web",
      4,
    ]);
    assert.deepEqual(metadata.ownerReferences?.map((each) => [each.kind, each.controller]), [
      [kind, true],
    ]);
    assert.equal(status?.phase, "Healthy");
    assert.deepEqual([status?.replicas, status?.updatedReplicas, status?.availableReplicas], [
      4,
      4,
      4,
    ]);
  });

  Deno.test(`a ${kind} is updated in steps, place by place, as long as the steps say`, () => {
    const web = new TestWorkload(kind, CANARY).run();
    web.fewestReady = Infinity;
    web.change({ image: "web:2" }).run();
    assert.equal(web.images, ONE[kind]);
    assert.equal(web.rollout?.status?.phase, "Paused");
    assert.deepEqual(
      [web.rollout?.status?.replicas, web.rollout?.status?.updatedReplicas],
      [4, 1],
    );
    web.pass(59);
    assert.equal(web.images, ONE[kind]);
    web.pass(1);
    assert.equal(web.images, TWO[kind]);
    web.pass(36_000);
    assert.equal(web.images, TWO[kind], "it waits for somebody");
    web.promote().run();
    assert.equal(web.images, "2 2 2 2");
    assert.equal(web.rollout?.status?.phase, "Healthy");
    assert.equal(web.fewestReady, 3);
    assert.deepEqual(web.faults, []);
  });

  Deno.test(`a ${kind} whose update is aborted goes back, and stays back until it is tried again`, () => {
    const web = new TestWorkload(kind, CANARY).run();
    web.change({ image: "web:2" }).run();
    web.command({ abort: true }).run();
    assert.equal(web.images, "1 1 1 1");
    assert.equal(web.rollout?.status?.phase, "Degraded");
    web.pass(36_000);
    assert.equal(web.images, "1 1 1 1");
    web.command({ abort: false }).run();
    assert.equal(web.images, ONE[kind]);
    assert.deepEqual(web.faults, []);
  });

  Deno.test(`a ${kind} whose new image does not run goes no further, and back by hand`, () => {
    const web = new TestWorkload(kind, CANARY).run();
    web.broken.add("web:2");
    web.fewestReady = Infinity;
    web.change({ image: "web:2" }).run().pass(700);
    assert.equal(web.images, ONE[kind]);
    assert.equal(web.rollout?.status?.phase, "Degraded");
    assert.match(
      web.rollout!.status!.message!,
      /ControllerRevision "web-\w+" has timed out progressing/,
    );
    assert.equal(web.fewestReady, 3);
    web.command({ abort: true }).run();
    assert.equal(web.images, "1 1 1 1");
    web.change({ image: "web:3" }).run();
    assert.equal(web.images, ONE[kind].replaceAll("2", "3"));
  });

  Deno.test(`a ${kind} goes back to its stable template at once, without steps`, () => {
    const web = new TestWorkload(kind, CANARY).run();
    web.change({ image: "web:2" }).run();
    web.change({ image: "web:1" }).run();
    assert.equal(web.images, "1 1 1 1");
    assert.equal(web.rollout?.status?.phase, "Healthy");
  });

  Deno.test(`a third template of a ${kind} takes the places of the second, and no more`, () => {
    const web = new TestWorkload(kind, CANARY).run();
    web.change({ image: "web:2" }).run().pass(60);
    assert.equal(web.images, TWO[kind]);
    web.mostUpdated = 0;
    web.change({ image: "web:3" }).runAhead();
    assert.equal(web.images, TWO[kind], "its Rollout has not seen it");
    web.run();
    assert.equal(web.images, ONE[kind].replaceAll("2", "3"));
    assert.equal(web.mostUpdated, 1);
    assert.deepEqual(web.faults, []);
  });

  Deno.test(`a ${kind} without annotations any more goes on by itself, and its Rollout goes`, () => {
    const web = new TestWorkload(kind, CANARY).run();
    web.change({ image: "web:2" }).run();
    web.change({ annotations: {} }).run();
    assert.equal(web.images, "2 2 2 2");
    assert.equal(web.rollout, undefined);
  });

  Deno.test(`an update of a ${kind} that is under way is finished before steps begin`, () => {
    const web = new TestWorkload(kind).run();
    web.broken.add("web:2");
    web.change({ image: "web:2" }).run();
    web.change({ annotations: CANARY }).run();
    assert.equal(phaseOf(web), undefined);
    web.broken.clear();
    web.run();
    assert.equal(web.images, "2 2 2 2");
    assert.equal(phaseOf(web), "Healthy");
  });

  Deno.test(`a ${kind} that users pause replaces nothing until they resume it`, () => {
    const web = new TestWorkload(kind, CANARY).run();
    web.cluster.put(rollouts, { ...web.rollout!, spec: { ...web.rollout!.spec, paused: true } });
    web.change({ image: "web:2" }).run().pass(120);
    assert.equal(web.images, "1 1 1 1");
    web.cluster.put(rollouts, { ...web.rollout!, spec: { ...web.rollout!.spec, paused: false } });
    web.run();
    assert.equal(web.images, ONE[kind]);
  });

  Deno.test(`what is wrong with the steps of a ${kind} is told once, and nothing changes`, () => {
    const web = new TestWorkload(kind, {
      "coracle.dev/canary": "many",
      "coracle.dev/analysis": "errors<1%",
      "coracle.dev/service": "web",
    }).run().pass(600);
    const told = web.cluster.notices.filter(({ reason }) => reason === "InvalidStrategy");
    assert.equal(told.length, 1);
    assert.match(told[0]!.message, /coracle.dev\/analysis: .*; coracle.dev\/service: /);
    assert.equal(web.rollout, undefined);
    assert.equal(web.images, "1 1 1 1");
  });

  Deno.test(`a strategy in a ConfigMap is that of a ${kind}, without what needs pods beside others`, () => {
    const web = new TestWorkload(kind, { "coracle.dev/strategy": "plan" });
    const put = (text: string) =>
      web.cluster.put(configMaps, { metadata: { name: "plan" }, data: { strategy: text } });
    put("canary: { maxSurge: 1, steps: [{ setWeight: 50 }, { setCanaryScale: { weight: 5 } }] }");
    web.run();
    const [{ message } = { message: "" }] = web.cluster.notices
      .filter(({ reason }) => reason === "InvalidStrategy");
    assert.match(message, /canary\.maxSurge is not possible.*canary\.steps\[1\]\.setCanaryScale/);
    assert.equal(web.rollout, undefined);
    put("canary: { steps: [{ setWeight: 50 }, { pause: {} }] }");
    web.run();
    web.change({ image: "web:2" }).run();
    assert.equal(web.images, TWO[kind]);
  });
}

Deno.test("a Rollout of the same name that is somebody else's stays theirs", () => {
  const web = new TestWorkload("StatefulSet", CANARY);
  web.cluster.put(rollouts, { metadata: { name: "web" }, spec: { replicas: 0 } as never });
  web.run();
  const { message } = web.cluster.notices.find(({ reason }) => reason === "InvalidStrategy")!;
  assert.equal(message, 'Rollout "web" is there already, and is not this StatefulSet\'s');
  assert.equal(web.cluster.get(rollouts, WEB)?.metadata.ownerReferences, undefined);
});

Deno.test("a partition of the user's own keeps ordinals back whatever the steps say", () => {
  const web = new TestWorkload("StatefulSet", CANARY).run();
  const { updateStrategy } = (web.workload as StatefulSet).spec;
  web.change({
    image: "web:2",
    updateStrategy: { ...updateStrategy, rollingUpdate: { partition: 3 } },
  }).run().pass(60);
  assert.equal(web.rollout?.status?.currentStepIndex, 3);
  const { metadata } = web.pods.find(({ metadata }) => metadata.name === "web-2")!;
  web.cluster.take(pods, metadata);
  web.run();
  assert.equal(web.images, "1 1 1 2", "a pod that is made anew, too");
  web.promote().run();
  assert.equal(web.images, "1 1 1 2");
});

Deno.test("a node that comes during the steps of a DaemonSet takes its part of them", () => {
  const web = new TestWorkload("DaemonSet", { "coracle.dev/canary": "50%:pause" }).run();
  web.change({ image: "web:2" }).run();
  assert.equal(web.images, "2 2 1 1");
  web.addNode("n4");
  web.addNode("n5");
  web.run();
  assert.equal(web.pods.length, 6);
  assert.equal(web.images.split(" ").filter((image) => image === "2").length, 3);
  assert.deepEqual(web.faults, []);
});

Deno.test("a StatefulSet that grows during its steps divides the new size", () => {
  const web = new TestWorkload("StatefulSet", { "coracle.dev/canary": "50%:pause" }).run();
  web.change({ image: "web:2" }).run();
  web.change({ replicas: 8 }).run();
  assert.equal(web.images, "1 1 1 1 2 2 2 2");
  web.change({ replicas: 2 }).run();
  assert.equal(web.images, "1 2");
});
