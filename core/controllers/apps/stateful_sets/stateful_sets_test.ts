import assert from "node:assert/strict";
import { pods } from "../../../resources/core/pods/pods.ts";
import { ApiError } from "../../../client/api_error.ts";
import { statefulSets } from "../../../resources/apps/stateful_sets.ts";
import { SetUnderTest, templateOf } from "./stateful_set_fixture.ts";
import { statefulSetController } from "./stateful_sets.ts";

const created = (name: string) =>
  `Normal SuccessfulCreate create Pod ${name} in StatefulSet web successful`;
const deleted = (name: string) =>
  `Normal SuccessfulDelete delete Pod ${name} in StatefulSet web successful`;

Deno.test("golden: an ordered set comes one pod after the other, each when the one before is available", () => {
  const web = new SetUnderTest({ replicas: 3 });
  web.look();
  assert.deepEqual(web.picture(), [
    "web-0 r1 Pending",
    "replicas=1 ready=0 available=0 current=1 updated=1 r1->r1",
  ]);
  web.start("web-0", { ready: false });
  assert.deepEqual(web.look().names, ["web-0"]);
  web.start("web-0");
  assert.deepEqual(web.look().names, ["web-0", "web-1"]);
  web.run();
  assert.deepEqual(web.picture(), [
    "web-0 r1 Running ready",
    "web-1 r1 Running ready",
    "web-2 r1 Running ready",
    "replicas=3 ready=3 available=3 current=3 updated=3 r1->r1",
  ]);
  assert.deepEqual(web.events(), [created("web-0"), created("web-1"), created("web-2")]);
});

Deno.test("golden: an ordered set goes from the last pod to the first, one after the other", () => {
  const web = new SetUnderTest({ replicas: 3 }).run();
  web.events();
  web.change({ replicas: 1 });
  web.look();
  assert.deepEqual(web.picture(), [
    "web-0 r1 Running ready",
    "web-1 r1 Running ready",
    "web-2 r1 Running ready ending",
    "replicas=3 ready=3 available=3 current=2 updated=2 r1->r1",
  ]);
  web.end("web-2");
  web.look().end("web-1");
  web.look();
  assert.deepEqual(web.events(), [deleted("web-2"), deleted("web-1")]);
  assert.deepEqual(web.picture(), [
    "web-0 r1 Running ready",
    "replicas=1 ready=1 available=1 current=1 updated=1 r1->r1",
  ]);
});

Deno.test("an ordered set takes no pod away while one below it is not available, but for that one", () => {
  const web = new SetUnderTest({ replicas: 4 }).run();
  web.start("web-1", { ready: false });
  web.start("web-3", { ready: false });
  web.change({ replicas: 1 });
  web.look();
  assert.deepEqual(endingOf(web), []);
  web.start("web-3");
  assert.deepEqual(endingOf(web.look()), ["web-3"]);
  web.end("web-3");
  assert.deepEqual(endingOf(web.look()), ["web-2"]);
  web.end("web-2");
  assert.deepEqual(endingOf(web.look()), ["web-1"]);
});

Deno.test("a set that shrinks while a pod that stays is not available waits for it", () => {
  const web = new SetUnderTest({ replicas: 3 }).run();
  web.start("web-0", { ready: false });
  web.change({ replicas: 2 });
  assert.deepEqual(endingOf(web.look()), []);
  web.start("web-0");
  assert.deepEqual(endingOf(web.look()), ["web-2"]);
});

Deno.test("golden: a parallel set makes and ends all pods at once", () => {
  const web = new SetUnderTest({ replicas: 3, podManagementPolicy: "Parallel" }).look();
  assert.deepEqual(web.names, ["web-0", "web-1", "web-2"]);
  web.run();
  web.start("web-0", { ready: false });
  web.change({ replicas: 1 });
  assert.deepEqual(endingOf(web.look()), ["web-1", "web-2"]);
  assert.deepEqual(web.events(), [
    ...["web-0", "web-1", "web-2"].map(created),
    ...["web-2", "web-1"].map(deleted),
  ]);
});

Deno.test("golden: a rolling update replaces the pods from the last to the first", () => {
  const web = new SetUnderTest({ replicas: 2 }).run();
  web.events();
  web.change({ template: templateOf("web:2") });
  web.look();
  assert.deepEqual(web.picture(), [
    "web-0 r1 Running ready",
    "web-1 r1 Running ready ending",
    "replicas=2 ready=2 available=2 current=1 updated=0 r1->r2",
  ]);
  web.end("web-1");
  web.look();
  assert.deepEqual(web.picture(), [
    "web-0 r1 Running ready",
    "web-1 r2 Pending",
    "replicas=2 ready=1 available=1 current=1 updated=1 r1->r2",
  ]);
  web.run();
  assert.deepEqual(web.picture(), [
    "web-0 r2 Running ready",
    "web-1 r2 Running ready",
    "replicas=2 ready=2 available=2 current=2 updated=2 r2->r2",
  ]);
  assert.deepEqual(web.events(), [
    deleted("web-1"),
    created("web-1"),
    deleted("web-0"),
    created("web-0"),
  ]);
  assert.deepEqual(imagesOf(web), ["web:2", "web:2"]);
});

Deno.test("a parallel set, too, is updated one pod at a time, each when the ones after it are available", () => {
  const web = new SetUnderTest({ replicas: 3, podManagementPolicy: "Parallel" }).run();
  web.change({ template: templateOf("web:2") });
  assert.deepEqual(endingOf(web.look()), ["web-2"]);
  web.end("web-2");
  assert.deepEqual(endingOf(web.look()), []);
  web.start("web-2", { ready: false });
  assert.deepEqual(endingOf(web.look()), []);
  web.start("web-2");
  assert.deepEqual(endingOf(web.look()), ["web-1"]);
});

Deno.test("golden: a canary is what is above the partition; what is below keeps the state before", () => {
  const web = new SetUnderTest({ replicas: 3 }).run();
  const partition = (partition: number) => ({
    type: "RollingUpdate",
    rollingUpdate: { partition },
  });
  web.change({ template: templateOf("web:2"), updateStrategy: partition(2) });
  web.run();
  assert.deepEqual(web.picture(), [
    "web-0 r1 Running ready",
    "web-1 r1 Running ready",
    "web-2 r2 Running ready",
    "replicas=3 ready=3 available=3 current=2 updated=1 r1->r2",
  ]);
  web.end("web-0");
  web.end("web-2");
  web.run();
  assert.deepEqual(imagesOf(web), ["web:1", "web:1", "web:2"]);
  web.change({ updateStrategy: partition(0) });
  web.run();
  assert.deepEqual(imagesOf(web), ["web:2", "web:2", "web:2"]);
  web.change({ template: templateOf("web:3"), updateStrategy: partition(3) });
  web.run();
  assert.deepEqual(imagesOf(web), ["web:2", "web:2", "web:2"]);
});

Deno.test("the partition counts from the first ordinal", () => {
  const web = new SetUnderTest({ replicas: 3, ordinals: { start: 5 } }).run();
  web.change({
    template: templateOf("web:2"),
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } },
  });
  web.run();
  web.end("web-5");
  web.run();
  assert.deepEqual(imagesOf(web), ["web:1", "web:2", "web:2"]);
});

Deno.test("golden: a rollback gives a former state its revision back, as the last one", () => {
  const web = new SetUnderTest({ replicas: 1 }).run();
  const [first] = web.revisions;
  web.change({ template: templateOf("web:2") });
  web.run();
  web.change({ template: templateOf("web:1") });
  web.run();
  assert.deepEqual(web.revisions.map(({ revision }) => revision), [2, 3]);
  assert.equal(web.revisions[1]!.name, first!.name);
  assert.equal(web.set.status.currentRevision, first!.name);
  assert.deepEqual(imagesOf(web), ["web:1"]);
});

Deno.test("golden: with OnDelete, a pod is made anew only when somebody has deleted it", () => {
  const web = new SetUnderTest({ replicas: 2, updateStrategy: { type: "OnDelete" } }).run();
  web.change({ template: templateOf("web:2") });
  web.run();
  assert.deepEqual(imagesOf(web), ["web:1", "web:1"]);
  web.end("web-0");
  web.run();
  assert.deepEqual(imagesOf(web), ["web:2", "web:1"]);
  assert.equal(web.picture().at(-1), "replicas=2 ready=2 available=2 current=1 updated=1 r1->r2");
});

Deno.test("golden: an update that does not become ready stops, and its pod stays in the way of a rollback", () => {
  const web = new SetUnderTest({ replicas: 2 }).run();
  web.change({ template: templateOf("broken") });
  web.look().end("web-1");
  web.look().start("web-1", { ready: false });
  web.look();
  assert.deepEqual(endingOf(web), []);
  web.change({ template: templateOf("web:1") });
  assert.deepEqual(endingOf(web.look()), []);
  web.end("web-1");
  web.run();
  assert.deepEqual(imagesOf(web), ["web:1", "web:1"]);
});

Deno.test("without bounds, pods that are missing in an update keep their state", () => {
  const web = new SetUnderTest({ replicas: 3, updateStrategy: { type: "RollingUpdate" } }).run();
  web.change({ template: templateOf("web:2") });
  web.look().end("web-2");
  web.end("web-0");
  web.look();
  assert.deepEqual(imagesOf(web), ["web:1", "web:1"]);
  web.run();
  assert.deepEqual(imagesOf(web), ["web:2", "web:2", "web:2"]);
});

Deno.test("with maxUnavailable, as many pods are replaced at once as may be missing", () => {
  for (
    const [maxUnavailable, first, second] of [
      [1, ["web-4"], ["web-3"]],
      [2, ["web-3", "web-4"], ["web-1", "web-2"]],
      ["50%", ["web-3", "web-4"], ["web-1", "web-2"]],
      ["10%", ["web-4"], ["web-3"]],
      ["100%", ["web-0", "web-1", "web-2", "web-3", "web-4"], []],
    ] as const
  ) {
    const web = new SetUnderTest({
      replicas: 5,
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0, maxUnavailable } },
    }).run();
    web.change({ template: templateOf("web:2") });
    assert.deepEqual(endingOf(web.look()), first, String(maxUnavailable));
    assert.deepEqual(endingOf(web.look()), first, String(maxUnavailable));
    first.forEach((name) => web.end(name));
    web.look();
    assert.deepEqual(endingOf(web), [], String(maxUnavailable));
    first.forEach((name) => web.start(name));
    assert.deepEqual(endingOf(web.look()), second, String(maxUnavailable));
  }
});

Deno.test("maxUnavailable counts pods that are missing anyway, and minds the partition", () => {
  const rollingUpdate = { partition: 2, maxUnavailable: 2 };
  const web = new SetUnderTest({
    replicas: 4,
    podManagementPolicy: "Parallel",
    updateStrategy: { type: "RollingUpdate", rollingUpdate },
  }).run();
  web.start("web-0", { ready: false });
  web.change({ template: templateOf("web:2") });
  assert.deepEqual(endingOf(web.look()), ["web-3"]);
  web.start("web-0");
  assert.deepEqual(endingOf(web.look()), ["web-2", "web-3"]);
});

for (const phase of ["Failed", "Succeeded"] as const) {
  Deno.test(`golden: a pod that is ${phase} is deleted, and made anew when it is gone`, () => {
    const web = new SetUnderTest({ replicas: 2 }).run();
    const before = web.pod("web-0").metadata.uid;
    web.events();
    web.fail("web-0", phase);
    assert.deepEqual(endingOf(web.look()), ["web-0"]);
    web.end("web-0");
    web.run();
    assert.notEqual(web.pod("web-0").metadata.uid, before);
    assert.deepEqual(web.events(), [deleted("web-0"), created("web-0")]);
  });
}

Deno.test("a pod that has failed while it is ending is waited for", () => {
  const web = new SetUnderTest({ replicas: 1 }).run();
  web.cluster.put(pods, {
    ...web.pod("web-0"),
    metadata: { ...web.pod("web-0").metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
  });
  web.fail("web-0");
  web.events();
  web.look();
  assert.deepEqual(web.events(), []);
});

Deno.test("an ordered set fills the lowest gap first, and none while another pod is not available", () => {
  const web = new SetUnderTest({ replicas: 4 }).run();
  web.end("web-1");
  web.end("web-3");
  assert.deepEqual(web.look().names, ["web-0", "web-1", "web-2"]);
  web.start("web-1");
  assert.deepEqual(web.look().names, ["web-0", "web-1", "web-2", "web-3"]);
});

Deno.test("an ordered set that lacks a pod makes it before it takes others away", () => {
  const web = new SetUnderTest({ replicas: 3 }).run();
  web.end("web-0");
  web.change({ replicas: 2 });
  assert.deepEqual(endingOf(web.look()), []);
  assert.deepEqual(web.names, ["web-0", "web-1", "web-2"]);
  web.start("web-0");
  assert.deepEqual(endingOf(web.look()), ["web-2"]);
});

Deno.test("a pod that is not running is not ready, whatever its conditions say", () => {
  const web = new SetUnderTest({ replicas: 2 }).look();
  web.start("web-0");
  web.cluster.patchStatus(pods, { namespace: "default", name: "web-0" }, { phase: "Unknown" });
  assert.deepEqual(web.look().names, ["web-0"]);
  assert.equal(web.set.status.readyReplicas, undefined);
});

Deno.test("an ordered set waits for a pod that is ending, though it is still ready", () => {
  const web = new SetUnderTest({ replicas: 2 }).run();
  const { metadata, ...rest } = web.pod("web-0");
  const deletionTimestamp = "2026-01-01T00:00:00Z";
  web.cluster.put(pods, { ...rest, metadata: { ...metadata, deletionTimestamp } });
  web.end("web-1");
  assert.deepEqual(web.look().names, ["web-0"]);
});

Deno.test("ordinals are numbers: the 2 comes before the 10", () => {
  const web = new SetUnderTest({ replicas: 11 }).run();
  web.fail("web-10");
  web.fail("web-2");
  assert.deepEqual(endingOf(web.look()), ["web-2"]);
});

Deno.test("one plan ends as many pods as fit into it, and updates none meanwhile", () => {
  const web = new SetUnderTest({ replicas: 502, podManagementPolicy: "Parallel" }).run();
  web.change({ replicas: 1, template: templateOf("web:2") });
  const names = look(web).writes.flatMap((write) =>
    write.verb === "delete" && write.resource === pods ? [write.name.name] : []
  );
  assert.equal(names.length, 500);
  assert.ok(!names.includes("web-0"));
});

Deno.test("the status says at once that a pod of the state before is about to end", () => {
  const web = new SetUnderTest({ replicas: 2 }).run();
  web.change({ template: templateOf("web:2") });
  const counts = look(web).writes.flatMap((write) =>
    write.verb === "updateStatus" ? [(write.object as typeof web.set).status.currentReplicas] : []
  );
  assert.deepEqual(counts, [1]);
});

Deno.test("pods are numbered from the first ordinal on; when it changes, they move", () => {
  const web = new SetUnderTest({ replicas: 2, ordinals: { start: 3 } }).run();
  assert.deepEqual(web.names, ["web-3", "web-4"]);
  web.change({ ordinals: { start: 4 } });
  web.run();
  assert.deepEqual(web.names, ["web-4", "web-5"]);
});

Deno.test("a pod counts as available, and the next one comes, once it has been ready for long enough", () => {
  const web = new SetUnderTest({ replicas: 2, minReadySeconds: 10 }).look();
  web.start("web-0");
  web.look();
  assert.equal(web.picture().at(-1), "replicas=1 ready=1 available=0 current=1 updated=1 r1->r1");
  assert.equal(look(web).againAfterMs, 10_000);
  web.cluster.nowMs += 9_999;
  assert.deepEqual(web.look().names, ["web-0"]);
  web.cluster.nowMs += 1;
  assert.deepEqual(web.look().names, ["web-0", "web-1"]);
  assert.equal(web.set.status.availableReplicas, 1);
});

Deno.test("a set of no pods has none", () => {
  const web = new SetUnderTest({ replicas: 0 }).look();
  assert.deepEqual(web.picture(), ["replicas=0 ready=0 available=0 current=0 updated=0 r1->r1"]);
  assert.equal(web.set.status.observedGeneration, 1);
  assert.equal(web.set.status.collisionCount, 0);
});

Deno.test("a set of very many pods makes as many of them as fit into one plan", () => {
  const web = new SetUnderTest({ replicas: 2 ** 31 - 1, podManagementPolicy: "Parallel" });
  const made = look(web).writes.filter((write) =>
    write.verb === "create" && write.resource === pods
  );
  assert.equal(made.length, 500);
});

Deno.test("a pod that cannot be created is told, with the status", () => {
  const web = new SetUnderTest({ replicas: 1 });
  const write = look(web).writes.find((each) => each.verb === "create" && each.resource === pods);
  assert.ok(write?.verb === "create" && write.refused);
  const refusal = new ApiError("Forbidden", 'pods "web-0" is forbidden: exceeded quota');
  const writes = write.refused(refusal);
  assert.deepEqual(writes.map(({ verb }) => verb), ["updateStatus", "event"]);
  assert.deepEqual(writes[1], {
    verb: "event",
    event: {
      about: web.set,
      type: "Warning",
      reason: "FailedCreate",
      message:
        'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota',
    },
  });
});

Deno.test("a set that is being deleted does nothing but count", () => {
  const web = new SetUnderTest({ replicas: 3 }).look();
  const { set } = web;
  web.cluster.put(statefulSets, {
    ...set,
    metadata: {
      ...set.metadata,
      deletionTimestamp: "2026-01-01T00:00:00Z",
      finalizers: ["foregroundDeletion"],
    },
  });
  web.start("web-0");
  web.look();
  assert.deepEqual(web.picture(), [
    "web-0 r1 Running ready",
    "replicas=1 ready=1 available=1 current=1 updated=1 r1->r1",
  ]);
});

function endingOf(web: SetUnderTest): string[] {
  return web.pods.filter(({ metadata }) => metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name);
}

function imagesOf(web: SetUnderTest) {
  return web.pods.map(({ spec }) => spec.containers[0]!.image);
}

function look(web: SetUnderTest) {
  return statefulSetController().reconcile(web.set, web.cluster, web.cluster.nowMs);
}
