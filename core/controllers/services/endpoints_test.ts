import assert from "node:assert/strict";
import { type Endpoints, endpoints } from "../../resources/core/endpoints.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { services } from "../../resources/core/services/services.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";
import { ADDRESSES_MAX, endpointsController } from "./endpoints.ts";

const WEB = { namespace: "default", name: "web" };
const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

function service(cluster: TestCluster, spec: object = {}, labels: object = { team: "a" }): void {
  cluster.put(services, {
    metadata: { ...cluster.get(services, WEB)?.metadata, name: "web", labels: { ...labels } },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  });
}

function pod(
  cluster: TestCluster,
  name: string,
  { ip = "10.0.0.1", ready = true, ...metadata }: Partial<Pod["metadata"]> & {
    ip?: string;
    ready?: boolean;
  } = {},
): void {
  cluster.put(pods, {
    metadata: {
      ...cluster.get(pods, { ...WEB, name })?.metadata,
      name,
      labels: { app: "web" },
      ...metadata,
    },
    spec: { nodeName: "n1", containers: [{ name: "a", image: "a" }] },
    status: {
      phase: "Running",
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{
        type: "Ready",
        status: ready ? "True" : "False",
        lastTransitionTime: timestamp(cluster.nowMs),
      }],
    },
  });
}

function settled(cluster: TestCluster): Endpoints | undefined {
  cluster.settle([endpointsController]);
  return cluster.get(endpoints, WEB);
}

function ips(object: Endpoints | undefined): unknown {
  return object?.subsets?.map(({ addresses = [], notReadyAddresses = [] }) => [
    addresses.map(({ ip }) => ip),
    notReadyAddresses.map(({ ip }) => ip),
  ]);
}

Deno.test("Endpoints name the pods of their Service, its labels and who keeps them", () => {
  const cluster = new TestCluster();
  service(cluster);
  pod(cluster, "b", { ip: "10.0.0.2", ready: false });
  pod(cluster, "a");
  const { metadata: { labels, annotations }, subsets } = settled(cluster)!;
  assert.deepEqual(labels, {
    team: "a",
    "endpoints.kubernetes.io/managed-by": "endpoint-controller",
  });
  assert.deepEqual(annotations, { [TRIGGER_TIME]: timestamp(cluster.nowMs) });
  const address = (name: string, ip: string) => ({
    ip,
    nodeName: "n1",
    targetRef: {
      kind: "Pod",
      namespace: "default",
      name,
      uid: cluster.get(pods, { ...WEB, name })!.metadata.uid,
    },
  });
  assert.deepEqual(subsets, [{
    addresses: [address("a", "10.0.0.1")],
    notReadyAddresses: [address("b", "10.0.0.2")],
    ports: [{ port: 8080, protocol: "TCP" }],
  }]);
});

Deno.test("which pods and ports are in Endpoints", () => {
  const deletionTimestamp = timestamp(Date.parse("2026-01-01T00:00:00Z"));
  const cases: [why: string, spec: object, expected: unknown][] = [
    ["a Service without ports has none", { ports: [] }, undefined],
    ["one without address has them", { ports: [], clusterIP: "None" }, [[["10.0.0.1"], [
      "10.0.0.2",
    ]]]],
    ["pods that are ending are left out", {}, [[["10.0.0.1"], ["10.0.0.2"]]]],
    ["unless the Service publishes all", { publishNotReadyAddresses: true }, [
      [["10.0.0.1", "10.0.0.2", "10.0.0.3"], []],
    ]],
    ["another family", { ipFamilies: ["IPv6"] }, undefined],
  ];
  for (const [why, spec, expected] of cases) {
    const cluster = new TestCluster();
    service(cluster, spec);
    pod(cluster, "a");
    pod(cluster, "b", { ip: "10.0.0.2", ready: false });
    pod(cluster, "c", { ip: "10.0.0.3", deletionTimestamp });
    assert.deepEqual(ips(settled(cluster)), expected, why);
  }
});

Deno.test("Endpoints of a Service without address say so", () => {
  const cluster = new TestCluster();
  service(cluster, { clusterIP: "None" });
  assert.equal(settled(cluster)!.metadata.labels!["service.kubernetes.io/headless"], "");
});

Deno.test("Endpoints are written when what they say changes, and then only", () => {
  const cluster = new TestCluster();
  service(cluster);
  pod(cluster, "a");
  const { resourceVersion } = settled(cluster)!.metadata;
  pod(cluster, "a", { annotations: { a: "b" } });
  assert.equal(settled(cluster)!.metadata.resourceVersion, resourceVersion);
  cluster.nowMs += 5_000;
  pod(cluster, "a", { ready: false });
  const changed = settled(cluster)!;
  assert.deepEqual(ips(changed), [[[], ["10.0.0.1"]]]);
  assert.equal(changed.metadata.annotations![TRIGGER_TIME], timestamp(cluster.nowMs));
  service(cluster, {}, { team: "b" });
  const labelled = settled(cluster)!;
  assert.equal(labelled.metadata.labels!["team"], "b");
  assert.equal(labelled.metadata.annotations, undefined, "no pod led to this change");
});

Deno.test("many addresses are written once a second at most", () => {
  const cluster = new TestCluster();
  service(cluster);
  for (let i = 0; i < 101; i++) pod(cluster, `p${i}`, { ip: `10.0.0.${i + 1}` });
  settled(cluster);
  pod(cluster, "p0", { ready: false });
  assert.deepEqual(cluster.planOf(endpointsController, WEB), { writes: [], againAfterMs: 1_000 });
  cluster.nowMs += 1_000;
  assert.equal(cluster.planOf(endpointsController, WEB).writes.length, 1);
});

Deno.test("Endpoints are cut at 1000 addresses, ready ones first, and say so", () => {
  const cluster = new TestCluster();
  service(cluster);
  for (let i = 0; i < ADDRESSES_MAX + 10; i++) {
    pod(cluster, `p${i}`, { ip: `10.0.${i >> 8}.${i & 255}`, ready: i >= 20 });
  }
  const made = settled(cluster)!;
  const [{ addresses = [], notReadyAddresses = [] }] = made.subsets as [
    NonNullable<Endpoints["subsets"]>[number],
  ];
  assert.deepEqual([addresses.length, notReadyAddresses.length], [990, 10]);
  const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";
  assert.equal(made.metadata.annotations![OVER_CAPACITY], "truncated");
  for (let i = 0; i < 20; i++) cluster.take(pods, { ...WEB, name: `p${i}` });
  cluster.nowMs += 1_000;
  assert.equal(settled(cluster)!.metadata.annotations?.[OVER_CAPACITY], undefined);
});

Deno.test("Endpoints go with their Service, also those of a Service without selector; a user's own stay", () => {
  const own = { metadata: { name: "web" }, subsets: [{ addresses: [{ ip: "10.0.0.9" }] }] };
  for (const selector of [{ app: "web" }, undefined]) {
    const cluster = new TestCluster();
    service(cluster, { selector });
    if (!selector) cluster.put(endpoints, own);
    assert.ok(settled(cluster));
    cluster.take(services, WEB);
    assert.equal(settled(cluster), undefined);
    cluster.put(endpoints, own);
    assert.ok(settled(cluster), "nobody has a Service of this name now");
  }
});

Deno.test("Endpoints that a restart left behind go, those of users without Service stay", () => {
  const labels = { "endpoints.kubernetes.io/managed-by": "endpoint-controller" };
  const cluster = new TestCluster();
  cluster.put(endpoints, { metadata: { name: "web", labels } });
  cluster.put(endpoints, { metadata: { name: "own" } });
  assert.equal(settled(cluster), undefined);
  assert.ok(cluster.get(endpoints, { ...WEB, name: "own" }));
});
