import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { backoffAfterRestart, nextRun } from "./runs/container_runs.ts";
import { isGone, nextSteps, type Step } from "./next_step.ts";
import {
  deleted,
  MAIN,
  NOW_MS,
  observedOf,
  podOf,
  prepareFailure,
  READY,
  run,
} from "./next_step_fixture.ts";
import type { ObservedPod, ObservedRun } from "./runs/observed_pod.ts";

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
  "a container that runs where nobody reaches it runs anew in the pod's network": {
    pod: podOf(),
    observed: { sandbox: READY, containers: [run(0, "running", { isCutOff: true })] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "sandbox" }],
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
  "a container of a pod that is to run once and could not be started is not tried again": {
    pod: podOf({ spec: { restartPolicy: "Never" } }),
    observed: {
      sandbox: READY,
      containers: [run(0, "created")],
      memories: {
        main: { imageId: "x", failure: { ...prepareFailure(NOW_MS - 1), stage: "run" } },
      },
    },
    steps: [],
  },
  "what a pod is prepared by comes before its main containers": {
    pod: podOf({ spec: { initContainers: [{ name: "first", image: "app:1" }] } }),
    observed: { sandbox: READY },
    steps: [{ do: "pull", container: "first" }],
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
  "of two running containers of one name the older is stopped": {
    pod: podOf(),
    observed: { sandbox: READY, containers: [run(1, "running"), run(0, "running")] },
    steps: [{ do: "stop", container: "main", id: "main-0", graceMs: 30_000, why: "duplicate" }],
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
    observed: { sandbox: { state: "removed", deletionConfirmed: false } },
    steps: [{ do: "confirmDeletion" }],
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
  "what failed is left alone until it is due": {
    pod: podOf(),
    observed: {
      failure: prepareFailure(NOW_MS + 1_000),
      memories: { main: { imageId: "x" } },
    },
    steps: [{ do: "wait", ms: 1_000 }],
  },
};

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
  assert.equal(nextRun(podOf(), observed, MAIN)?.atMs, endedMs);
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
        this.sandbox = { state: "removed", deletionConfirmed: false };
        return;
      case "confirmDeletion":
        assert.deepEqual(this.containers, [], "the API was told too early");
        this.sandbox = { state: "removed", deletionConfirmed: true };
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

function lostStatus() {
  return {
    name: "main",
    state: { running: { startedAt: new Date(NOW_MS).toISOString() } },
    lastState: {},
    restartCount: 4,
    containerID: "podman://main-4",
  };
}
