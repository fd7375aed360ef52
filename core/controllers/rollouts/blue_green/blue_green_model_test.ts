import assert from "node:assert/strict";
import fc from "fast-check";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import {
  type AnalysisRun,
  analysisRuns,
  analysisTemplates,
} from "../../../resources/argoproj/mod.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { replicaSetController } from "../../apps/replica_sets.ts";
import { controllerOf } from "../../runtime/ownership.ts";
import { selectedHash } from "../parts/services.ts";
import { rolloutController } from "../rollouts.ts";
import { WEB } from "../rollout_fixture.ts";
import { availableOf, hashOf } from "../situation/sets.ts";
import { TestBlueGreen } from "./blue_green_fixture.ts";

const controller = rolloutController();
const REPLICAS_MAX = 4;
/** So many looks at most until nothing more is to do. */
const LOOKS_MAX = 200;

/** What happens to a rollout: by users, by its pods, by time. */
type Happening =
  | { kind: "image"; version: number }
  | { kind: "replicas"; replicas: number }
  | { kind: "promote" | "promoteFull" | "abort" | "retry" | "pause" | "resume" }
  | { kind: "ready"; count: number }
  | { kind: "crash"; index: number; count: number }
  | { kind: "ends" }
  | { kind: "time"; seconds: number }
  | { kind: "looks"; count: number }
  | { kind: "refused"; after: number }
  | { kind: "judge"; phase: string };

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("image"), version: fc.integer({ min: 1, max: 3 }) }),
  },
  fc.record({ kind: fc.constant("replicas"), replicas: fc.integer({ min: 1, max: REPLICAS_MAX }) }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("promote", "promoteFull", "abort", "retry", "pause", "resume"),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("ready"),
      count: fc.integer({ min: 1, max: REPLICAS_MAX }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("crash"),
      index: fc.integer({ min: 0, max: 3 }),
      count: fc.integer({ min: 1, max: REPLICAS_MAX }),
    }),
  },
  fc.record({ kind: fc.constant("ends") }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("time"), seconds: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("looks"), count: fc.integer({ min: 1, max: 6 }) }),
  },
  fc.record({ kind: fc.constant("refused"), after: fc.integer({ min: 0, max: 4 }) }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("judge"),
      phase: fc.constantFrom("Running", "Successful", "Failed", "Error", "Inconclusive"),
    }),
  },
) as fc.Arbitrary<Happening>;

const GOOD = { templates: [{ templateName: "good" }] };

const strategies = fc.record({
  previewService: fc.constantFrom("", "preview"),
  autoPromotionEnabled: fc.boolean(),
  autoPromotionSeconds: fc.constantFrom(0, 10),
  scaleDownDelaySeconds: fc.constantFrom(0, 5, 30),
  abortScaleDownDelaySeconds: fc.constantFrom(0, 5, 30),
  previewReplicaCount: fc.integer({ min: 1, max: REPLICAS_MAX }),
  scaleDownDelayRevisionLimit: fc.integer({ min: 0, max: 2 }),
  prePromotionAnalysis: fc.constant(GOOD),
  postPromotionAnalysis: fc.constant(GOOD),
}, { requiredKeys: [] });

function happen(rollout: TestBlueGreen, happening: Happening): void {
  switch (happening.kind) {
    case "image":
      return void rollout.setImage(`web:${happening.version}`);
    case "replicas":
      return void rollout.change({ replicas: happening.replicas });
    case "promote":
      return void rollout.promote();
    case "promoteFull":
      return void rollout.patchStatus({ promoteFull: true });
    case "abort":
    case "retry":
      return void rollout.patchStatus({ abort: happening.kind === "abort" });
    case "pause":
    case "resume":
      return void rollout.change({ paused: happening.kind === "pause" });
    case "ready":
      return void rollout.ready(happening.count);
    case "crash":
      return crash(rollout, happening);
    case "ends":
      return void rollout.end();
    case "time":
      return void rollout.pass(happening.seconds);
    case "judge":
      return void judge(rollout, happening.phase);
    case "refused":
      return void lookAround(rollout, happening.after);
    case "looks":
      for (let look = 0; look < happening.count; look++) lookAround(rollout);
  }
}

function crash(rollout: TestBlueGreen, { index, count }: { index: number; count: number }): void {
  const { cluster, sets } = rollout;
  const set = sets[index % sets.length];
  const own = cluster.list<Pod>(pods).filter((pod) => controllerOf(pod)?.uid === set?.metadata.uid);
  for (const pod of own.slice(0, count)) {
    cluster.patchStatus(pods, pod.metadata, {
      conditions: [{ type: "Ready", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" }],
    });
  }
}

/** An analysis goes on. Gives whether there was one. */
function judge({ cluster }: TestBlueGreen, phase: string): boolean {
  const run = cluster.list<AnalysisRun>(analysisRuns).find(({ status }) =>
    (status?.phase ?? "Running") === "Running"
  );
  if (run) cluster.put(analysisRuns, { ...run, status: { phase, message: "because" } });
  return run !== undefined;
}

/** One look of each controller, of which a write may be refused. Gives whether anything was to be written. */
function lookAround(rollout: TestBlueGreen, writesMax = Infinity): boolean {
  const { cluster } = rollout;
  const before = snapshotOf(rollout);
  const made = cluster.planOf(controller, WEB);
  cluster.perform({ writes: made.writes.slice(0, writesMax) });
  checkLook(rollout, before);
  const others = rollout.sets.map(({ metadata }) => {
    const plan = cluster.planOf(replicaSetController, metadata);
    cluster.perform(plan);
    return plan.writes.length > 0;
  });
  return made.writes.length > 0 || others.includes(true);
}

interface Snapshot {
  active: string;
  sets: ReadonlyMap<string, ReplicaSet>;
}

function snapshotOf(rollout: TestBlueGreen): Snapshot {
  return {
    active: selectedHash(rollout.service("active")),
    sets: new Map(rollout.sets.map((set) => [hashOf(set), set])),
  };
}

/** What no look may do. */
function checkLook(rollout: TestBlueGreen, before: Snapshot): void {
  const { replicas = 1 } = rollout.rollout.spec;
  const after = snapshotOf(rollout);
  if (after.active !== before.active) {
    const available = availableOf(before.sets.get(after.active));
    const carried = Math.min(replicas, availableOf(before.sets.get(before.active)));
    assert.ok(available > 0, "the active Service never goes to nothing");
    assert.ok(available >= carried, "the active Service never goes to fewer pods than it had");
  }
  for (const hash of new Set([before.active, after.active])) {
    const [was, is] = [before.sets.get(hash), after.sets.get(hash)];
    const kept = Math.min(replicas, was?.spec.replicas ?? 0);
    assert.ok((is?.spec.replicas ?? 0) >= kept, "pods that users see, or saw until now, stay");
  }
}

function settle(rollout: TestBlueGreen): void {
  for (let look = 0; look < LOOKS_MAX; look++) if (!lookAround(rollout)) return;
  assert.fail("the controllers do not come to rest");
}

/** Everybody does what is good for the rollout, and time passes. */
function recover(rollout: TestBlueGreen): void {
  const abort = rollout.status.abort ? false : undefined;
  rollout.change({ paused: false }).patchStatus({ abort });
  for (let round = 0; round < 4; round++) {
    do settle(rollout); while (
      rollout.ready() | rollout.end() | Number(judge(rollout, "Successful"))
    );
    if (rollout.status.pauseConditions) rollout.promote();
    else rollout.pass(120);
  }
}

Deno.test("whatever happens, users are never sent to pods that are not there, and all ends well", () => {
  fc.assert(
    fc.property(
      strategies,
      fc.integer({ min: 1, max: REPLICAS_MAX }),
      fc.array(happenings, { maxLength: 60 }),
      (strategy, replicas, all) => {
        const rollout = new TestBlueGreen(strategy, { replicas });
        rollout.cluster.put(analysisTemplates, {
          metadata: { name: "good" },
          spec: { metrics: [{ name: "good", provider: { web: { url: "http://good" } } }] },
        });
        for (const happening of all) happen(rollout, happening);
        recover(rollout);
        const { phase, message, currentPodHash, blueGreen, stableRS } = rollout.status;
        assert.deepEqual([phase, message], ["Healthy", undefined]);
        assert.equal(blueGreen?.activeSelector, currentPodHash);
        assert.equal(stableRS, currentPodHash);
        const sizes = rollout.sets.map((set) => set.spec.replicas).filter((size) => size > 0);
        assert.deepEqual(sizes, [rollout.rollout.spec.replicas]);
      },
    ),
    { numRuns: 150 },
  );
});
