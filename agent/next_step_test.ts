import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../core/resources/pods.ts";
import { backoffAfterRestart, nextRun } from "./container_runs.ts";
import { isGone, nextSteps, type Step } from "./next_step.ts";
import type { ObservedPod, ObservedRun } from "./observed_pod.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");
const READY = { state: "ready", ip: "10.0.0.1" } as const;

const TABLE: Record<string, { pod?: Pod; observed?: Partial<ObservedPod>; steps: Step[] }> = {
  "a new pod is prepared while its image is fetched": {
    pod: podOf(),
    steps: [{ do: "prepare" }, { do: "pull", container: "main" }],
  },
  "a container starts when its pod is prepared and its image is there": {
    pod: podOf(),
    observed: { sandbox: READY, memories: { main: { imageId: "x" } } },
    steps: [{ do: "start", container: "main", restartCount: 0 }],
  },
  "a running container is left alone": {
    pod: podOf(),
    observed: { sandbox: READY, containers: [run(0, "running")] },
    steps: [],
  },
  "a container that was made and not started is started": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(2, "created")],
      memories: { main: { imageId: "x" } },
    },
    steps: [{ do: "start", container: "main", restartCount: 2 }],
  },
  "a container that ended the first time starts at once": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(0, "exited")],
      memories: { main: { imageId: "x" } },
    },
    steps: [{ do: "start", container: "main", restartCount: 1 }],
  },
  "a container that ended again rests": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(1, "exited", { endedMs: NOW_MS - 4_000 })],
      memories: { main: { imageId: "x", backoff: { waitMs: 10_000, sinceMs: NOW_MS - 5_000 } } },
    },
    steps: [{ do: "wait", ms: 6_000 }],
  },
  "with OnFailure what succeeded does not run again": {
    pod: podOf({ spec: { restartPolicy: "OnFailure" } }),
    observed: { sandbox: READY, containers: [run(0, "exited", { exitCode: 0 })] },
    steps: [],
  },
  "with Never what failed does not run again": {
    pod: podOf({ spec: { restartPolicy: "Never" } }),
    observed: { sandbox: READY, containers: [run(0, "exited", { exitCode: 1 })] },
    steps: [],
  },
  "with Never what was lost does not run again": {
    pod: podOf({ spec: { restartPolicy: "Never" }, status: { containerStatuses: [lostStatus()] } }),
    observed: { sandbox: READY, memories: { main: { imageId: "x" } } },
    steps: [],
  },
  "with Always what was lost runs again, one run further": {
    pod: podOf({ status: { containerStatuses: [lostStatus()] } }),
    observed: { sandbox: READY, memories: { main: { imageId: "x" } } },
    steps: [{ do: "start", container: "main", restartCount: 5 }],
  },
  "a container whose liveness probe failed is stopped": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      memories: {
        main: { health: { containerId: "main-0", started: true, ready: true, failed: "liveness" } },
      },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "liveness" }],
  },
  "what a probe said of an earlier run does not count": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(1, "running")],
      memories: {
        main: { health: { containerId: "main-0", started: true, ready: true, failed: "liveness" } },
      },
    },
    steps: [],
  },
  "of two running twins the older is stopped": {
    pod: podOf(),
    observed: { sandbox: READY, containers: [run(1, "running"), run(0, "running")] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "twin" }],
  },
  "all ended runs but one are removed": {
    pod: podOf(),
    observed: {
      sandbox: READY,
      containers: [run(2, "running"), run(1, "exited"), run(0, "exited")],
    },
    steps: [{ do: "prune", container: "main", id: "main-0" }],
  },
  "a pod that was ready drains before it is stopped": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      deletion: { seenMs: NOW_MS - 50, wasReady: true },
    },
    steps: [{ do: "wait", ms: 9_950 }],
  },
  "a pod that drains keeps half of its grace": {
    pod: deleted(4),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      deletion: { seenMs: NOW_MS - 2_000, wasReady: true },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 2_000, why: "deleted" }],
  },
  "a pod that has drained is stopped with what is left of its grace": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      deletion: { seenMs: NOW_MS - 700, wasReady: true, drainedMs: NOW_MS - 500 },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 29_800, why: "deleted" }],
  },
  "a deleted pod is stopped with its grace": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      deletion: { seenMs: NOW_MS, wasReady: false },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "deleted" }],
  },
  "less grace than before is heeded while the stop is under way": {
    pod: deleted(2),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      busy: { main: { do: "stop", killAtMs: NOW_MS + 20_000 } },
    },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 2_000, why: "deleted" }],
  },
  "a stop under way is not repeated": {
    pod: deleted(),
    observed: {
      sandbox: READY,
      containers: [run(0, "running")],
      busy: { main: { do: "stop", killAtMs: NOW_MS + 20_000 } },
    },
    steps: [],
  },
  "a deleted pod that has ended is removed, though a pull goes on": {
    pod: deleted(),
    observed: { sandbox: READY, containers: [run(0, "exited")], busy: { other: { do: "pull" } } },
    steps: [{ do: "remove" }],
  },
  "a pod of which nothing is left is told to the API": {
    pod: deleted(),
    observed: { sandbox: { state: "removed", forgotten: false } },
    steps: [{ do: "forget" }],
  },
  "a finished pod gives its network back": {
    pod: podOf({ status: { phase: "Succeeded" } }),
    observed: { sandbox: READY, containers: [run(0, "exited", { exitCode: 0 })] },
    steps: [{ do: "release" }],
  },
  "a pod that others have failed is stopped": {
    pod: podOf({ status: { phase: "Failed" } }),
    observed: { sandbox: READY, containers: [run(0, "running")] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "finished" }],
  },
  "a pod over its deadline is stopped": {
    pod: podOf({
      spec: { activeDeadlineSeconds: 10 },
    }),
    observed: { sandbox: READY, containers: [run(0, "running")], overdueMs: NOW_MS },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "finished" }],
  },
  "an orphan is stopped": {
    observed: { containers: [run(0, "running")] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "unwanted" }],
  },
  "an orphan that has ended is removed": {
    observed: { containers: [run(0, "exited")] },
    steps: [{ do: "remove" }],
  },
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
    observed: { sandbox: { state: "removed", forgotten: true } },
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
  "what failed is left alone until it is due": {
    pod: podOf(),
    observed: {
      failure: prepareFailure(NOW_MS + 1_000),
      memories: { main: { imageId: "x" } },
    },
    steps: [{ do: "wait", ms: 1_000 }],
  },
};

Deno.test("a pod is gone when nothing of it is known, there, or in flight", () => {
  const removed = { state: "removed", forgotten: true } as const;
  assert.equal(isGone(undefined, observedOf({ sandbox: removed })), true);
  assert.equal(isGone(podOf(), observedOf({ sandbox: removed })), false);
  assert.equal(isGone(undefined, observedOf()), false);
  assert.equal(
    isGone(undefined, observedOf({ sandbox: removed, busy: { a: { do: "pull" } } })),
    false,
  );
});

for (const [name, { pod, observed, steps }] of Object.entries(TABLE)) {
  Deno.test(name, () => {
    assert.deepEqual(nextSteps(pod, observedOf(observed), NOW_MS), steps);
  });
}

Deno.test("the rest before a restart doubles to five minutes, and starts anew after ten good minutes", () => {
  let backoff = backoffAfterRestart(undefined, 0, 0);
  const waits = [backoff.waitMs / 1_000];
  for (let count = 0; count < 6; count++) {
    backoff = backoffAfterRestart(backoff, backoff.sinceMs + 1_000, backoff.sinceMs + 2_000);
    waits.push(backoff.waitMs / 1_000);
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 300, 300]);
  const endedMs = backoff.sinceMs + 601_000;
  assert.equal(backoffAfterRestart(backoff, endedMs, endedMs).waitMs, 10_000);
  const observed = observedOf({
    containers: [run(7, "exited", { endedMs })],
    memories: { main: { backoff } },
  });
  assert.equal(nextRun(podOf(), observed, { name: "main" })?.atMs, endedMs);
});

const anyRun = fc.record({
  name: fc.constantFrom("main", "side"),
  restartCount: fc.nat(3),
  state: fc.constantFrom("created", "running", "exited"),
  exitCode: fc.constantFrom(0, 1, 137),
  endedMs: fc.integer({ min: NOW_MS - 100_000, max: NOW_MS }),
}).map(({ restartCount, state, name, ...rest }) => run(restartCount, state, { name, ...rest }));
const anyWorld = fc.record({
  containers: fc.uniqueArray(anyRun, { selector: ({ id }) => id, maxLength: 6 }),
  policy: fc.constantFrom("Always", "OnFailure", "Never"),
  fate: fc.constantFrom("wanted", "deleted", "gone", "finished"),
  sandbox: fc.constantFrom(READY, { state: "unknown" } as const, { state: "released" } as const),
});

Deno.test("from any state the steps lead to rest, without ever two of a container, or one too many", () => {
  fc.assert(fc.property(anyWorld, ({ containers, policy, fate, sandbox }) => {
    const world = new World(containers, sandbox, podFor(policy, fate));
    const startedBefore = world.started;
    for (let turn = 0; turn < 100 && world.turn(); turn++);
    assert.ok(world.isAtRest, "it does not come to rest");
    if (fate !== "wanted") assert.equal(world.started, startedBefore, `a ${fate} pod was started`);
    if (fate !== "wanted") assert.ok(!world.states.includes("running"), `a ${fate} pod runs`);
    if (fate === "deleted" || fate === "gone") assert.deepEqual(world.states, []);
    if (fate === "gone") assert.ok(isGone(undefined, world.observed));
    if (fate === "wanted" && policy === "Always") {
      assert.deepEqual(world.running, ["main", "side"]);
    }
  }));
});

/** Does what was decided, at once and without failure. */
class World {
  started = 0;
  isAtRest = false;
  #nowMs = NOW_MS;

  constructor(
    public containers: ObservedRun[],
    public sandbox: ObservedPod["sandbox"],
    readonly pod: Pod | undefined,
  ) {}

  get observed(): ObservedPod {
    const memories = { main: { imageId: "x" }, side: { imageId: "x" } };
    return observedOf({ containers: this.containers, sandbox: this.sandbox, memories });
  }

  get states(): string[] {
    return this.containers.map(({ state }) => state);
  }

  get running(): string[] {
    return this.containers.filter(({ state }) => state === "running").map(({ name }) => name)
      .sort();
  }

  turn(): boolean {
    const steps = nextSteps(this.pod, this.observed, this.#nowMs);
    this.isAtRest = steps.length === 0;
    for (const step of steps) this.#take(step);
    return !this.isAtRest;
  }

  #take(step: Step): void {
    switch (step.do) {
      case "prepare":
        this.sandbox = READY;
        return;
      case "start":
        return this.#start(step);
      case "stop":
        return this.#end(step.id);
      case "prune":
        this.containers = this.containers.filter(({ id }) => id !== step.id);
        return;
      case "release":
        assert.ok(this.running.length === 0, "its network was taken from a running container");
        this.sandbox = { state: "released" };
        return;
      case "remove":
        assert.ok(this.running.length === 0, "a running container was removed");
        this.containers = [];
        this.sandbox = { state: "removed", forgotten: false };
        return;
      case "forget":
        assert.deepEqual(this.containers, [], "the API was told too early");
        this.sandbox = { state: "removed", forgotten: true };
        return;
      case "wait":
        this.#nowMs += step.ms;
        return;
      case "pull":
        return assert.fail("the image is there");
    }
  }

  #start({ container, restartCount }: Extract<Step, { do: "start" }>): void {
    assert.equal(this.sandbox.state, "ready", "it was started without a network");
    assert.ok(!this.running.includes(container), "two of a container run");
    const fresh = run(restartCount, "running", { name: container });
    const old = this.containers.find(({ id }) => id === fresh.id);
    assert.ok(old === undefined || old.state === "created", "a run was started twice");
    this.containers = [...this.containers.filter(({ id }) => id !== fresh.id), fresh];
    this.started++;
  }

  #end(id: string): void {
    this.containers = this.containers.map((container) =>
      container.id === id
        ? { ...container, state: "exited", exitCode: 143, endedMs: this.#nowMs }
        : container
    );
  }
}

function podFor(policy: string, fate: string): Pod | undefined {
  if (fate === "gone") return undefined;
  const containers = ["main", "side"].map((name) => ({ name, image: "app:1" }));
  const pod = podOf({
    spec: { restartPolicy: policy, containers },
    status: { phase: fate === "finished" ? "Failed" : "Running" },
  });
  return fate === "deleted" ? deleted(30, pod) : pod;
}

function podOf({ spec = {}, status = {} }: { spec?: object; status?: object } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name: "web", uid: "u", resourceVersion: "1" },
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      containers: [{ name: "main", image: "app:1" }],
      ...spec,
    },
    status: { phase: "Pending", ...status },
  } as unknown as Pod; // only what deciders read
}

function deleted(graceSeconds = 30, pod = podOf()): Pod {
  const deletion = {
    deletionTimestamp: new Date(NOW_MS).toISOString(),
    deletionGracePeriodSeconds: graceSeconds,
  };
  return { ...pod, metadata: { ...pod.metadata, ...deletion } };
}

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

function prepareFailure(retryAtMs: number): NonNullable<ObservedPod["failure"]> {
  return {
    stage: "prepare",
    reason: "",
    message: "no",
    atMs: NOW_MS,
    time: "",
    failures: 1,
    retryAtMs,
  };
}

function lostStatus() {
  return {
    name: "main",
    state: { running: { startedAt: new Date(NOW_MS).toISOString() } },
    lastState: {},
    restartCount: 4,
    containerID: "podman://main-4",
  };
}

function observedOf(change: Partial<ObservedPod> = {}): ObservedPod {
  return {
    containers: [],
    sandbox: { state: "unknown" },
    memories: {},
    busy: {},
    forcedGraceMs: 30_000,
    ...change,
  };
}

function run(
  restartCount: number,
  state: ObservedRun["state"],
  change: Partial<ObservedRun> = {},
): ObservedRun {
  const name = change.name ?? "main";
  return {
    ...{ id: `${name}-${restartCount}`, podUid: "u", podName: "web", podNamespace: "default" },
    ...{ name, restartCount, state, image: "app:1", imageId: "x", startedAtMs: NOW_MS - 60_000 },
    ...(state === "exited" && { exitCode: 1, endedMs: NOW_MS - 1 }),
    ...change,
  };
}
