import assert from "node:assert/strict";
import fc from "fast-check";
import { type EndpointSlice, endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { services } from "../../resources/core/services/services.ts";
import { keyOf, loopOf } from "../runtime/controller.ts";
import { ENDPOINTS_PER_SLICE_MAX, endpointSliceController } from "./endpoint_slices.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";

const SELECTED = { app: "web" };

function service(cluster: TestCluster, spec: object = {}): void {
  cluster.put(services, {
    metadata: { name: "web", labels: { team: "a" } },
    spec: { selector: SELECTED, ports: [{ name: "http", port: 80, targetPort: "http" }], ...spec },
  });
}

interface PodSetting {
  name: string;
  ip?: string | undefined;
  ready?: boolean;
  phase?: Pod["status"]["phase"];
  port?: number;
  labels?: Record<string, string>;
  deleted?: boolean;
}

function pod(
  cluster: TestCluster,
  {
    name,
    ip = "10.0.0.1",
    ready = true,
    phase = "Running",
    port = 8080,
    labels = SELECTED,
    deleted,
  }: PodSetting,
): Pod {
  const before = cluster.get(pods, { namespace: "default", name });
  return cluster.put(pods, {
    metadata: {
      ...before?.metadata,
      name,
      labels,
      ...(deleted && { deletionTimestamp: timestamp(cluster.nowMs) }),
    },
    spec: {
      nodeName: "n1",
      containers: [{ name: "a", image: "a", ports: [{ name: "http", containerPort: port }] }],
    },
    status: {
      phase,
      ...(ip && { podIP: ip, podIPs: [{ ip }] }),
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  });
}

function slices(cluster: TestCluster): readonly EndpointSlice[] {
  cluster.settle([endpointSliceController]);
  return cluster.by(endpointSlices, "service", "default/web");
}

Deno.test("a node that says its pod has an address of the link, of many or of none sends no traffic there", () => {
  for (const ip of ["169.254.169.254", "0.0.0.0", "224.0.0.1", "localhost"]) {
    const cluster = new TestCluster();
    service(cluster);
    pod(cluster, { name: "a", ip });
    assert.deepEqual(slices(cluster).flatMap(({ endpoints }) => endpoints), [], ip);
  }
});

Deno.test("a slice names pods with their address, port, node and state", () => {
  const cluster = new TestCluster();
  service(cluster);
  const { metadata: { uid } } = pod(cluster, { name: "a" });
  const [slice, ...others] = slices(cluster);
  assert.equal(others.length, 0);
  assert.match(slice!.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.deepEqual(slice!.metadata.labels, {
    team: "a",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
  assert.equal(slice!.addressType, "IPv4");
  assert.deepEqual(slice!.ports, [{ name: "http", protocol: "TCP", port: 8080 }]);
  assert.deepEqual(slice!.endpoints, [{
    addresses: ["10.0.0.1"],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: "n1",
    targetRef: { kind: "Pod", namespace: "default", name: "a", uid },
  }]);
});

Deno.test("the conditions of an endpoint follow its pod", () => {
  const rows: [Omit<PodSetting, "name">, object, (boolean | undefined)[]][] = [
    [{ ready: false }, {}, [false, false, false]],
    [{ ready: false }, { publishNotReadyAddresses: true }, [true, false, false]],
    [{ deleted: true }, {}, [false, true, true]],
    [{ deleted: true, ready: false }, {}, [false, false, true]],
    [{ ip: "" }, {}, []],
    [{ phase: "Failed" }, {}, []],
    [{ labels: { app: "other" } }, {}, []],
  ];
  for (const [setting, spec, expected] of rows) {
    const cluster = new TestCluster();
    service(cluster, spec);
    pod(cluster, { name: "a", ...setting });
    const found = slices(cluster).flatMap(({ endpoints }) => endpoints)
      .flatMap(({ conditions: { ready, serving, terminating } }) => [ready, serving, terminating]);
    assert.deepEqual(found, expected, JSON.stringify(setting));
  }
});

Deno.test("a named port that differs from pod to pod gives a slice for each", () => {
  const cluster = new TestCluster();
  service(cluster);
  pod(cluster, { name: "a", port: 8080 });
  pod(cluster, { name: "b", port: 9090 });
  const found = slices(cluster).map(({ ports, endpoints }) => [
    ports[0]?.port,
    endpoints.map(({ targetRef }) => targetRef?.name),
  ]);
  assert.deepEqual(found.sort(), [[8080, ["a"]], [9090, ["b"]]]);
});

Deno.test("a named port is found in a sidecar too, but not in an init container that ends", () => {
  for (const [restartPolicy, expected] of [["Always", [15_001]], [undefined, []]] as const) {
    const cluster = new TestCluster();
    service(cluster);
    const ports = [{ name: "http", containerPort: 15_001 }];
    const init = { name: "proxy", image: "p", ports, ...(restartPolicy && { restartPolicy }) };
    cluster.put(pods, {
      ...pod(cluster, { name: "a" }),
      spec: { containers: [{ name: "a", image: "a" }], initContainers: [init] },
    });
    const found = slices(cluster).flatMap(({ ports }) => ports.map(({ port }) => port));
    assert.deepEqual(found, expected);
  }
});

Deno.test("a service without pods has one empty slice; one without selector has none", () => {
  const cluster = new TestCluster();
  service(cluster);
  assert.deepEqual(slices(cluster).map(({ endpoints }) => endpoints), [[]]);
  for (const spec of [{ selector: {} }, { type: "ExternalName", externalName: "x.y" }]) {
    const other = new TestCluster();
    service(other, spec);
    assert.deepEqual(slices(other), []);
  }
});

Deno.test("the empty slice becomes that of the first pods, and a slice of other ports that of the last", () => {
  const cluster = new TestCluster();
  service(cluster);
  const [empty] = slices(cluster);
  pod(cluster, { name: "a", port: 8080 });
  const [first, ...others] = slices(cluster);
  assert.deepEqual([first!.metadata.uid, others], [empty!.metadata.uid, []]);
  assert.deepEqual(first!.ports, [{ name: "http", protocol: "TCP", port: 8080 }]);
  pod(cluster, { name: "a", port: 9090 });
  const [second] = slices(cluster);
  assert.equal(second!.metadata.uid, empty!.metadata.uid);
  assert.equal(second!.ports[0]?.port, 9090);
});

Deno.test("a headless service says so", () => {
  const cluster = new TestCluster();
  service(cluster, { clusterIP: "None" });
  assert.equal(slices(cluster)[0]?.metadata.labels?.["service.kubernetes.io/headless"], "");
});

Deno.test("a pod whose labels change leaves the slices of its old service", () => {
  const cluster = new TestCluster();
  service(cluster);
  pod(cluster, { name: "a" });
  const keys: string[] = [];
  const run = loopOf(endpointSliceController).start(cluster, (key) => keys.push(key));
  keys.length = 0;
  pod(cluster, { name: "a", labels: { app: "debug" } });
  assert.deepEqual(keys, [keyOf({ namespace: "default", name: "web" })]);
  run.stop();
});

const change = fc.record({
  pod: fc.nat(400).map((number) => `p${number}`),
  gone: fc.boolean(),
  port: fc.constantFrom(8080, 8080, 8080, 9090),
});

Deno.test("slices partition the pods: each once, at most 100 in a slice, whatever comes and goes", () => {
  fc.assert(
    fc.property(
      fc.nat(350),
      fc.array(fc.array(change, { maxLength: 60 }), { maxLength: 6 }),
      (count, rounds) => {
        const cluster = new TestCluster();
        service(cluster);
        for (let number = 0; number < count; number++) pod(cluster, { name: `p${number}` });
        for (const round of [[], ...rounds]) {
          for (const { pod: name, gone, port } of round) {
            if (gone) cluster.take(pods, { namespace: "default", name });
            else pod(cluster, { name, port });
          }
          assertPartition(cluster, slices(cluster));
        }
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
});

function assertPartition(cluster: TestCluster, found: readonly EndpointSlice[]): void {
  const named = found.flatMap(({ ports, endpoints }) =>
    endpoints.map(({ targetRef }) => `${targetRef?.name} ${ports[0]?.port}`)
  );
  const wanted = cluster.list(pods).map(({ metadata, spec }) =>
    `${metadata.name} ${spec.containers[0]?.ports?.[0]?.containerPort}`
  );
  assert.deepEqual(named.sort(), wanted.sort());
  assert.ok(found.every(({ endpoints }) => endpoints.length <= ENDPOINTS_PER_SLICE_MAX));
  assert.equal(
    found.filter(({ endpoints }) => endpoints.length === 0).length,
    wanted.length ? 0 : 1,
  );
}

Deno.test("a change of one pod among many changes one slice", () => {
  const cluster = new TestCluster();
  service(cluster);
  for (let number = 0; number < 250; number++) pod(cluster, { name: `p${number}` });
  const before = new Map(
    slices(cluster).map(({ metadata }) => [metadata.name, metadata.resourceVersion]),
  );
  assert.equal(before.size, 3);
  cluster.take(pods, { namespace: "default", name: "p7" });
  const changed = slices(cluster).filter(({ metadata }) =>
    before.get(metadata.name) !== metadata.resourceVersion
  );
  assert.equal(changed.length, 1);
});

for (
  const [trafficDistribution, labels, hints] of [
    [undefined, { "topology.kubernetes.io/zone": "z1" }, undefined],
    ["PreferClose", { "topology.kubernetes.io/zone": "z1" }, { forZones: [{ name: "z1" }] }],
    ["PreferSameZone", {}, undefined],
    ["PreferSameNode", {}, { forNodes: [{ name: "n1" }] }],
    ["PreferSameNode", { "topology.kubernetes.io/zone": "z1" }, {
      forNodes: [{ name: "n1" }],
      forZones: [{ name: "z1" }],
    }],
  ] as const
) {
  Deno.test(`endpoints say where they are, and with ${trafficDistribution} who should use them`, () => {
    const cluster = new TestCluster();
    cluster.put(nodes, { metadata: { name: "n1", labels } });
    service(cluster, trafficDistribution ? { trafficDistribution } : {});
    pod(cluster, { name: "a" });
    pod(cluster, { name: "b", ip: "10.0.0.2", ready: false });
    cluster.settle([endpointSliceController]);
    const [slice] = cluster.list(endpointSlices);
    const [a, b] = slice!.endpoints;
    assert.equal(a!.zone, (labels as Record<string, string>)["topology.kubernetes.io/zone"]);
    assert.deepEqual(a!.hints, hints);
    assert.equal(b!.hints, undefined);
  });
}
