import assert from "node:assert/strict";
import type { PodStatus } from "./pod_status.ts";
import {
  availableInMs,
  isActive,
  isFinished,
  isReady,
  readySinceMs,
  restartsOf,
} from "./pod_states.ts";

/** 100 s after 1970. */
const NOW_MS = 100_000;

for (
  const [phase, deletionTimestamp, finished, active] of [
    ["Pending", undefined, false, true],
    ["Running", undefined, false, true],
    ["Unknown", undefined, false, true],
    ["Succeeded", undefined, true, false],
    ["Failed", undefined, true, false],
    ["Running", "1970-01-01T00:00:00Z", false, false],
    ["Failed", "1970-01-01T00:00:00Z", true, false],
  ] as const
) {
  const ending = deletionTimestamp === undefined ? "" : " that is being deleted";
  Deno.test(`a pod in phase ${phase}${ending}: finished ${finished}, active ${active}`, () => {
    const pod = podWith({ phase }, deletionTimestamp);
    assert.deepEqual([isFinished(pod), isActive(pod)], [finished, active]);
  });
}

Deno.test("a pod is ready, and since when, only while its condition Ready is True", () => {
  const ready = podWith(readyAt("1970-01-01T00:01:30Z"));
  assert.deepEqual([isReady(ready), readySinceMs(ready)], [true, 90_000]);
  for (const status of ["False", "Unknown"] as const) {
    const pod = podWith({
      conditions: [{ type: "Ready", status, lastTransitionTime: "1970-01-01T00:01:30Z" }],
    });
    assert.deepEqual([isReady(pod), readySinceMs(pod)], [false, undefined]);
  }
  assert.deepEqual([isReady(podWith({})), readySinceMs(podWith({}))], [false, undefined]);
});

for (
  const [readyTime, minReadySeconds, expectedMs] of [
    ["1970-01-01T00:01:30Z", 0, 0], // ready for 10 s
    ["1970-01-01T00:01:30Z", 9, 0],
    ["1970-01-01T00:01:30Z", 10, 0],
    ["1970-01-01T00:01:30Z", 11, 1_000],
    ["1970-01-01T00:01:40Z", 30, 30_000], // just now
    ["1970-01-01T00:01:50Z", 30, 40_000], // its agent's clock is ahead, by less than the wait
    ["1970-01-01T00:02:10Z", 30, 60_000], // by just as much
    ["1970-01-01T00:02:11Z", 30, 0], // by more
    [undefined, 30, undefined],
  ] as const
) {
  Deno.test(`a pod that is ready since ${readyTime}, at least for ${minReadySeconds} s, is available in ${expectedMs} ms`, () => {
    const pod = podWith(readyTime === undefined ? {} : readyAt(readyTime));
    assert.equal(availableInMs(pod, minReadySeconds, NOW_MS), expectedMs);
  });
}

Deno.test("of the restarts of its containers, the most count", () => {
  const counts = (...all: number[]) =>
    podWith({
      containerStatuses: all.map((restartCount) => ({ restartCount })),
    } as unknown as PodStatus);
  assert.equal(restartsOf(counts(1, 3, 2)), 3);
  assert.equal(restartsOf(counts(0)), 0);
  assert.equal(restartsOf(podWith({})), 0);
});

function readyAt(lastTransitionTime: string): Partial<PodStatus> {
  return { conditions: [{ type: "Ready", status: "True", lastTransitionTime }] };
}

function podWith(status: Partial<PodStatus>, deletionTimestamp?: string) {
  return {
    metadata: { name: "web", ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    status: { phase: "Running", ...status },
  } as unknown as Parameters<typeof isFinished>[0]; // only these fields are read
}
