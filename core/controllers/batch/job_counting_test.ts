import assert from "node:assert/strict";
import fc from "fast-check";
import { timestamp } from "../../lib/timestamp.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { Plan } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { hasIndex, indexSetIn, sizeOf } from "./index_set.ts";
import { COMPLETION_INDEX, isTracked } from "./job_pods.ts";
import { jobController } from "./jobs.ts";
import { isOver } from "./job_tracking.ts";
import { JOB_NAME, putJob } from "./job_fixture.ts";

// Exact counts, whatever happens, and wherever the server is killed.

type Step =
  | { do: "look"; writes: number }
  | { do: "end"; which: number; exitCode: number }
  | { do: "delete"; which: number }
  | { do: "suspend"; to: boolean }
  | { do: "restart" }
  | { do: "wait"; seconds: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("look" as const),
        writes: fc.constantFrom(0, 1, 1, 2, 2, 3, 4, 9),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("end" as const),
        which: fc.nat(5),
        exitCode: fc.constantFrom(0, 0, 1, 42),
      }),
    },
    fc.record({ do: fc.constant("delete" as const), which: fc.nat(5) }),
    fc.record({ do: fc.constant("suspend" as const), to: fc.boolean() }),
    fc.record({ do: fc.constant("restart" as const) }),
    fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 700 }) }),
  ),
  { maxLength: 40 },
);

const specs = fc.record({
  parallelism: fc.integer({ min: 1, max: 4 }),
  completions: fc.integer({ min: 1, max: 5 }),
  completionMode: fc.constantFrom("NonIndexed", "Indexed"),
  backoffLimit: fc.integer({ min: 0, max: 4 }),
  policy: fc.constantFrom("none", "ignore", "fail"),
  perIndex: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
  podReplacementPolicy: fc.constantFrom("Failed", "TerminatingOrFailed"),
});

function specOf(
  { policy, perIndex, ...spec }: (typeof specs) extends fc.Arbitrary<infer T> ? T : never,
) {
  const action = policy === "ignore" ? "Ignore" : "FailJob";
  return {
    ...spec,
    ...(policy !== "none" && {
      podReplacementPolicy: "Failed",
      podFailurePolicy: {
        rules: [{ action, onExitCodes: { operator: "In", values: [42] } }],
      },
    }),
    ...(spec.completionMode === "Indexed" && perIndex !== undefined && {
      backoffLimitPerIndex: perIndex,
      backoffLimit: 2 ** 31 - 1,
    }),
  };
}

/** A Job, its pods, and what has really happened to each of them. */
class History {
  readonly cluster = new TestCluster();
  readonly ends = new Map<string, { exitCode: number; index: string | undefined }>();
  /** Pods that were let go after the status had named them. */
  readonly named = { succeeded: new Set<string>(), failed: new Set<string>() };
  readonly #tracked = new Set<string>();
  readonly #counted = { succeeded: 0, failed: 0 };

  constructor(spec: object) {
    putJob(this.cluster, spec);
    this.cluster.subscribe(pods, ({ type, object }) => this.#see(object, type === "DELETED"));
  }

  /** A pod that is let go must be in the status, unless it does not count. */
  #see(pod: Pod, isGone: boolean): void {
    const { uid, annotations } = pod.metadata;
    if (isTracked(pod) && !isGone) this.#tracked.add(uid);
    else if (this.#tracked.delete(uid)) {
      const { succeeded = [], failed = [] } = this.job.status.uncountedTerminatedPods ?? {};
      const end = this.ends.get(uid);
      const completed = indexSetIn(this.job.status.completedIndexes ?? "", 99);
      const index = Number(annotations?.[COMPLETION_INDEX] ?? NaN);
      if (succeeded.includes(uid)) this.named.succeeded.add(uid);
      else if (failed.includes(uid)) this.named.failed.add(uid);
      else if (end?.exitCode === 0 && this.job.spec.completionMode === "Indexed") {
        assert.ok(hasIndex(completed, index), `index ${index} was lost`);
      } else if (end !== undefined && this.#counts(end.exitCode)) {
        assert.fail(`${pod.metadata.name} ended with ${end.exitCode} and was lost`);
      }
    }
  }

  #counts(exitCode: number): boolean {
    const [rule] = this.job.spec.podFailurePolicy?.rules ?? [];
    return rule?.action !== "Ignore" || exitCode !== 42;
  }

  get job(): Job {
    return this.cluster.get(jobs, JOB_NAME)!;
  }

  /** Carries out the first writes of a plan: then the server is killed. */
  look(writesMax = Infinity): boolean {
    const made: Plan = this.cluster.planOf(jobController, JOB_NAME);
    this.cluster.perform({ writes: made.writes.slice(0, writesMax) });
    this.check();
    return made.writes.length > 0;
  }

  settle(): void {
    for (let round = 0; round < 60 && this.look(); round++);
    assert.equal(this.cluster.planOf(jobController, JOB_NAME).writes.length, 0);
  }

  running(): readonly Pod[] {
    return this.cluster.list(pods).filter(({ metadata }) => !this.ends.has(metadata.uid));
  }

  end(pod: Pod, exitCode: number): void {
    const index = pod.metadata.annotations?.[COMPLETION_INDEX];
    this.ends.set(pod.metadata.uid, { exitCode, index });
    const finishedAt = timestamp(this.cluster.nowMs);
    this.cluster.patchStatus(pods, { namespace: "default", name: pod.metadata.name }, {
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      containerStatuses: [{
        name: "pi",
        image: "perl",
        imageID: "",
        ready: false,
        restartCount: 0,
        state: { terminated: { exitCode, finishedAt } },
      }],
    });
  }

  delete(pod: Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    const deletionTimestamp = timestamp(this.cluster.nowMs);
    this.cluster.put(pods, { ...pod, metadata: { ...pod.metadata, deletionTimestamp } });
  }

  /** What must hold at every moment. */
  check(): void {
    const { spec, status } = this.job;
    const { succeeded = 0, failed = 0 } = status;
    const real = [...this.ends.values()];
    const isIndexed = spec.completionMode === "Indexed";
    const successes = real.filter(({ exitCode }) => exitCode === 0);
    const succeededMost = isIndexed
      ? new Set(successes.map(({ index }) => index)).size
      : successes.length;
    assert.ok(succeeded <= succeededMost, `${succeeded} of ${succeededMost} successes counted`);
    if (isIndexed) {
      assert.equal(succeeded, sizeOf(indexSetIn(status.completedIndexes ?? "", 99)));
    }
    const { named } = this;
    assert.ok(failed <= named.failed.size, `${failed} of ${named.failed.size} failures counted`);
    assert.ok(succeeded >= this.#counted.succeeded && failed >= this.#counted.failed, "taken back");
    Object.assign(this.#counted, { succeeded, failed });
    const made = this.running().filter(({ metadata }) => !metadata.deletionTimestamp);
    assert.ok(made.length <= spec.parallelism!, `${made.length} pods run`);
    const indexes = made.map(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX]);
    if (isIndexed) assert.equal(new Set(indexes).size, indexes.length, "an index runs twice");
    if (spec.podReplacementPolicy !== "Failed") return;
    const all = this.running().map(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX]);
    assert.ok(all.length <= spec.parallelism!, "a pod was replaced before its end");
    if (isIndexed) assert.equal(new Set(all).size, all.length, "an index was replaced too early");
  }
}

function act(history: History, step: Step): void {
  const running = history.running();
  const chosen = "which" in step && running.length > 0
    ? running[step.which % running.length]
    : undefined;
  switch (step.do) {
    case "look":
      return void history.look(step.writes);
    case "end":
      return chosen && history.end(chosen, step.exitCode);
    case "delete":
      return chosen && history.delete(chosen);
    case "suspend": {
      const { job, cluster } = history;
      if (!isOver(job.status)) {
        cluster.put(jobs, { ...job, spec: { ...job.spec, suspend: step.to } });
      }
      return;
    }
    case "restart":
      return history.cluster.restartControllers();
    case "wait":
      history.cluster.nowMs += step.seconds * 1_000;
  }
}

/** Everything works from now on: the Job must come to an end, and its numbers must be right. */
function finish(history: History): void {
  for (let round = 0; round < 60 && !isOver(history.job.status); round++) {
    const { job, cluster } = history;
    if (job.spec.suspend) cluster.put(jobs, { ...job, spec: { ...job.spec, suspend: false } });
    history.settle();
    for (const pod of history.running()) {
      history.end(pod, pod.metadata.deletionTimestamp === undefined ? 0 : 137);
    }
    history.settle();
    cluster.nowMs += 700_000;
  }
}

Deno.test("no finished pod is counted twice or lost, wherever the server is killed", () => {
  fc.assert(
    fc.property(specs, steps, (given, history) => {
      const world = new History(specOf(given));
      for (const step of history) act(world, step);
      finish(world);
      const { status, spec } = world.job;
      assert.ok(isOver(status), JSON.stringify(status));
      assert.deepEqual(status.uncountedTerminatedPods, {});
      assert.equal(status.active, undefined);
      assert.equal(status.failed ?? 0, world.named.failed.size, "failures");
      if (spec.completionMode !== "Indexed") {
        assert.equal(status.succeeded ?? 0, world.named.succeeded.size, "successes");
      }
      const isComplete = status.conditions!.some(({ type }) => type === "Complete");
      if (isComplete) assert.ok(status.succeeded! >= spec.completions!, "too few successes");
      for (const { metadata } of world.cluster.list(pods)) {
        assert.equal(metadata.finalizers?.length ?? 0, 0, `${metadata.name} is still held`);
      }
    }),
    { numRuns: 600 },
  );
});
