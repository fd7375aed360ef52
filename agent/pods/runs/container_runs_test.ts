import assert from "node:assert/strict";
import {
  backoffAfterRestart,
  hasEnded,
  isAnyRunning,
  latestRun,
  nextRun,
  runsOf,
} from "./container_runs.ts";
import { MAIN, observedOf, podOf, run } from "../next_step_fixture.ts";
import type { ContainerMemory, Failure } from "./observed_pod.ts";

const FAILURE: Failure = {
  stage: "run",
  reason: "RunContainerError",
  message: "no",
  atMs: 0,
  time: "",
  failures: 1,
  retryAtMs: 7_000,
};

Deno.test("which run comes next, when, and whether it waits for the back-off", () => {
  const cases: [
    string,
    restartPolicy: string,
    latest: ReturnType<typeof run> | undefined,
    ContainerMemory | undefined,
    ReturnType<typeof nextRun>,
  ][] = [
    ["the first", "Always", undefined, undefined, dueAt(0, 0)],
    ["after a failed pull", "Never", undefined, { failure: FAILURE }, dueAt(0, 7_000)],
    ["while one runs", "Always", run(0, "running"), undefined, undefined],
    ["created, not started", "Never", run(2, "created"), undefined, dueAt(2, 0)],
    ["start failed", "Always", run(2, "created"), { failure: FAILURE }, dueAt(3, 7_000)],
    ["start failed", "OnFailure", run(2, "created"), { failure: FAILURE }, dueAt(3, 7_000)],
    ["start failed", "Never", run(2, "created"), { failure: FAILURE }, undefined],
    [
      "creation failed",
      "Never",
      run(2, "created"),
      { failure: { ...FAILURE, stage: "create" } },
      dueAt(2, 7_000),
    ],
    ["ended badly", "OnFailure", ended(5_000), undefined, dueAt(1, 5_000, true)],
    ["ended well", "OnFailure", ended(5_000, 0), undefined, undefined],
    ["ended well", "Always", ended(5_000, 0), undefined, dueAt(1, 5_000, true)],
    ["ended badly", "Never", ended(5_000), undefined, undefined],
    [
      "in back-off",
      "Always",
      ended(5_000),
      { backoff: { waitMs: 20_000, sinceMs: 0 } },
      dueAt(1, 25_000, true),
    ],
    [
      "a back-off that has just not expired",
      "Always",
      ended(600_000),
      { backoff: { waitMs: 20_000, sinceMs: 0 } },
      dueAt(1, 620_000, true),
    ],
    [
      "a back-off that has expired",
      "Always",
      ended(600_001),
      { backoff: { waitMs: 20_000, sinceMs: 0 } },
      dueAt(1, 600_001, true),
    ],
    ["a failure lasts longer", "Always", ended(5_000), { failure: FAILURE }, dueAt(1, 7_000)],
    ["both at once", "Always", ended(7_000), { failure: FAILURE }, dueAt(1, 7_000)],
  ];
  for (const [name, restartPolicy, latest, memory, expected] of cases) {
    const observed = observedOf({
      containers: latest ? [latest] : [],
      memories: memory ? { main: memory } : {},
    });
    const pod = podOf({ spec: { restartPolicy } });
    assert.deepEqual(nextRun(pod, observed, MAIN), expected, `${name}, ${restartPolicy}`);
  }
});

Deno.test("a run whose end has no time has ended at the beginning", () => {
  const { endedMs: _, ...latest } = run(0, "exited");
  const observed = observedOf({ containers: [latest] });
  assert.deepEqual(nextRun(podOf(), observed, MAIN), dueAt(1, 0));
});

Deno.test("the runs of a container come latest first; only an exited one has ended", () => {
  const other = run(5, "running", { name: "other" });
  const observed = observedOf({ containers: [run(0, "exited"), other, run(1, "created")] });
  assert.deepEqual(runsOf(observed, "main").map(({ restartCount }) => restartCount), [1, 0]);
  assert.equal(isAnyRunning(observed), true);
  assert.equal(isAnyRunning(observedOf({ containers: [run(0, "exited")] })), false);
  const ends = [run(0, "exited"), run(1, "created"), other, undefined].map(hasEnded);
  assert.deepEqual(ends, [true, false, false, false]);
});

Deno.test("a run that the runtime has lost has ended as its status says, or with 137", () => {
  const status = (state: object, lastState: object = {}) =>
    podOf({
      status: {
        containerStatuses: [{
          name: "main",
          containerID: "podman://x",
          restartCount: 4,
          image: "app:1",
          imageID: "i",
          state,
          lastState,
        }],
      },
    });
  const ended = { terminated: { exitCode: 3, finishedAt: "2026-01-01T00:00:01Z" } };
  const lostAs = (pod: ReturnType<typeof podOf>) => {
    const lost = latestRun(pod, observedOf(), "main");
    return [lost?.id, lost?.restartCount, lost?.state, lost?.exitCode, lost?.lost];
  };
  assert.deepEqual(lostAs(status({ running: {} }, ended)), ["x", 4, "exited", 137, true]);
  assert.deepEqual(lostAs(status(ended)), ["x", 4, "exited", 3, true]);
  assert.deepEqual(lostAs(status({ waiting: {} }, ended)), ["x", 4, "exited", 3, true]);
  const { finishedAtMs } = latestRun(status(ended), observedOf(), "main")!;
  assert.equal(finishedAtMs, Date.parse("2026-01-01T00:00:01Z"));
  assert.equal(latestRun(podOf(), observedOf(), "main"), undefined);
});

Deno.test("the back-off doubles from 10 s to 5 min, and starts again after 10 min without a restart", () => {
  const waits = [];
  let backoff = backoffAfterRestart(undefined, 0, 100);
  for (let restarts = 0; restarts < 7; restarts++) {
    waits.push(backoff.waitMs / 1_000);
    backoff = backoffAfterRestart(backoff, backoff.sinceMs + 1, backoff.sinceMs + 2);
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 300, 300]);
  const old = { waitMs: 80_000, sinceMs: 0 };
  assert.deepEqual(backoffAfterRestart(old, 600_000, 9), { waitMs: 160_000, sinceMs: 9 });
  assert.deepEqual(backoffAfterRestart(old, 600_001, 9), { waitMs: 10_000, sinceMs: 9 });
});

function dueAt(restartCount: number, atMs: number, isBackOff = false) {
  return { restartCount, atMs, isBackOff };
}

function ended(endedMs: number, exitCode = 1) {
  return run(0, "exited", { endedMs, exitCode });
}
