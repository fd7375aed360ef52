import assert from "node:assert/strict";
import { replicaSets } from "../../../resources/apps/replica_sets.ts";
import {
  type AnalysisRun,
  analysisRuns,
  analysisTemplates,
  rollouts,
} from "../../../resources/argoproj/mod.ts";
import { services } from "../../../resources/core/services/services.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { controllerOf } from "../../runtime/ownership.ts";
import { hasDeadline, HASH_LABEL, MANAGED_BY, revisionOf } from "../situation/sets.ts";
import type { ServedTraffic, Way } from "../../../traffic/served_traffic.ts";
import { WEB } from "../rollout_fixture.ts";
import { rolloutController } from "../rollouts.ts";
import { TestBlueGreen } from "./blue_green_fixture.ts";

function manual(strategy: object = {}): TestBlueGreen {
  return new TestBlueGreen({ autoPromotionEnabled: false, ...strategy });
}

function setOf(rollout: TestBlueGreen, revision: number) {
  return rollout.sets.find((set) => revisionOf(set) === revision)!;
}

/** All pods of the revision stop being ready, and none becomes ready again. */
function crash(rollout: TestBlueGreen, revision: number): void {
  const { cluster } = rollout;
  const { uid } = setOf(rollout, revision).metadata;
  for (const pod of cluster.list<Pod>(pods).filter((each) => controllerOf(each)?.uid === uid)) {
    rollout.broken.add(pod.spec.containers[0]!.image!);
    cluster.patchStatus(pods, pod.metadata, {
      conditions: [{ type: "Ready", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" }],
    });
  }
}

Deno.test("an update tells exactly what Argo Rollouts tells, and switches once all new pods are there", () => {
  const rollout = new TestBlueGreen({ previewService: "" });
  rollout.settle();
  assert.equal(rollout.status.phase, "Progressing");
  assert.deepEqual(rollout.switches, [undefined, undefined]);
  rollout.run();
  assert.equal(rollout.status.phase, "Healthy");
  rollout.setImage("web:2").settle();
  rollout.ready(2);
  rollout.settle();
  assert.deepEqual(rollout.switches, [1, undefined]);
  rollout.run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.deepEqual(rollout.switches, [2, undefined]);
  const { replicas, updatedReplicas, readyReplicas, availableReplicas } = rollout.status;
  assert.deepEqual([replicas, updatedReplicas, readyReplicas, availableReplicas], [6, 3, 3, 3]);
  assert.deepEqual(rollout.reasons, [
    "RolloutAddedToInformer",
    "RolloutUpdated",
    "NewReplicaSetCreated",
    "ScalingReplicaSet",
    "RolloutCompleted",
    "SwitchService",
    "RolloutUpdated",
    "NewReplicaSetCreated",
    "RolloutNotCompleted",
    "ScalingReplicaSet",
    "SwitchService",
    "RolloutCompleted",
  ]);
  rollout.pass(29).run();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 3 });
  rollout.pass(1).run();
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 3 });
});

Deno.test("the preview gets the new pods at once, users only after somebody promotes", () => {
  const rollout = manual().run();
  rollout.setImage("web:2").settle();
  assert.deepEqual(rollout.switches, [1, 2]);
  rollout.run();
  assert.deepEqual([rollout.status.phase, rollout.status.message], ["Paused", "BlueGreenPause"]);
  rollout.pass(3_600).run();
  assert.deepEqual(rollout.switches, [1, 2]);
  rollout.promote().run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.deepEqual(rollout.switches, [2, 2]);
  assert.equal(rollout.service("active").metadata.annotations?.[MANAGED_BY], "web");
  assert.equal(rollout.service("active").spec.selector?.app, "web");
});

Deno.test("promotion comes by itself after autoPromotionSeconds, or before when somebody promotes", () => {
  const timed = () => new TestBlueGreen({ autoPromotionSeconds: 10 }).run().setImage("web:2");
  const rollout = timed().run() as TestBlueGreen;
  assert.equal(rollout.status.phase, "Paused");
  rollout.pass(9).run();
  assert.deepEqual(rollout.switches, [1, 2]);
  rollout.pass(1).run();
  assert.deepEqual(rollout.switches, [2, 2]);
  const early = timed().run() as TestBlueGreen;
  early.promote().run();
  assert.deepEqual(early.switches, [2, 2]);
});

Deno.test("a smaller preview grows after the promotion, and is switched to when it has grown", () => {
  const rollout = manual({ previewReplicaCount: 1 }).run();
  rollout.setImage("web:2").run();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 1 });
  assert.equal(rollout.status.phase, "Paused");
  rollout.promote().settle();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 3 });
  assert.deepEqual(rollout.switches, [1, 2]);
  assert.equal(rollout.status.blueGreen?.scaleUpPreviewCheckPoint, true);
  rollout.run();
  assert.deepEqual(rollout.switches, [2, 2]);
  assert.equal(rollout.status.blueGreen?.scaleUpPreviewCheckPoint, undefined);
});

Deno.test("a full promotion needs neither the pause nor the smaller preview", () => {
  const rollout = manual({ previewReplicaCount: 1 }).run();
  rollout.setImage("web:2").run();
  rollout.patchStatus({ promoteFull: true }).run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.deepEqual(rollout.switches, [2, 2]);
  assert.equal(rollout.status.promoteFull, undefined);
});

Deno.test("the number of pods can change during the pause", () => {
  const rollout = manual().run();
  rollout.setImage("web:2").run();
  rollout.change({ replicas: 5 }).run();
  assert.deepEqual(rollout.sizes, { 1: 5, 2: 5 });
  assert.deepEqual(rollout.switches, [1, 2]);
  rollout.promote().run();
  assert.deepEqual(rollout.switches, [2, 2]);
});

Deno.test("an abort leaves the preview, and its pods go after a while", () => {
  const rollout = manual({ abortScaleDownDelaySeconds: 5 }).run();
  rollout.setImage("web:2").run();
  rollout.patchStatus({ abort: true }).run();
  assert.equal(rollout.status.phase, "Degraded");
  assert.deepEqual(rollout.switches, [1, 2]);
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 3 });
  rollout.pass(5).run();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 0 });
  const kept = manual({ abortScaleDownDelaySeconds: 0 }).run();
  kept.setImage("web:2").run();
  kept.patchStatus({ abort: true }).run().pass(3_600).run();
  assert.deepEqual(kept.sizes, { 1: 3, 2: 3 });
});

Deno.test("what is retried while its pods are still there waits to be promoted again", () => {
  const rollout = manual().run();
  rollout.setImage("web:2").run();
  rollout.patchStatus({ abort: true }).run();
  assert.ok(hasDeadline(setOf(rollout, 2)));
  rollout.patchStatus({ abort: false }).run();
  assert.deepEqual([rollout.status.phase, rollout.switches], ["Paused", [1, 2]]);
  assert.ok(!hasDeadline(setOf(rollout, 2)));
});

Deno.test("going back within the delay needs no pause, and is done in one look", () => {
  const rollout = manual().run();
  rollout.setImage("web:2").run();
  rollout.promote().run();
  assert.ok(hasDeadline(setOf(rollout, 1)));
  const before = rollout.reasons.length;
  rollout.setImage("web:1").run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.deepEqual(rollout.switches, [3, 3]);
  assert.deepEqual(rollout.sizes, { 2: 3, 3: 3 });
  assert.deepEqual(
    rollout.reasons.slice(before).filter((reason) => reason === "RolloutPaused"),
    [],
  );
});

Deno.test("going back after the delay is an ordinary update", () => {
  const rollout = manual().run();
  rollout.setImage("web:2").run();
  rollout.promote().run().pass(30).run();
  rollout.setImage("web:1").run();
  assert.deepEqual([rollout.status.phase, rollout.switches], ["Paused", [2, 3]]);
});

Deno.test("an abort after the switch goes back at once, even when all new pods have crashed", () => {
  const rollout = new TestBlueGreen({ postPromotionAnalysis: { templates: [] } }).run();
  rollout.setImage("web:2").settle();
  rollout.ready();
  rollout.settle();
  assert.deepEqual(rollout.switches, [2, 2]);
  crash(rollout as TestBlueGreen, 2);
  rollout.settle();
  assert.deepEqual(rollout.switches, [2, 2]);
  rollout.patchStatus({ abort: true }).settle();
  assert.deepEqual(rollout.switches, [1, 2]);
});

Deno.test("an abort after the switch waits for the old pods while the new ones can carry more", () => {
  const rollout = new TestBlueGreen({ postPromotionAnalysis: { templates: [] } }).run();
  rollout.setImage("web:2").settle();
  rollout.ready();
  rollout.settle();
  crash(rollout as TestBlueGreen, 1);
  rollout.settle();
  rollout.patchStatus({ abort: true }).settle();
  assert.deepEqual(rollout.switches, [2, 2]);
  rollout.broken.clear();
  rollout.run();
  assert.deepEqual(rollout.switches, [1, 2]);
});

Deno.test("of replaced sets only so many wait as the limit says, the newest ones", () => {
  const rollout = new TestBlueGreen({
    scaleDownDelaySeconds: 86_400,
    scaleDownDelayRevisionLimit: 2,
  }).run();
  for (const image of ["web:2", "web:3", "web:4"]) rollout.setImage(image).run();
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 3, 3: 3, 4: 3 });
  const { strategy } = rollout.rollout.spec;
  rollout.change({
    strategy: { blueGreen: { ...strategy!.blueGreen, scaleDownDelayRevisionLimit: 1 } },
  }).run();
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 0, 3: 3, 4: 3 });
});

Deno.test("a preview that is given up for another template does not grow while it waits to go", () => {
  const rollout = manual({ previewReplicaCount: 1 }).run();
  rollout.setImage("web:2").run();
  rollout.setImage("web:3").run();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 1, 3: 1 });
  assert.deepEqual(rollout.switches, [1, 3]);
  rollout.pass(30).run();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 0, 3: 1 });
});

Deno.test("while somebody has paused it no Service is switched", () => {
  const rollout = new TestBlueGreen({}, { paused: true }).run();
  assert.deepEqual(rollout.switches, [undefined, undefined]);
  rollout.change({ paused: false }).run();
  assert.deepEqual(rollout.switches, [1, 1]);
  rollout.change({ paused: true }).run();
  rollout.setImage("web:2").run();
  assert.deepEqual(rollout.switches, [1, 1]);
  assert.equal(rollout.status.message, "manually paused");
});

Deno.test("a Service that selects pods of a set which is gone gets the stable ones", () => {
  const rollout = new TestBlueGreen({ autoPromotionEnabled: false }, { replicas: 1 }).run();
  const active = rollout.service("active");
  const selector = { ...active.spec.selector, [HASH_LABEL]: "gone" };
  rollout.cluster.put(services, { ...active, spec: { ...active.spec, selector } });
  rollout.run();
  assert.deepEqual(rollout.switches, [1, 1]);
});

Deno.test("when the stable set is deleted in the middle of an update, users keep what they have until there is more", () => {
  const rollout = manual().run();
  rollout.setImage("web:2").settle();
  rollout.cluster.take(replicaSets, setOf(rollout, 1).metadata);
  rollout.settle();
  assert.equal(rollout.switches[0], undefined);
  rollout.run();
  assert.deepEqual(rollout.switches.slice(0, 1), [2]);
});

Deno.test("a rollout that becomes a canary gives its Services back", () => {
  const rollout = new TestBlueGreen().run();
  rollout.change({ strategy: { canary: { steps: [{ setWeight: 50 }] } } }).run();
  rollout.release();
  for (const name of ["active", "preview"]) {
    const { spec, metadata } = rollout.service(name);
    assert.deepEqual(spec.selector, { app: "web" });
    assert.equal(metadata.annotations?.[MANAGED_BY], undefined);
  }
});

/** The analysis of this suffix (`pre`, `post`) ends with a phase. */
function judge(rollout: TestBlueGreen, suffix: string, phase: string): void {
  const run = runsOf(rollout, suffix).findLast(({ status }) => status?.phase === undefined)!;
  rollout.cluster.put(analysisRuns, { ...run, status: { phase, message: "because" } });
}

function runsOf(rollout: TestBlueGreen, suffix: string): readonly AnalysisRun[] {
  return rollout.cluster.list<AnalysisRun>(analysisRuns)
    .filter(({ metadata }) => metadata.name.replace(/\.\d+$/, "").endsWith(`-${suffix}`));
}

function analysed(strategy: object): TestBlueGreen {
  const rollout = new TestBlueGreen(strategy);
  rollout.cluster.put(analysisTemplates, {
    metadata: { name: "good" },
    spec: { metrics: [{ name: "good", provider: { web: { url: "http://good" } } }] },
  });
  return rollout.run();
}

const GOOD = { templates: [{ templateName: "good" }] };

Deno.test("an analysis before the switch decides whether it comes, and is made anew when it is tried again", () => {
  const rollout = analysed({ prePromotionAnalysis: GOOD });
  assert.deepEqual(rollout.switches, [1, 1]);
  rollout.setImage("web:2").run();
  assert.deepEqual([rollout.switches, runsOf(rollout, "pre").length], [[1, 2], 1]);
  judge(rollout, "pre", "Failed");
  rollout.run();
  const { phase, message } = rollout.status;
  assert.deepEqual([phase, message], [
    "Degraded",
    "RolloutAborted: Rollout aborted update to revision 2: because",
  ]);
  rollout.patchStatus({ abort: false }).run();
  assert.deepEqual([rollout.switches, runsOf(rollout, "pre").length], [[1, 2], 2]);
  judge(rollout, "pre", "Successful");
  rollout.run();
  assert.deepEqual([rollout.status.phase, rollout.switches], ["Healthy", [2, 2]]);
});

Deno.test("an analysis after the switch decides whether it stays, and old pods wait for it", () => {
  const rollout = analysed({ postPromotionAnalysis: GOOD });
  rollout.setImage("web:2").run().pass(60).run();
  assert.deepEqual([rollout.switches, rollout.sizes], [[2, 2], { 1: 3, 2: 3 }]);
  assert.equal(rollout.status.message, "waiting for analysis to complete");
  const failed = rollout;
  judge(failed, "post", "Error");
  failed.run();
  assert.deepEqual([failed.status.phase, failed.switches], ["Degraded", [1, 2]]);
});

Deno.test("an analysis after the switch that is good makes the new pods stable", () => {
  const rollout = analysed({ postPromotionAnalysis: GOOD });
  rollout.setImage("web:2").run();
  judge(rollout, "post", "Successful");
  rollout.run();
  assert.deepEqual([rollout.status.phase, rollout.switches], ["Healthy", [2, 2]]);
  assert.ok(hasDeadline(setOf(rollout, 1)));
  const before = runsOf(rollout, "post").length;
  rollout.setImage("web:1").run();
  assert.deepEqual([rollout.status.phase, rollout.switches], ["Healthy", [3, 3]]);
  assert.equal(runsOf(rollout, "post").length, before);
});

Deno.test("an analysis that is inconclusive pauses until somebody decides", () => {
  const rollout = analysed({ prePromotionAnalysis: GOOD });
  rollout.setImage("web:2").run();
  judge(rollout, "pre", "Inconclusive");
  rollout.run().pass(60).run();
  assert.equal(rollout.status.message, "InconclusiveAnalysisRun");
  assert.deepEqual(rollout.switches, [1, 2]);
  rollout.promote().run();
  assert.equal(runsOf(rollout, "pre").length, 2);
  judge(rollout, "pre", "Successful");
  rollout.run();
  assert.deepEqual(rollout.switches, [2, 2]);
});

/** Proxies of which a test says what they do. */
class TestTraffic implements ServedTraffic {
  isBehind = false;
  ways: Way[] = [];
  serves = () => !this.isBehind;
  waysTo = () => this.ways;
  onChange = () => () => {};
  counts = () => Promise.resolve([]);
}

Deno.test("replaced pods go when no proxy leads to them any more and their requests have ended", () => {
  const traffic = new TestTraffic();
  const rollout = new TestBlueGreen({ scaleDownDelaySeconds: 10 }, {}, traffic).run();
  rollout.setImage("web:2").settle();
  rollout.ready();
  traffic.isBehind = true;
  rollout.run();
  assert.deepEqual(rollout.switches, [2, 2]);
  assert.ok(!hasDeadline(setOf(rollout, 1)));
  traffic.isBehind = false;
  traffic.ways = [{ service: "active", by: "address", proxy: "node" }];
  assert.ok(!hasDeadline(setOf(rollout.run(), 1)));
  traffic.ways = [{ service: "preview", by: "address", proxy: "node" }];
  assert.ok(hasDeadline(setOf(rollout.run(), 1)));
  traffic.ways = [{ service: "active", by: "request", proxy: "node" }];
  rollout.pass(10).run();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 3 });
  const before = rollout.cluster.planOf(rolloutController(traffic), WEB);
  assert.equal(before.againAfterMs, 300_000);
  rollout.pass(300).run();
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 3 });
});

Deno.test("after an abort the time of new pods begins when users do not see them any more", () => {
  const traffic = new TestTraffic();
  const strategy = { postPromotionAnalysis: { templates: [] }, abortScaleDownDelaySeconds: 5 };
  const rollout = new TestBlueGreen(strategy, {}, traffic).run();
  rollout.setImage("web:2").settle();
  rollout.ready();
  rollout.settle();
  rollout.patchStatus({ abort: true });
  traffic.isBehind = true;
  rollout.run().pass(60).run();
  assert.deepEqual(rollout.switches, [1, 2]);
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 3 });
  traffic.isBehind = false;
  rollout.run().pass(5).run();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 0 });
});

Deno.test("pods that users see are not made fewer again, whatever the preview was", () => {
  const strategy = { previewReplicaCount: 1, postPromotionAnalysis: { templates: [] } };
  const rollout = manual(strategy).run();
  rollout.setImage("web:2").run();
  rollout.promote().settle();
  rollout.ready();
  rollout.settle();
  assert.deepEqual([rollout.switches, rollout.sizes], [[2, 2], { 1: 3, 2: 3 }]);
  rollout.change({ paused: true }).settle();
  assert.deepEqual(rollout.sizes, { 1: 3, 2: 3 });
});

Deno.test("the Services of a rollout that is deleted are given back, but for those that another one names", () => {
  const rollout = new TestBlueGreen().run();
  const { strategy, ...spec } = rollout.rollout.spec;
  const { previewService: _, ...blueGreen } = strategy!.blueGreen!;
  rollout.cluster.put(rollouts, {
    metadata: { name: "other" },
    spec: { ...spec, strategy: { blueGreen } },
  });
  rollout.cluster.take(rollouts, WEB);
  rollout.release();
  const [active, preview] = [rollout.service("active"), rollout.service("preview")];
  assert.ok(active.spec.selector?.[HASH_LABEL], "users keep the pods that they have");
  assert.deepEqual(preview.spec.selector, { app: "web" });
  for (const { metadata } of [active, preview]) {
    assert.equal(metadata.annotations?.[MANAGED_BY], undefined);
  }
});

Deno.test("going back within the delay needs no smaller preview first", () => {
  const rollout = manual({ previewReplicaCount: 1 }).run();
  rollout.setImage("web:2").run();
  rollout.promote().run();
  rollout.setImage("web:1").run();
  assert.deepEqual([rollout.status.phase, rollout.switches], ["Healthy", [3, 3]]);
  assert.deepEqual(rollout.sizes, { 2: 3, 3: 3 });
});

Deno.test("as many replaced sets are kept as the limit of the history says", () => {
  const rollout = new TestBlueGreen({}, { revisionHistoryLimit: 1 }).run();
  for (const image of ["web:2", "web:3", "web:4"]) rollout.setImage(image).run().pass(60).run();
  assert.deepEqual(rollout.sizes, { 3: 0, 4: 3 });
});

Deno.test("pods of a template in between stay until it is decided what comes after them", () => {
  const cases = [
    { strategy: { postPromotionAnalysis: GOOD }, kept: 3 },
    { strategy: { postPromotionAnalysis: GOOD, scaleDownDelaySeconds: 30 }, kept: 0 },
  ];
  for (const { strategy, kept } of cases) {
    const rollout = analysed({ autoPromotionEnabled: false, ...strategy });
    rollout.setImage("web:2").run();
    rollout.setImage("web:3").run();
    rollout.promote().run().pass(60).run();
    assert.deepEqual([rollout.switches, rollout.sizes[2]], [[3, 3], kept]);
    judge(rollout, "post", "Successful");
    assert.equal(rollout.run().sizes[2], 0);
  }
});

Deno.test("pods stay that a preview leads to, or while an analysis is inconclusive", () => {
  const paused = manual().run();
  paused.setImage("web:2").run();
  paused.change({ paused: true }).run();
  paused.setImage("web:3").run().pass(60).run();
  assert.deepEqual([paused.switches, paused.sizes[2]], [[1, 2], 3]);
  const unclear = analysed({ autoPromotionEnabled: false, prePromotionAnalysis: GOOD });
  unclear.setImage("web:2").run();
  judge(unclear, "pre", "Successful");
  unclear.run();
  unclear.setImage("web:3").run();
  judge(unclear, "pre", "Inconclusive");
  unclear.run().pass(60).run();
  assert.deepEqual([unclear.status.message, unclear.sizes[2]], ["InconclusiveAnalysisRun", 3]);
});
