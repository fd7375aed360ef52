import assert from "node:assert/strict";
import {
  type AnalysisRun,
  analysisRuns,
  analysisTemplates,
  type Rollout,
  rollouts,
} from "../../resources/argoproj/mod.ts";
import { TestRollout } from "./rollout_fixture.ts";

const TEMPLATE = { provider: { web: { url: "http://metrics" } } };
const ANALYSIS = { templates: [{ templateName: "good" }] };

/** A rollout whose first revision is there, with a second one under way. */
function updated(strategy: object, spec: object = {}): TestRollout {
  const rollout = new TestRollout({ strategy, ...spec });
  for (const name of ["good", "other"]) {
    rollout.cluster.put(analysisTemplates, {
      metadata: { name },
      spec: { metrics: [{ name, ...TEMPLATE }], args: [{ name: "x", value: "1" }] },
    });
  }
  return rollout.run().setImage("web:2").run();
}

function runsOf({ cluster }: TestRollout): readonly AnalysisRun[] {
  return cluster.list<AnalysisRun>(analysisRuns);
}

/** What is behind the hash in the names of the runs, with their phases. */
function shown(rollout: TestRollout): Record<string, string> {
  return Object.fromEntries(
    runsOf(rollout).map(({ metadata: { name }, spec, status }) => [
      name.replace(/^web-[^-]+-/, ""),
      `${status?.phase ?? ""}${spec.terminate ? " terminated" : ""}`,
    ]),
  );
}

/** The controller of the run says how it is. `which` is what is behind the hash. */
function setPhase(rollout: TestRollout, which: string, phase: string, message?: string): void {
  const run = runsOf(rollout).find(({ metadata }) => metadata.name.endsWith(`-${which}`));
  assert(run !== undefined, `no run ${which} among ${JSON.stringify(shown(rollout))}`);
  rollout.cluster.put(analysisRuns, { ...run, status: { phase, ...(message && { message }) } });
  rollout.run();
}

/** The runs that were told to end do, as their controller does it. */
function endTerminated(rollout: TestRollout): void {
  for (const run of runsOf(rollout)) {
    const isOver = run.status?.phase === "Successful" || run.status?.phase === "Failed";
    if (!run.spec.terminate || isOver) continue;
    rollout.cluster.put(analysisRuns, { ...run, status: { phase: "Successful" } });
  }
  rollout.run();
}

const TWO_STEPS = { steps: [{ setWeight: 50 }, { analysis: ANALYSIS }, { pause: {} }] };

Deno.test("a step of analysis has a run with Argo's name, labels, annotation and owner, and is complete when it is good", () => {
  const rollout = updated({
    canary: {
      steps: [{
        analysis: {
          ...ANALYSIS,
          args: [
            { name: "x", valueFrom: { podTemplateHashValue: "Latest" } },
            { name: "unknown", value: "2" },
          ],
          analysisRunMetadata: { labels: { own: "l" }, annotations: { own: "a" } },
        },
      }, { pause: {} }],
    },
  });
  const [run] = runsOf(rollout);
  const hash = rollout.status.currentPodHash!;
  assert.equal(run!.metadata.name, `web-${hash}-2-0`);
  assert.deepEqual(run!.metadata.labels, {
    "rollouts-pod-template-hash": hash,
    "rollout-type": "Step",
    "step-index": "0",
    own: "l",
    app: "web",
  });
  assert.deepEqual(run!.metadata.annotations, { "rollout.argoproj.io/revision": "2", own: "a" });
  assert.equal(run!.metadata.ownerReferences![0]!.uid, rollout.rollout.metadata.uid);
  assert.deepEqual(run!.spec.args, [{ name: "x", value: hash }]);
  assert.deepEqual(rollout.status.canary!.currentStepAnalysisRunStatus, {
    name: run!.metadata.name,
    status: "",
  });
  setPhase(rollout, "0", "Running");
  assert.equal(rollout.status.currentStepIndex, 0);
  assert.equal(rollout.status.canary!.currentStepAnalysisRunStatus!.status, "Running");
  setPhase(rollout, "0", "Successful");
  assert.equal(rollout.status.currentStepIndex, 1);
  assert.equal(rollout.status.phase, "Paused");
  const told = rollout.cluster.notices.filter(({ about, reason }) =>
    about.kind === "Rollout" && reason.startsWith("AnalysisRun")
  );
  assert.deepEqual(
    told.map(({ reason, message }) => `${reason}: ${message.replace(hash, "<hash>")}`),
    [
      "AnalysisRunRunning: Step Analysis Run 'web-<hash>-2-0' Status New: 'Running' Previous: ''",
      "AnalysisRunSuccessful: Step Analysis Run 'web-<hash>-2-0' Status New: 'Successful' Previous: 'Running'",
    ],
  );
});

Deno.test("an analysis that fails aborts with its message; a retry has a new run", () => {
  for (const phase of ["Failed", "Error"]) {
    const rollout = updated({ canary: TWO_STEPS });
    setPhase(rollout, "1", phase, "Metric bad");
    assert.equal(rollout.status.abort, true);
    assert.equal(
      rollout.status.message,
      "RolloutAborted: Rollout aborted update to revision 2: Metric bad",
    );
    assert.deepEqual(shown(rollout), { "2-1": phase });
    rollout.patchStatus({ abort: false }).run();
    assert.deepEqual(shown(rollout), { "2-1": phase, "2-1.1": "" });
    setPhase(rollout, "1.1", "Successful");
    assert.equal(rollout.status.currentStepIndex, 2);
  }
});

Deno.test("a retry that comes back to the very step, or beside which an analysis goes on, has a new run, too", () => {
  for (
    const [strategy, name] of [
      [{ canary: { steps: [{ analysis: ANALYSIS }] } }, "2-0"],
      [{ canary: { analysis: ANALYSIS, steps: [{ pause: {} }] } }, "2"],
    ] as const
  ) {
    const rollout = updated(strategy);
    setPhase(rollout, name, "Failed");
    rollout.patchStatus({ abort: false }).run();
    assert.deepEqual(shown(rollout), { [name]: "Failed", [`${name}.1`]: "" });
    assert.notEqual(rollout.status.abort, true);
  }
});

Deno.test("an analysis that is inconclusive pauses; who goes on gets a new run", () => {
  const rollout = updated({ canary: TWO_STEPS });
  setPhase(rollout, "1", "Inconclusive");
  assert.equal(rollout.status.message, "InconclusiveAnalysisRun");
  assert.equal(rollout.status.currentStepIndex, 1);
  rollout.run();
  assert.deepEqual(shown(rollout), { "2-1": "Inconclusive" });
  rollout.patchStatus({ pauseConditions: undefined }).run();
  assert.deepEqual(shown(rollout), { "2-1": "Inconclusive", "2-1.1": "" });
});

Deno.test("who skips the step of an inconclusive analysis gets no new run of it", () => {
  const rollout = updated({ canary: TWO_STEPS });
  setPhase(rollout, "1", "Inconclusive");
  rollout.patchStatus({ pauseConditions: undefined, controllerPause: false, currentStepIndex: 2 })
    .run();
  assert.deepEqual(shown(rollout), { "2-1": "Inconclusive" });
  assert.equal(rollout.status.message, "CanaryPauseStep");
});

Deno.test("a run of a step that was skipped, aborted, promoted over or replaced is told to end", () => {
  const rows: [string, (rollout: TestRollout) => void][] = [
    ["skipped", (rollout) => rollout.patchStatus({ currentStepIndex: 2 })],
    ["aborted", (rollout) => rollout.patchStatus({ abort: true })],
    ["promoted", (rollout) => rollout.patchStatus({ promoteFull: true })],
    ["replaced", (rollout) => rollout.setImage("web:3")],
  ];
  for (const [how, change] of rows) {
    const rollout = updated({ canary: TWO_STEPS });
    setPhase(rollout, "2-1", "Running");
    change(rollout);
    rollout.run();
    assert.equal(shown(rollout)["2-1"], "Running terminated", how);
  }
});

Deno.test("steps of analysis in a row have runs of their own", () => {
  const rollout = updated({ canary: { steps: [{ analysis: ANALYSIS }, { analysis: ANALYSIS }] } });
  setPhase(rollout, "0", "Successful");
  assert.deepEqual(shown(rollout), { "2-0": "Successful", "2-1": "" });
  setPhase(rollout, "1", "Successful");
  assert.equal(rollout.status.phase, "Healthy");
});

Deno.test("a background analysis begins at its step, goes on beside the steps, and ends with the promotion", () => {
  const rollout = updated({
    canary: {
      analysis: { ...ANALYSIS, startingStep: 2 },
      steps: [{ setWeight: 50 }, { pause: {} }, { setWeight: 60 }, { pause: {} }],
    },
  });
  assert.deepEqual(shown(rollout), {});
  rollout.patchStatus({ pauseConditions: undefined }).run();
  assert.deepEqual(shown(rollout), { "2": "" });
  assert.equal(runsOf(rollout)[0]!.metadata.labels!["rollout-type"], "Background");
  setPhase(rollout, "2", "Running");
  rollout.patchStatus({ pauseConditions: undefined }).run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.deepEqual(shown(rollout), { "2": "Running terminated" });
  endTerminated(rollout);
  assert.deepEqual(shown(rollout), { "2": "Successful terminated" });
});

Deno.test("a background analysis that fails or is inconclusive does so while a step waits", () => {
  const strategy = { canary: { analysis: ANALYSIS, steps: [{ pause: {} }] } };
  const failed = updated(strategy);
  assert.equal(failed.status.message, "CanaryPauseStep");
  setPhase(failed, "2", "Failed", "no");
  assert.equal(failed.status.message, "RolloutAborted: Rollout aborted update to revision 2: no");
  const paused = updated({ canary: { analysis: ANALYSIS, steps: [{ pause: { duration: 3 } }] } });
  setPhase(paused, "2", "Inconclusive");
  assert.deepEqual(paused.status.pauseConditions!.map(({ reason }) => reason), [
    "CanaryPauseStep",
    "InconclusiveAnalysisRun",
  ]);
});

Deno.test("the first revision is not analysed, nor one that is complete", () => {
  const rollout = new TestRollout({ strategy: { canary: { analysis: ANALYSIS } } });
  rollout.cluster.put(analysisTemplates, {
    metadata: { name: "good" },
    spec: { metrics: [{ name: "m", ...TEMPLATE }] },
  });
  rollout.run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.deepEqual(runsOf(rollout), []);
});

Deno.test("five good and five bad runs are kept of earlier revisions, or as many as the rollout says", () => {
  const strategy = { canary: { steps: [{ analysis: ANALYSIS }, { pause: {} }] } };
  for (
    const [analysis, good, bad] of [
      [undefined, 5, 5],
      [{ successfulRunHistoryLimit: 1, unsuccessfulRunHistoryLimit: 0 }, 1, 0],
    ] as const
  ) {
    const rollout = updated(strategy, analysis ? { analysis } : {});
    for (let revision = 2; revision < 16; revision++) {
      setPhase(rollout, `${revision}-0`, revision % 2 === 0 ? "Successful" : "Failed");
      rollout.pass(1).setImage(`web:${revision + 1}`).run();
    }
    const counts = Object.values(shown(rollout));
    const current = counts.filter((phase) => phase === "").length;
    assert.equal(current, 1);
    assert.equal(counts.filter((phase) => phase === "Successful").length, good);
    assert.equal(counts.filter((phase) => phase === "Failed").length, bad);
    if (good === 5) assert.equal(shown(rollout)["2-0"], undefined, "the oldest go");
  }
});

Deno.test("arguments may be fields of the rollout, in Argo's reading", async () => {
  const { rolloutArguments } = await import("./analyses/arguments.ts");
  const rollout = updated({ canary: { steps: [{ setWeight: 10 }, { pause: {} }] } });
  const stored = rollout.cluster.put<Rollout>(rollouts, {
    ...rollout.rollout,
    metadata: {
      ...rollout.rollout.metadata,
      labels: { a: "1", "x.io/b": 'q"' },
      annotations: { A: "2" },
    },
    spec: { ...rollout.rollout.spec, progressDeadlineSeconds: 1_234_567 },
  });
  const [stable, current] = rollout.sets;
  const read = (fieldPath: string) =>
    rolloutArguments([{ name: "n", valueFrom: { fieldRef: { fieldPath } } }], {
      rollout: stored,
      current: current!,
      stable,
    })[0]!.value;
  const rows: [string, string][] = [
    ["metadata.name", "web"],
    ["metadata.labels['a']", "1"],
    ["metadata.labels['x.io/b']", 'q"'],
    ["metadata.labels['none']", ""],
    ["metadata.annotations['A']", "2"],
    ["metadata.labels", 'a="1"\nx.io/b="q\\""'],
    ["spec.strategy.canary.steps[0].setWeight", "10"],
    ["spec.progressDeadlineSeconds", "1.234567e+06"],
    ["spec.template.spec.containers[0].image", "web:2"],
  ];
  for (const [path, expected] of rows) assert.equal(read(path), expected, path);
  const faults: [string, string][] = [
    ["metadata.labels['a b']", "invalid key subscript in metadata.labels['a b']: "],
    ["metadata.generation", "unsupported fieldPath: metadata.generation"],
    ["metadata.x['a']", `fieldPath "metadata.x['a']" does not support subscript`],
    ["spec.nothing", "invalid path spec.nothing in rollout"],
    ["spec.constructor", "invalid path spec.constructor in rollout"],
    ["spec.replicas.x", "invalid path spec.replicas.x in rollout"],
    ["spec.template", "path spec.template in rollout must terminate in a primitive value"],
    ["spec.strategy.canary.steps[2].setWeight", "index 2 out of range"],
    ["spec.strategy.canary.steps[x]", "invalid index 'x'"],
  ];
  for (const [path, fault] of faults) {
    assert.throws(() => read(path), (error: Error) => error.message.startsWith(fault), path);
  }
});
