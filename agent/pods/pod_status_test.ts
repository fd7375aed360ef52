import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { StatusInput } from "./container_status.ts";
import type { ContainerMemory, Failure, ObservedPod, ObservedRun } from "./runs/observed_pod.ts";
import { podStatusOf } from "./pod_status.ts";

const NOW_MS = Date.parse("2026-01-01T00:01:00Z");
const NOW = "2026-01-01T00:01:00Z";
const STARTED_MS = Date.parse("2026-01-01T00:00:30Z");
const READY = { state: "ready", ip: "10.0.0.1" } as const;

Deno.test("a pod that has just come to the node, as the kubelet shows it", () => {
  assert.deepEqual(podStatusOf(input({})), {
    phase: "Pending",
    conditions: [
      { type: "PodReadyToStartContainers", status: "False", lastTransitionTime: NOW },
      { type: "Initialized", status: "True", lastTransitionTime: NOW },
      {
        type: "Ready",
        status: "False",
        reason: "ContainersNotReady",
        message: "containers with unready status: [main]",
        lastTransitionTime: NOW,
      },
      {
        type: "ContainersReady",
        status: "False",
        reason: "ContainersNotReady",
        message: "containers with unready status: [main]",
        lastTransitionTime: NOW,
      },
      { type: "PodScheduled", status: "True", lastTransitionTime: NOW },
    ],
    hostIP: "192.168.0.1",
    hostIPs: [{ ip: "192.168.0.1" }],
    startTime: NOW,
    containerStatuses: [{
      name: "main",
      state: { waiting: { reason: "ContainerCreating" } },
      lastState: {},
      ready: false,
      restartCount: 0,
      image: "app:1",
      imageID: "",
      started: false,
    }],
    qosClass: "BestEffort",
  });
});

Deno.test("a running pod, as the kubelet shows it", () => {
  const status = podStatusOf(input({ containers: [run(0, "running")] }));
  assert.equal(status.phase, "Running");
  assert.deepEqual([status.podIP, status.podIPs], ["10.0.0.1", [{ ip: "10.0.0.1" }]]);
  assert.deepEqual(verdicts(status), {
    PodReadyToStartContainers: "True",
    Initialized: "True",
    Ready: "True",
    ContainersReady: "True",
    PodScheduled: "True",
  });
  assert.deepEqual(status.containerStatuses, [{
    name: "main",
    state: { running: { startedAt: "2026-01-01T00:00:30Z" } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image: "app:1",
    imageID: "sha256:1",
    containerID: "podman://main-0",
    started: true,
  }]);
});

const ended = (exitCode: number, more: Partial<ObservedRun> = {}) =>
  run(0, "exited", {
    exitCode,
    finishedAtMs: STARTED_MS + 5_000,
    endedMs: STARTED_MS + 5_000,
    ...more,
  });

const STATES: Record<string, { observed: Partial<Observed>; pod?: PodChange; shows: object }> = {
  "Completed": {
    observed: { containers: [ended(0)] },
    pod: { spec: { restartPolicy: "Never" } },
    shows: {
      terminated: {
        exitCode: 0,
        reason: "Completed",
        startedAt: "2026-01-01T00:00:30Z",
        finishedAt: "2026-01-01T00:00:35Z",
        containerID: "podman://main-0",
      },
    },
  },
  "Error, with its termination message": {
    observed: { containers: [ended(3)], memory: { messages: { "main-0": "no database" } } },
    pod: { spec: { restartPolicy: "Never" } },
    shows: {
      terminated: {
        exitCode: 3,
        reason: "Error",
        message: "no database",
        startedAt: "2026-01-01T00:00:30Z",
        finishedAt: "2026-01-01T00:00:35Z",
        containerID: "podman://main-0",
      },
    },
  },
  "OOMKilled": {
    observed: { containers: [ended(137, { oomKilled: true, signal: 9 })] },
    pod: { spec: { restartPolicy: "Never" } },
    shows: {
      terminated: {
        exitCode: 137,
        signal: 9,
        reason: "OOMKilled",
        startedAt: "2026-01-01T00:00:30Z",
        finishedAt: "2026-01-01T00:00:35Z",
        containerID: "podman://main-0",
      },
    },
  },
  "StartError of a pod that is to run once": {
    observed: {
      containers: [run(0, "created")],
      memory: { failure: failure("run", "RunContainerError", "no such program") },
    },
    pod: { spec: { restartPolicy: "Never" } },
    shows: {
      terminated: {
        exitCode: 128,
        reason: "StartError",
        message: "no such program",
        startedAt: "1970-01-01T00:00:00Z",
        finishedAt: NOW,
      },
    },
  },
  "PodInitializing, while init containers are to run": {
    observed: {},
    pod: { spec: { initContainers: [{ name: "first", image: "app:1", resources: {} }] } },
    shows: { waiting: { reason: "PodInitializing" } },
  },
  "CreateContainerConfigError of what cannot be done for the pod": {
    observed: {},
    pod: { spec: { resourceClaims: [{ name: "gpu" }] } },
    shows: {
      waiting: {
        reason: "CreateContainerConfigError",
        message: "Cannot start the pod: spec.resourceClaims are not implemented in this version " +
          "of Coracle, and its containers would run without their devices; remove them",
      },
    },
  },
  "CrashLoopBackOff": {
    observed: {
      containers: [ended(1, { finishedAtMs: NOW_MS - 1_000, endedMs: NOW_MS - 1_000 })],
      memory: { backoff: { waitMs: 80_000, sinceMs: NOW_MS - 2_000 } },
    },
    shows: {
      waiting: {
        reason: "CrashLoopBackOff",
        message: "back-off 1m20s restarting failed container=main pod=web_default(u)",
      },
    },
  },
  "ErrImagePull": {
    observed: { memory: { failure: failure("pull", "ErrImagePull", "unauthorized") } },
    shows: { waiting: { reason: "ErrImagePull", message: "unauthorized" } },
  },
  "ImagePullBackOff": {
    observed: {
      memory: {
        failure: { ...failure("pull", "ErrImagePull", "unauthorized"), atMs: NOW_MS - 1_000 },
      },
    },
    shows: {
      waiting: {
        reason: "ImagePullBackOff",
        message: 'Back-off pulling image "app:1": ErrImagePull: unauthorized',
      },
    },
  },
  "CreateContainerConfigError": {
    observed: {
      memory: { failure: failure("config", "CreateContainerConfigError", 'secret "s" not found') },
    },
    shows: { waiting: { reason: "CreateContainerConfigError", message: 'secret "s" not found' } },
  },
  "RunContainerError": {
    observed: {
      containers: [run(0, "created")],
      memory: { failure: failure("run", "RunContainerError", "no such file") },
    },
    shows: { waiting: { reason: "RunContainerError", message: "no such file" } },
  },
};

for (const [name, { observed, pod, shows }] of Object.entries(STATES)) {
  Deno.test(`a container is shown as ${name}`, () => {
    const status = podStatusOf(input(observed, pod));
    assert.deepEqual(status.containerStatuses![0]!.state, shows);
    assert.equal(status.containerStatuses![0]!.ready, false);
  });
}

const PHASES: [string, PodChange, Partial<Observed>, string][] = [
  ["Never, failed", { spec: { restartPolicy: "Never" } }, { containers: [ended(1)] }, "Failed"],
  ["Never, done", { spec: { restartPolicy: "Never" } }, { containers: [ended(0)] }, "Succeeded"],
  [
    "Never, not to be started",
    { spec: { restartPolicy: "Never" } },
    { containers: [run(0, "created")], memory: { failure: failure("run", "", "no") } },
    "Failed",
  ],
  [
    "with init containers",
    { spec: { initContainers: [{ name: "first", image: "app:1", resources: {} }] } },
    {},
    "Pending",
  ],
  [
    "OnFailure, failed",
    { spec: { restartPolicy: "OnFailure" } },
    { containers: [ended(1)] },
    "Running",
  ],
  ["Always, done", {}, { containers: [ended(0)] }, "Running"],
  ["deleted, ended", { deletes: true }, { containers: [ended(143)] }, "Failed"],
  ["deleted, done", { deletes: true }, { containers: [ended(0)] }, "Succeeded"],
  [
    "deleted, a start in flight",
    { deletes: true },
    { containers: [run(0, "created")], busy: { main: { do: "start" } } },
    "Pending",
  ],
  ["deleted, running", { deletes: true }, { containers: [run(0, "running")] }, "Running"],
  [
    "finished before",
    { status: { phase: "Failed" } },
    { containers: [run(0, "running")] },
    "Failed",
  ],
];
for (const [name, change, observed, phase] of PHASES) {
  Deno.test(`the phase of a pod that is ${name} is ${phase}`, () => {
    assert.equal(podStatusOf(input(observed, change)).phase, phase);
  });
}

Deno.test("a pod whose init containers have not run is not initialized", () => {
  const change = { spec: { initContainers: [{ name: "first", image: "app:1", resources: {} }] } };
  const { conditions, initContainerStatuses } = podStatusOf(input({}, change));
  assert.deepEqual(conditions!.find(({ type }) => type === "Initialized"), {
    type: "Initialized",
    status: "False",
    reason: "ContainersNotInitialized",
    message: "containers with incomplete status: [first]",
    lastTransitionTime: NOW,
  });
  const [first] = initContainerStatuses!;
  assert.deepEqual(first?.state, { waiting: { reason: "PodInitializing" } });
});

Deno.test("a finished pod is not ready because it has completed", () => {
  const change = { spec: { restartPolicy: "Never" } };
  const { conditions } = podStatusOf(input({ containers: [ended(0)] }, change));
  const reasons = conditions!.map(({ type, reason }) => [type, reason]);
  assert.deepEqual(Object.fromEntries(reasons), {
    PodReadyToStartContainers: undefined,
    Initialized: "PodCompleted",
    Ready: "PodCompleted",
    ContainersReady: "PodCompleted",
    PodScheduled: undefined,
  });
});

Deno.test("what the probes say decides who is ready and started", () => {
  const health = { containerId: "main-0", started: false, ready: true };
  const show = (change: object) => {
    const observed = {
      containers: [run(0, "running")],
      memory: { health: { ...health, ...change } },
    };
    const [status] = podStatusOf(input(observed)).containerStatuses!;
    return [status!.started, status!.ready];
  };
  assert.deepEqual(show({}), [false, false]);
  assert.deepEqual(show({ started: true }), [true, true]);
  assert.deepEqual(show({ started: true, ready: false }), [true, false]);
});

Deno.test("a status that is made again is equal, and keeps the times of its conditions", () => {
  const first = podStatusOf(input({ containers: [run(0, "running")] }));
  const again = input({ containers: [run(0, "running")] }, { status: first });
  assert.deepEqual(
    podStatusOf({ ...again, nowMs: NOW_MS + 60_000, elapsedMs: NOW_MS + 60_000 }),
    first,
  );
});

Deno.test("after a restart the end of the run before is shown, from the runtime or the status", () => {
  const both = podStatusOf(input({ containers: [run(1, "running"), ended(7)] }));
  assert.equal(both.containerStatuses![0]!.lastState.terminated?.exitCode, 7);
  const removed = podStatusOf(input({ containers: [run(1, "running")] }, { status: both }));
  assert.equal(removed.containerStatuses![0]!.lastState.terminated?.exitCode, 7);
});

Deno.test("a container that the runtime has lost is unknown, not forgotten", () => {
  const before = podStatusOf(input({ containers: [run(2, "running")] }));
  const { phase, containerStatuses } = podStatusOf(
    input({}, { status: before, spec: { restartPolicy: "Never" } }),
  );
  assert.equal(phase, "Failed");
  assert.equal(containerStatuses![0]!.state.terminated?.reason, "ContainerStatusUnknown");
  assert.equal(containerStatuses![0]!.state.terminated?.exitCode, 137);
  assert.equal(containerStatuses![0]!.restartCount, 2);
});

Deno.test("a pod over its deadline has failed", () => {
  const observed = { containers: [run(0, "running")], overdueMs: NOW_MS };
  const status = podStatusOf(input(observed, { spec: { activeDeadlineSeconds: 30 } }));
  assert.deepEqual([status.phase, status.reason, status.message], [
    "Failed",
    "DeadlineExceeded",
    "Pod was active on the node longer than the specified deadline",
  ]);
});

Deno.test("a readiness gate keeps a pod unready, and conditions of others stay", () => {
  const gate = { type: "coracle.dev/open", status: "False" };
  const change = {
    spec: { readinessGates: [{ conditionType: "coracle.dev/open" }, { conditionType: "b" }] },
    status: { conditions: [gate] },
  };
  const { conditions } = podStatusOf(input({ containers: [run(0, "running")] }, change));
  const ready = conditions!.find(({ type }) => type === "Ready");
  assert.equal(ready?.reason, "ReadinessGatesNotReady");
  assert.equal(
    ready?.message,
    'the status of pod readiness gate "coracle.dev/open" is not "True", but False, ' +
      'corresponding condition of pod readiness gate "b" does not exist.',
  );
  assert.deepEqual(conditions!.at(-1), gate);
});

const CLASSES: [string, object, string][] = [
  ["nothing", {}, "BestEffort"],
  ["a request", { requests: { cpu: "100m" } }, "Burstable"],
  ["limits alone", { limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
  ["requests as limits", {
    limits: { cpu: "1", memory: "1Gi" },
    requests: { cpu: "1000m", memory: "1024Mi" },
  }, "Guaranteed"],
  ["one limit", { limits: { cpu: "1" } }, "Burstable"],
  ["less than the limit", {
    limits: { cpu: "1", memory: "1Gi" },
    requests: { cpu: "500m", memory: "1Gi" },
  }, "Burstable"],
];
for (const [name, resources, qosClass] of CLASSES) {
  Deno.test(`a pod with ${name} is ${qosClass}`, () => {
    const containers = [{ name: "main", image: "app:1", resources }];
    assert.equal(podStatusOf(input({}, { spec: { containers } })).qosClass, qosClass);
  });
}

interface Observed extends ObservedPod {
  memory: ContainerMemory;
}
interface PodChange {
  spec?: object;
  status?: object;
  deletes?: boolean;
}

function input(
  { memory = {}, ...observed }: Partial<Observed>,
  { spec = {}, status = {}, deletes = false }: PodChange = {},
): StatusInput {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace: "default",
      name: "web",
      uid: "u",
      resourceVersion: "1",
      ...(deletes && { deletionTimestamp: NOW }),
    },
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      containers: [{ name: "main", image: "app:1", resources: {} }],
      ...spec,
    },
    status: { phase: "Pending", ...status },
  } as unknown as Pod; // only what the status is made from
  return {
    pod,
    observed: {
      containers: [],
      sandbox: observed.containers ? READY : { state: "unknown" },
      memories: { main: memory },
      busy: {},
      forcedGraceMs: 1_000,
      ...observed,
    },
    nowMs: NOW_MS,
    elapsedMs: NOW_MS,
    node: { hostIP: "192.168.0.1", runtimeName: "podman" },
  };
}

function run(
  restartCount: number,
  state: ObservedRun["state"],
  change: Partial<ObservedRun> = {},
): ObservedRun {
  return {
    id: `main-${restartCount}`,
    podUid: "u",
    podName: "web",
    podNamespace: "default",
    name: "main",
    restartCount,
    state,
    image: "app:1",
    imageId: "sha256:1",
    startedAtMs: STARTED_MS,
    ...change,
  };
}

function failure(stage: Failure["stage"], reason: string, message: string): Failure {
  return {
    stage,
    reason,
    message,
    atMs: NOW_MS,
    time: NOW,
    failures: 1,
    retryAtMs: NOW_MS + 10_000,
  };
}

function verdicts({ conditions = [] }: ReturnType<typeof podStatusOf>): Record<string, string> {
  return Object.fromEntries(conditions.map(({ type, status }) => [type, status]));
}
