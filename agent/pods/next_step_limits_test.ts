import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { isGone, nextSteps, type Step } from "./next_step.ts";
import {
  deleted,
  NOW_MS,
  observedOf,
  podOf,
  prepareFailure,
  READY,
  run,
} from "./next_step_fixture.ts";
import type { ObservedPod } from "./runs/observed_pod.ts";

/** Where a decision turns: the bounds of time, and what keeps a step from being taken. */
const TABLE: Record<string, { pod?: Pod; observed?: Partial<ObservedPod>; steps: Step[] }> = {
  "no pod gets less than a second of grace, deleted": {
    pod: deleted(0),
    observed: { sandbox: READY, containers: [run(0, "running")] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 1_000, why: "deleted" }],
  },
  "no pod gets less than a second of grace, finished": {
    pod: podOf({ spec: { terminationGracePeriodSeconds: 0 }, status: { phase: "Failed" } }),
    observed: { sandbox: READY, containers: [run(0, "running")] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 1_000, why: "finished" }],
  },
  "no container gets less than a second of grace, by its probe": {
    pod: podOf({ spec: { terminationGracePeriodSeconds: 0 } }),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      memories: { main: { health: failed("liveness") } },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 1_000, why: "liveness" }],
  },
  "a pod without any grace does not drain": {
    pod: deleted(0),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      deletion: { seenMs: NOW_MS, wasReady: true },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 1_000, why: "deleted" }],
  },
  "a pod with a second of grace drains for half of it": {
    pod: deleted(1),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      deletion: { seenMs: NOW_MS - 499, wasReady: true },
    },
    steps: [{ do: "wait", ms: 1 }],
  },
  "a pod that drains and has ended is removed at once": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "exited")],
      deletion: { seenMs: NOW_MS, wasReady: true },
    },
    steps: [{ do: "remove" }],
  },
  "a deleted pod is not removed while one of its containers still runs": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "running"), run(0, "exited", { name: "side" })],
      busy: { main: { do: "stop", killAtMs: NOW_MS } },
    },
    steps: [],
  },
  "a deleted pod is not removed while a step of it is in flight": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "exited")],
      busy: { main: { do: "start" } },
    },
    steps: [],
  },
  "an orphan is not removed while a step of it is in flight": {
    observed: { containers: [run(0, "exited")], busy: { main: { do: "start" } } },
    steps: [],
  },
  "a container is not started a second time while its start is in flight": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      memories: { main: { imageId: "x" } },
      busy: { main: { do: "start" } },
    },
    steps: [],
  },
  "an orphan that is being stopped is not removed": {
    observed: {
      containers: [run(0, "running")],
      busy: { main: { do: "stop", killAtMs: NOW_MS } },
    },
    steps: [],
  },
  "a finished pod keeps its network while a step of it is in flight": {
    pod: podOf({ status: { phase: "Failed" } }),
    observed: { sandbox: READY, containers: [run(0, "exited")], busy: { main: { do: "start" } } },
    steps: [],
  },
  "a pod over its deadline keeps its network until the API knows that it failed": {
    pod: podOf(),
    observed: { sandbox: READY, containers: [run(0, "exited")], overdueMs: NOW_MS },
    steps: [],
  },
  "a pod of which nothing is left, and the API knows it, needs nothing": {
    pod: deleted(),
    observed: { sandbox: { state: "removed", deletionConfirmed: true } },
    steps: [],
  },
  "the deadline of a pod is waited for, and the nearest of several waits counts": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(1, "exited", { endedMs: NOW_MS - 4_000 })],
      memories: { main: { imageId: "x", backoff: { waitMs: 10_000, sinceMs: NOW_MS - 5_000 } } },
      overdueMs: NOW_MS + 2_500,
    },
    steps: [{ do: "wait", ms: 2_500 }],
  },
  "a container is due in the very moment in which its rest is over": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(1, "exited", { endedMs: NOW_MS - 10_000 })],
      memories: { main: { imageId: "x", backoff: { waitMs: 10_000, sinceMs: NOW_MS - 20_000 } } },
    },
    steps: [{ do: "start", container: "main", restartCount: 2 }],
  },
  "a pod that will not run again is not prepared": {
    pod: podOf({ spec: { restartPolicy: "Never" } }),
    observed: { containers: [run(0, "exited", { exitCode: 0 })] },
    steps: [],
  },
  "a pod is prepared while one of its containers will run again": {
    pod: podOf({
      spec: { restartPolicy: "OnFailure", containers: [{ name: "main" }, { name: "side" }] },
    }),
    observed: {
      containers: [
        run(0, "exited", { exitCode: 0 }),
        run(0, "exited", { name: "side", exitCode: 1 }),
      ],
      memories: { side: { imageId: "x" } },
    },
    steps: [{ do: "prepare" }],
  },
  "a probe's own grace counts when it failed the container, that of the liveness probe": {
    pod: podOf({ spec: { containers: [probed()] } }),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      memories: { main: { health: failed("liveness") } },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 5_000, why: "liveness" }],
  },
  "a probe's own grace counts when it failed the container, that of the startup probe": {
    pod: podOf({ spec: { containers: [probed()] } }),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      memories: { main: { health: failed("startup") } },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 7_000, why: "startup" }],
  },
  "a probe's own grace does not count when the image was changed": {
    pod: podOf({ spec: { containers: [{ ...probed(), image: "app:2" }] } }),
    observed: { sandbox: READY, containers: [run(0, "running")] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "changed" }],
  },
  "a stop under way is not repeated for the same time, and neither is one that is due": {
    pod: deleted(2),
    observed: {
      sandbox: READY,
      containers: [run(0, "running"), run(0, "running", { name: "side" })],
      busy: { main: { do: "stop", killAtMs: NOW_MS + 2_000 }, side: { do: "stop" } },
    },
    steps: [],
  },
  "a pull does not keep a container from being stopped, a start does": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "running"), run(0, "running", { name: "side" })],
      busy: { main: { do: "pull" }, side: { do: "start" } },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "deleted" }],
  },
  "a pod is prepared once at a time": {
    pod: podOf(),
    observed: { busy: { "": { do: "prepare" } }, memories: { main: { imageId: "x" } } },
    steps: [],
  },
  "what failed is due in the very moment in which its wait is over": {
    pod: podOf(),
    observed: { failure: prepareFailure(NOW_MS), memories: { main: { imageId: "x" } } },
    steps: [{ do: "prepare" }],
  },
  "what failed a millisecond too early is waited for": {
    pod: podOf(),
    observed: { failure: prepareFailure(NOW_MS + 1), memories: { main: { imageId: "x" } } },
    steps: [{ do: "wait", ms: 1 }],
  },
};

for (const [name, { pod, observed, steps }] of Object.entries(TABLE)) {
  Deno.test(name, () => {
    assert.deepEqual(nextSteps(pod, observedOf(observed), NOW_MS), steps);
  });
}

Deno.test("a pod is gone when nothing of it is known, there, or in flight", () => {
  const removed = { state: "removed", deletionConfirmed: true } as const;
  assert.equal(isGone(undefined, observedOf({ sandbox: removed })), true);
  assert.equal(isGone(podOf(), observedOf({ sandbox: removed })), false);
  assert.equal(isGone(undefined, observedOf()), false);
  assert.equal(
    isGone(undefined, observedOf({ sandbox: removed, busy: { a: { do: "pull" } } })),
    false,
  );
});

function failed(probe: "liveness" | "startup") {
  return { containerId: "main-0", started: true, ready: true, failed: probe };
}

function probed() {
  return {
    name: "main",
    image: "app:1",
    livenessProbe: { terminationGracePeriodSeconds: 5 },
    startupProbe: { terminationGracePeriodSeconds: 7 },
  };
}
