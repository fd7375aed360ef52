import assert from "node:assert/strict";
import { type Pod, pods } from "./pods.ts";
import { made, rowOf } from "../../resource_fixture.ts";

const nginx = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "nginx:1.27", ports: [{ containerPort: 80 }] }] },
};

function podWith(spec: object, container: object = {}): typeof nginx {
  const containers = [{ ...nginx.spec.containers[0]!, ...container }];
  return { ...nginx, spec: { containers, ...spec } };
}

Deno.test("a pod gets the defaults that Kubernetes gives it, and nothing else", () => {
  const { object, causes, warnings, unknown } = made(pods, nginx);
  assert.deepEqual({ causes, warnings, unknown }, { causes: [], warnings: [], unknown: [] });
  assert.deepEqual(object.spec, {
    containers: [{
      name: "web",
      image: "nginx:1.27",
      imagePullPolicy: "IfNotPresent",
      ports: [{ containerPort: 80, protocol: "TCP" }],
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
    }],
    dnsPolicy: "ClusterFirst",
    enableServiceLinks: true,
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  assert.deepEqual(object.status, { phase: "Pending", qosClass: "BestEffort" });
});

Deno.test("doing the defaults twice is doing them once", () => {
  const { object } = made(pods, nginx);
  assert.deepEqual(made(pods, object).object, object);
});

Deno.test("what is empty counts as not set", () => {
  const spec = {
    hostNetwork: false,
    nodeName: "",
    tolerations: [],
    nodeSelector: {},
    hostAliases: null,
  };
  const container = { env: [], args: [], tty: false, stdin: false, workingDir: "", command: null };
  const ports = [{ containerPort: 80, hostPort: 0, hostIP: "", protocol: "" }];
  assert.deepEqual(
    made(pods, podWith(spec, { ...container, ports })).object,
    made(pods, nginx).object,
  );
});

Deno.test("probes, volumes, env and hooks get their defaults", () => {
  const { object } = made(
    pods,
    podWith({
      volumes: [
        { name: "a" },
        { name: "b", configMap: { name: "c" } },
        { name: "d", hostPath: { path: "/x" } },
      ],
    }, {
      env: [{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
      livenessProbe: { httpGet: { port: 80 } },
      resources: { limits: { cpu: 1, memory: "1Gi" }, requests: { cpu: "500m" } },
    }),
  );
  const [container] = object.spec.containers;
  assert.deepEqual(container!.livenessProbe, {
    httpGet: { path: "/", port: 80, scheme: "HTTP" },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  assert.deepEqual(container!.env, [
    { name: "IP", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "status.podIP" } } },
  ]);
  assert.deepEqual(container!.resources, {
    limits: { cpu: "1", memory: "1Gi" },
    requests: { cpu: "500m", memory: "1Gi" },
  });
  assert.deepEqual(object.spec.volumes, [
    { name: "a", emptyDir: {} },
    { name: "b", configMap: { name: "c", defaultMode: 420 } },
    { name: "d", hostPath: { path: "/x", type: "" } },
  ]);
});

Deno.test("numbers of a probe that are 0 get their defaults", () => {
  const none = { timeoutSeconds: 0, periodSeconds: 0, successThreshold: 0, failureThreshold: 0 };
  const probe = { httpGet: { port: 80 } };
  const { object, causes } = made(pods, podWith({}, { livenessProbe: { ...probe, ...none } }));
  assert.deepEqual(causes, []);
  assert.deepEqual(object, made(pods, podWith({}, { livenessProbe: probe })).object);
});

Deno.test("ports are the node's when the network is", () => {
  const { object } = made(pods, podWith({ hostNetwork: true }));
  assert.deepEqual(object.spec.containers[0]!.ports, [
    { containerPort: 80, hostPort: 80, protocol: "TCP" },
  ]);
});

for (
  const [image, policy] of [
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["nginx:1.27", "IfNotPresent"],
    ["registry:5000/nginx", "Always"],
    ["registry:5000/nginx:1", "IfNotPresent"],
    ["nginx@sha256:abc", "IfNotPresent"],
    ["nginx:latest@sha256:abc", "Always"],
  ] as const
) {
  Deno.test(`the image ${image} is fetched ${policy}`, () => {
    const { object } = made(pods, podWith({}, { image }));
    assert.equal(object.spec.containers[0]!.imagePullPolicy, policy);
  });
}

for (
  const [word, resources] of [
    ["BestEffort", {}],
    ["BestEffort", { requests: { cpu: "0" } }],
    ["Burstable", { requests: { cpu: "100m" } }],
    ["Burstable", { limits: { cpu: "1" } }],
    ["Burstable", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }],
    ["Guaranteed", { limits: { cpu: "1", memory: "1Gi" } }],
    ["Guaranteed", {
      limits: { cpu: "1", memory: "1Gi" },
      requests: { cpu: "1000m", memory: "1024Mi" },
    }],
  ] as const
) {
  Deno.test(`a pod with ${JSON.stringify(resources)} is ${word}`, () => {
    assert.equal(made(pods, podWith({}, { resources })).object.status.qosClass, word);
  });
}

Deno.test("an update that writes an amount another way changes nothing", () => {
  const asWritten = { limits: { cpu: "1000m", memory: "1.5Gi" }, requests: { cpu: 0.5 } };
  const byGo = { limits: { cpu: "1", memory: "1536Mi" }, requests: { cpu: "500m" } };
  const { object: previous } = made(pods, podWith({}, { resources: asWritten }));
  const { object, causes } = made(pods, podWith({}, { resources: byGo }), previous);
  assert.deepEqual(causes, []);
  assert.deepEqual(object, previous);
});

const started = "2026-01-01T00:00:00Z";
const running = { running: { startedAt: started } };

function shown(status: object, { spec = {}, metadata = {} } = {}): Record<string, unknown> {
  const manifest = { ...podWith(spec), metadata: { ...nginx.metadata, ...metadata }, status };
  return rowOf(pods, made(pods, manifest).object, { wide: true });
}

function status(state: object, more: object = {}): object {
  const common = { name: "web", image: "nginx:1.27", imageID: "", ready: false, restartCount: 0 };
  return { phase: "Running", containerStatuses: [{ ...common, state, ...more }] };
}

for (
  const [name, given, options, expected] of [
    ["that nobody has seen", {}, {}, { Ready: "0/1", Status: "Pending", Restarts: "0" }],
    ["that was evicted", { phase: "Failed", reason: "Evicted" }, {}, { Status: "Evicted" }],
    ["that starts", status({ waiting: { reason: "ContainerCreating" } }), {}, {
      Status: "ContainerCreating",
    }],
    ["that runs", status(running, { ready: true }), {}, { Ready: "1/1", Status: "Running" }],
    [
      "that crashes",
      {
        ...status({ waiting: { reason: "CrashLoopBackOff" } }, {
          restartCount: 3,
          lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:00:00Z" } },
        }),
      },
      {},
      { Status: "CrashLoopBackOff", Restarts: "3 (5m ago)" },
    ],
    [
      "that has done its work",
      {
        ...status({ terminated: { exitCode: 0, reason: "Completed" } }),
        phase: "Succeeded",
      },
      {},
      { Ready: "0/1", Status: "Completed" },
    ],
    ["that failed without a word", status({ terminated: { exitCode: 7 } }), {}, {
      Status: "ExitCode:7",
    }],
    ["that was killed without a word", status({ terminated: { exitCode: 137, signal: 9 } }), {}, {
      Status: "Signal:9",
    }],
    ["that is being deleted", status(running, { ready: true }), {
      metadata: { deletionTimestamp: started },
    }, { Ready: "1/1", Status: "Terminating" }],
    [
      "that is done and being deleted",
      {
        ...status({ terminated: { exitCode: 0, reason: "Completed" } }),
        phase: "Succeeded",
      },
      { metadata: { deletionTimestamp: started } },
      { Status: "Completed" },
    ],
    ["whose node is lost", { ...status(running), reason: "NodeLost" }, {
      metadata: { deletionTimestamp: started },
    }, { Status: "Unknown" }],
    [
      "that waits behind a gate",
      {
        conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
      },
      {},
      { Status: "SchedulingGated" },
    ],
    ["on a node", { ...status(running), podIPs: [{ ip: "10.0.0.7" }] }, {
      spec: { nodeName: "n1" },
    }, { IP: "10.0.0.7", Node: "n1", "Nominated Node": "<none>", "Readiness Gates": "<none>" }],
    [
      "with a gate that holds",
      {
        conditions: [{ type: "a/b", status: "True" }],
      },
      { spec: { readinessGates: [{ conditionType: "a/b" }, { conditionType: "c/d" }] } },
      {
        "Readiness Gates": "1/2",
      },
    ],
  ] as const
) {
  Deno.test(`kubectl shows a pod ${name} as ${JSON.stringify(expected)}`, () => {
    const row = shown(given, options);
    for (const [column, text] of Object.entries(expected)) assert.equal(row[column], text, column);
  });
}

const init = [{ name: "one", image: "x" }, { name: "two", image: "x" }];
const ended = { terminated: { exitCode: 0, reason: "Completed" } };
const common = { image: "x", imageID: "", ready: false, restartCount: 0 };

for (
  const [word, states] of [
    ["Init:0/2", [{ waiting: { reason: "PodInitializing" } }, {}]],
    ["Init:1/2", [ended, running]],
    ["Init:Error", [{ terminated: { exitCode: 1, reason: "Error" } }, {}]],
    ["Init:ExitCode:3", [{ terminated: { exitCode: 3 } }, {}]],
    ["Init:CrashLoopBackOff", [ended, { waiting: { reason: "CrashLoopBackOff" } }]],
    ["Pending", [ended, ended]],
  ] as const
) {
  Deno.test(`kubectl shows init containers as ${word}`, () => {
    const initContainerStatuses = states.map((state, i) => ({
      ...common,
      name: init[i]!.name,
      state,
    }));
    const row = shown({ initContainerStatuses }, { spec: { initContainers: init } });
    assert.equal(row["Status"], word);
  });
}

Deno.test("a pod of which one container is done and one runs is running while it is ready", () => {
  const two = { containers: [{ name: "a", image: "x" }, { name: "b", image: "x" }] };
  const containerStatuses = [
    { ...common, name: "a", state: ended },
    { ...common, name: "b", state: running, ready: true },
  ];
  const conditions = [{ type: "Ready", status: "True" }];
  assert.equal(shown({ containerStatuses, conditions }, { spec: two })["Status"], "Running");
  assert.equal(shown({ containerStatuses }, { spec: two })["Status"], "NotReady");
});

Deno.test("pods are found by node, phase, address and the other fields of Kubernetes", () => {
  const { object } = made(pods, podWith({ nodeName: "n1" }));
  const fields = Object.entries(pods.fields).map(([name, value]) => [name, value(object as Pod)]);
  assert.deepEqual(Object.fromEntries(fields), {
    "spec.nodeName": "n1",
    "spec.restartPolicy": "Always",
    "spec.schedulerName": "default-scheduler",
    "spec.serviceAccountName": "",
    "spec.hostNetwork": "false",
    "status.phase": "Pending",
    "status.podIP": "",
    "status.nominatedNodeName": "",
  });
  assert.deepEqual(pods.indexes["node"]!(object), ["n1"]);
});
