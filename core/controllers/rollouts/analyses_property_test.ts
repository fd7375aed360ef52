import assert from "node:assert/strict";
import fc from "fast-check";
import { type AnalysisRun, analysisRuns, analysisTemplates } from "../../resources/argoproj/mod.ts";
import { isCompleted } from "../analysis/metric_assessment.ts";
import { TestRollout } from "./rollout_fixture.ts";

const ANALYSIS = { templates: [{ templateName: "good" }] };
const STRATEGIES = [
  { canary: { steps: [{ analysis: ANALYSIS }, { setWeight: 50 }, { analysis: ANALYSIS }] } },
  { canary: { analysis: ANALYSIS, steps: [{ setWeight: 50 }, { pause: {} }, { setWeight: 60 }] } },
  {
    canary: {
      analysis: { ...ANALYSIS, startingStep: 1 },
      steps: [{ pause: { duration: 5 } }, { analysis: ANALYSIS }, { pause: {} }],
    },
  },
];

type Action =
  | { do: "phase"; which: number; phase: string }
  | { do: "image" | "abort" | "retry" | "promote" | "promote full" | "skip" | "pass" };

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("phase" as const),
        which: fc.nat(3),
        phase: fc.constantFrom(
          "Running",
          "Successful",
          "Successful",
          "Failed",
          "Error",
          "Inconclusive",
        ),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom(
          ...[
            "image",
            "abort",
            "retry",
            "promote",
            "promote",
            "promote full",
            "skip",
            "pass",
          ] as const,
        ),
      }),
    },
  ),
  { maxLength: 25 },
);

/** A Rollout whose analyses end as a test says; that of a run which was told to end is at once. */
class Trial {
  readonly rollout: TestRollout;
  #image = 1;

  constructor(strategy: object) {
    this.rollout = new TestRollout({ strategy });
    this.rollout.cluster.put(analysisTemplates, {
      metadata: { name: "good" },
      spec: { metrics: [{ name: "m", provider: { web: { url: "http://m" } } }] },
    });
    this.rollout.run();
  }

  get runs(): readonly AnalysisRun[] {
    return this.rollout.cluster.list<AnalysisRun>(analysisRuns);
  }

  /** Those that go on measuring. */
  get active(): AnalysisRun[] {
    return this.runs.filter(({ spec, status }) => !spec.terminate && !isCompleted(status?.phase));
  }

  act(action: Action): void {
    const { rollout } = this;
    const { status } = rollout;
    const steps = rollout.rollout.spec.strategy!.canary!.steps!.length;
    switch (action.do) {
      case "phase": {
        const run = this.active[action.which % Math.max(1, this.active.length)];
        if (run) {
          rollout.cluster.put(analysisRuns, { ...run, status: { phase: action.phase } } as never);
        }
        break;
      }
      case "image":
        rollout.setImage(`web:${++this.#image}`);
        break;
      case "abort":
        rollout.patchStatus({ abort: true });
        break;
      case "retry":
        rollout.patchStatus({ abort: false });
        break;
      case "promote":
        rollout.patchStatus({ pauseConditions: undefined });
        break;
      case "promote full":
        if (status.currentPodHash !== status.stableRS) rollout.patchStatus({ promoteFull: true });
        break;
      case "skip":
        rollout.patchStatus({
          pauseConditions: undefined,
          controllerPause: false,
          currentStepIndex: Math.min(steps, (status.currentStepIndex ?? 0) + 1),
        });
        break;
      case "pass":
        rollout.pass(5);
    }
    rollout.run();
  }

  check(before: string | undefined, action: Action): void {
    const { rollout, active } = this;
    const { status } = rollout;
    const purposes = active.map(({ metadata }) => metadata.labels!["rollout-type"]);
    assert.equal(new Set(purposes).size, purposes.length, "two runs judge the same");
    for (const { metadata } of active) {
      assert.equal(metadata.labels!["rollouts-pod-template-hash"], status.currentPodHash);
    }
    if (status.abort || status.phase === "Healthy") assert.deepEqual(active, []);
    const isPromoted = status.stableRS === status.currentPodHash && before !== status.stableRS;
    if (isPromoted && action.do !== "promote full") this.#checkJudged(action);
    const named = [
      status.canary?.currentStepAnalysisRunStatus,
      status.canary?.currentBackgroundAnalysisRunStatus,
    ];
    for (const run of active) assert(named.some((each) => each?.name === run.metadata.name));
  }

  /** What was promoted was judged by its last analysis, unless somebody skipped steps. */
  #checkJudged(action: Action): void {
    if (action.do === "skip" || action.do === "image") return;
    const { status } = this.rollout;
    const bad = this.runs.filter(({ metadata, status: of }) =>
      metadata.labels!["rollouts-pod-template-hash"] === status.currentPodHash &&
      (of?.phase === "Failed" || of?.phase === "Error")
    );
    // A retry judges anew: there is a later run for each that was bad.
    for (const { metadata } of bad) {
      const [base] = metadata.name.split(".");
      const later = this.runs.filter(({ metadata: { name } }) => name.startsWith(`${base}.`));
      assert(later.length > 0, `${metadata.name} was bad, and nothing judged it anew`);
    }
  }
}

Deno.test("whatever becomes of analyses and whatever users do: one run judges at a time, those of the present template only, and none after the end", () => {
  fc.assert(
    fc.property(fc.constantFrom(...STRATEGIES), actions, (strategy, actions) => {
      const trial = new Trial(strategy);
      for (const action of [{ do: "image" } as const, ...actions]) {
        const before = trial.rollout.status.stableRS;
        trial.act(action);
        trial.check(before, action);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("who tries again, goes on, and has good analyses comes to the end", () => {
  fc.assert(
    fc.property(fc.constantFrom(...STRATEGIES), actions, (strategy, actions) => {
      const trial = new Trial(strategy);
      for (const action of [{ do: "image" } as const, ...actions]) trial.act(action);
      const { rollout } = trial;
      for (let round = 0; round < 20 && rollout.status.phase !== "Healthy"; round++) {
        if (rollout.status.abort) trial.act({ do: "retry" });
        while (trial.active.length > 0) trial.act({ do: "phase", which: 0, phase: "Successful" });
        trial.act({ do: "promote" });
      }
      assert.equal(rollout.status.phase, "Healthy", `${rollout.status.message}`);
    }),
    { numRuns: 60 },
  );
});
