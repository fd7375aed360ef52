import assert from "node:assert/strict";
import { endpoints } from "../../resources/core/endpoints.ts";
import { services } from "../../resources/core/services/services.ts";
import { type EndpointSlice, endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import { TestCluster } from "../test_cluster.ts";
import { endpointMirrorController, MIRRORED_ADDRESSES_MAX } from "./endpoint_mirrors.ts";

const NAME = { namespace: "default", name: "db" };
const ports = [{ port: 5432 }];

function service(cluster: TestCluster, selector?: object): void {
  cluster.put(services, {
    metadata: { name: "db" },
    spec: { ports, ...(selector && { selector }) },
  });
}

function own(cluster: TestCluster, subsets: object[], metadata: object = {}): void {
  cluster.put(endpoints, {
    metadata: { ...cluster.get(endpoints, NAME)?.metadata, name: "db", ...metadata },
    subsets,
  });
}

function mirrors(cluster: TestCluster): readonly EndpointSlice[] {
  cluster.settle([endpointMirrorController]);
  return cluster.by(endpointSlices, "service", "default/db");
}

const subset = (...ips: string[]) => ({ addresses: ips.map((ip) => ({ ip })), ports });

Deno.test("Endpoints of a Service without selector are mirrored with their labels and annotations", () => {
  const cluster = new TestCluster();
  service(cluster);
  own(
    cluster,
    [{ ...subset("10.0.0.1"), notReadyAddresses: [{ ip: "10.0.0.2", hostname: "b" }] }],
    {
      labels: { team: "a" },
      annotations: {
        note: "n",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z",
      },
    },
  );
  const [slice, ...others] = mirrors(cluster);
  assert.deepEqual(others, []);
  const { metadata: { labels, annotations, ownerReferences } } = slice!;
  assert.deepEqual(labels, {
    team: "a",
    "kubernetes.io/service-name": "db",
    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
  });
  assert.deepEqual(annotations, { note: "n" });
  assert.equal(ownerReferences![0]!.kind, "Endpoints");
  assert.deepEqual(slice!.ports, [{ name: "", port: 5432, protocol: "TCP" }]);
  assert.deepEqual(slice!.endpoints, [
    { addresses: ["10.0.0.1"], conditions: { ready: true } },
    { addresses: ["10.0.0.2"], conditions: { ready: false }, hostname: "b" },
  ]);
});

Deno.test("a mirror follows its Endpoints, in the same slice, and goes with them", () => {
  const cluster = new TestCluster();
  service(cluster);
  own(cluster, [subset("10.0.0.1")]);
  const [first] = mirrors(cluster);
  own(cluster, [{ ...subset("10.0.0.2"), ports: [{ port: 5433 }] }]);
  const [second, ...others] = mirrors(cluster);
  assert.deepEqual(others, []);
  assert.equal(second!.metadata.name, first!.metadata.name);
  assert.deepEqual(second!.endpoints[0]!.addresses, ["10.0.0.2"]);
  assert.equal(second!.ports[0]!.port, 5433);
  own(cluster, [subset("10.0.0.2", "fd00::1")]);
  assert.deepEqual(mirrors(cluster).map(({ addressType }) => addressType).sort(), ["IPv4", "IPv6"]);
  own(cluster, []);
  assert.deepEqual(mirrors(cluster), []);
  own(cluster, [subset("10.0.0.2")]);
  assert.equal(mirrors(cluster).length, 1);
  cluster.take(endpoints, NAME);
  assert.deepEqual(mirrors(cluster), []);
});

Deno.test("which Endpoints are not mirrored", () => {
  const cases: [why: string, change: (cluster: TestCluster) => void][] = [
    ["those whose Service has a selector", (cluster) => service(cluster, { app: "db" })],
    ["those without a Service", (cluster) => cluster.take(services, NAME)],
    ["those that say so", (cluster) =>
      own(cluster, [subset("10.0.0.1")], {
        labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
      })],
    ["those that elect a leader", (cluster) =>
      own(cluster, [subset("10.0.0.1")], {
        annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" },
      })],
  ];
  for (const [why, change] of cases) {
    const cluster = new TestCluster();
    service(cluster);
    own(cluster, [subset("10.0.0.1")]);
    assert.equal(mirrors(cluster).length, 1);
    change(cluster);
    assert.deepEqual(mirrors(cluster), [], why);
  }
});

Deno.test("slices that others keep are left alone", () => {
  const cluster = new TestCluster();
  service(cluster, { app: "db" });
  own(cluster, []);
  const labels = { "kubernetes.io/service-name": "db" };
  cluster.put(endpointSlices, { metadata: { name: "x", labels }, addressType: "IPv4" });
  assert.equal(mirrors(cluster).length, 1);
});

Deno.test("addresses of this machine, its link or of many are not mirrored, and that is told", () => {
  const cluster = new TestCluster();
  service(cluster);
  own(cluster, [subset("10.0.0.1", "127.0.0.1", "169.254.169.254", "239.1.2.3")]);
  assert.deepEqual(
    mirrors(cluster).flatMap((slice) => slice.endpoints.flatMap((e) => e.addresses)),
    [
      "10.0.0.1",
    ],
  );
  assert.deepEqual(cluster.notices.map(({ reason, message }) => `${reason}: ${message}`), [
    "InvalidIPAddress: Skipped 3 invalid IP addresses when mirroring to EndpointSlices",
  ]);
});

Deno.test("a thousand addresses of a subset are mirrored, and what is left out is told", () => {
  const cluster = new TestCluster();
  service(cluster);
  const all = Array.from({ length: 1_003 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  own(cluster, [subset(...all)]);
  assert.deepEqual(mirrors(cluster).map((slice) => slice.endpoints.length), [
    MIRRORED_ADDRESSES_MAX,
  ]);
  assert.deepEqual(cluster.notices.map(({ message }) => message), [
    "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped",
  ]);
});
