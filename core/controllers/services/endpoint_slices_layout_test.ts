import assert from "node:assert/strict";
import { type EndpointSlice, endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { services } from "../../resources/core/services/services.ts";
import { keyOf, loopOf } from "../runtime/controller.ts";
import { endpointSliceController } from "./endpoint_slices.ts";
import { TestCluster } from "../test_cluster.ts";

const NAMED_PORT = { name: "http", port: 80, targetPort: "http" };
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";

function service(cluster: TestCluster, spec: object = {}, name = "web"): void {
  cluster.put(services, {
    metadata: { ...cluster.get(services, { namespace: "default", name })?.metadata, name },
    spec: { selector: { app: "web" }, ports: [NAMED_PORT], ...spec },
  });
}

interface PodSetting {
  ips?: string[];
  ports?: object[];
  spec?: object;
}

function pod(
  cluster: TestCluster,
  name: string,
  { ips = ["10.0.0.1"], ports, spec }: PodSetting = {},
) {
  cluster.put(pods, {
    metadata: {
      ...cluster.get(pods, { namespace: "default", name })?.metadata,
      name,
      labels: { app: "web" },
    },
    spec: {
      containers: [{
        name: "a",
        image: "a",
        ports: ports ?? [{ name: "http", containerPort: 8080 }],
      }],
      ...spec,
    },
    status: {
      phase: "Running",
      podIP: ips[0],
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
}

/** The slices once the controller is at rest, in the order of their names. */
function slices(cluster: TestCluster, name = "web"): EndpointSlice[] {
  cluster.settle([endpointSliceController]);
  return [...cluster.by(endpointSlices, "service", `default/${name}`)];
}

function namesIn({ endpoints }: EndpointSlice): string[] {
  return endpoints.map(({ targetRef }) => targetRef!.name!);
}

Deno.test("a port is that of the container, by number or by a name of its protocol", () => {
  const named = [
    { name: "http", containerPort: 9, protocol: "UDP" },
    { name: "admin", containerPort: 10 },
    { name: "http", containerPort: 8080 },
  ];
  const rows: [port: object, port: number | undefined][] = [
    [{ port: 80 }, 80],
    [{ port: 80, targetPort: 81 }, 81],
    [{ port: 80, targetPort: "http" }, 8080],
    [{ port: 80, targetPort: "http", protocol: "UDP" }, 9],
    [{ port: 80, targetPort: "admin" }, 10],
    [{ port: 80, targetPort: "admin", protocol: "UDP" }, undefined],
    [{ port: 80, targetPort: "other" }, undefined],
  ];
  for (const [port, expected] of rows) {
    const cluster = new TestCluster();
    service(cluster, { ports: [port] });
    pod(cluster, "a", { ports: named });
    const found = slices(cluster).flatMap(({ ports }) => ports.map(({ port }) => port));
    assert.deepEqual(found, expected === undefined ? [] : [expected], JSON.stringify(port));
  }
});

Deno.test("the protocol of an application is handed on where a port says one, and only there", () => {
  const cluster = new TestCluster();
  service(cluster, {
    ports: [{ name: "a", port: 1, appProtocol: "kubernetes.io/h2c" }, { name: "b", port: 2 }],
  });
  pod(cluster, "a");
  assert.deepEqual(slices(cluster)[0]?.ports, [
    { name: "a", protocol: "TCP", port: 1, appProtocol: "kubernetes.io/h2c" },
    { name: "b", protocol: "TCP", port: 2 },
  ]);
});

Deno.test("a pod's host name counts in the Service that is its subdomain, and in no other", () => {
  const rows: [spec: object, hostname: string | undefined][] = [
    [{ hostname: "one", subdomain: "web" }, "one"],
    [{ hostname: "one", subdomain: "other" }, undefined],
    [{ hostname: "one" }, undefined],
    [{ subdomain: "web" }, undefined],
  ];
  for (const [spec, hostname] of rows) {
    const cluster = new TestCluster();
    service(cluster);
    pod(cluster, "a", { spec: { containers: [{ name: "a", image: "a" }], ...spec } });
    const [endpoint] = slices(cluster).flatMap(({ endpoints }) => endpoints);
    assert.equal(endpoint?.hostname, hostname, JSON.stringify(spec));
    assert.equal(endpoint !== undefined && "hostname" in endpoint, hostname !== undefined);
  }
});

Deno.test("each family of the Service has slices of its own, with the pods' addresses of that family", () => {
  const rows: [spec: object, expected: [string, string[]][]][] = [
    [{}, [["IPv4", ["10.0.0.1"]]]],
    [{ clusterIP: "10.96.0.9" }, [["IPv4", ["10.0.0.1"]]]],
    [{ clusterIP: "fd00::9" }, [["IPv6", ["fd00::1"]]]],
    [{ clusterIP: "fd00::9", ipFamilies: ["IPv4"] }, [["IPv4", ["10.0.0.1"]]]],
    [{ ipFamilies: ["IPv6", "IPv4"] }, [["IPv4", ["10.0.0.1"]], ["IPv6", ["fd00::1"]]]],
  ];
  for (const [spec, expected] of rows) {
    const cluster = new TestCluster();
    service(cluster, spec);
    pod(cluster, "a", { ips: ["10.0.0.1", "fd00::1"] });
    const found = slices(cluster).map(({ addressType, endpoints }) => [
      addressType,
      endpoints.flatMap(({ addresses }) => addresses),
    ]);
    assert.deepEqual(found.toSorted(), expected, JSON.stringify(spec));
  }
});

Deno.test("a hundred pods fill a slice, one more begins the next", () => {
  for (const [count, expected] of [[100, [100]], [101, [1, 100]], [200, [100, 100]]] as const) {
    const cluster = new TestCluster();
    service(cluster);
    for (let number = 0; number < count; number++) pod(cluster, `p${number}`);
    const sizes = slices(cluster).map(({ endpoints }) => endpoints.length);
    assert.deepEqual(sizes.sort((a, b) => a - b), expected);
  }
});

Deno.test("new pods fill the room that others have left, in the slices that are there", () => {
  const cluster = new TestCluster();
  service(cluster);
  for (let number = 0; number < 150; number++) pod(cluster, `p${number}`);
  const before = slices(cluster);
  const full = before.find(({ endpoints }) => endpoints.length === 100)!;
  const [gone] = namesIn(full);
  cluster.take(pods, { namespace: "default", name: gone! });
  pod(cluster, "new");
  const after = slices(cluster);
  const again = after.find(({ metadata }) => metadata.name === full.metadata.name)!;
  assert.deepEqual(namesIn(again), [...namesIn(full).slice(1), "new"]);
  assert.deepEqual(
    after.map(({ metadata }) => metadata.uid),
    before.map(({ metadata }) => metadata.uid),
  );
});

Deno.test("a new pod of full slices begins a slice of its own", () => {
  const cluster = new TestCluster();
  service(cluster);
  for (let number = 0; number < 200; number++) pod(cluster, `p${number}`);
  const before = slices(cluster).map(({ metadata }) => metadata.uid);
  pod(cluster, "new");
  const after = slices(cluster);
  const [fresh, ...others] = after.filter(({ metadata }) => !before.includes(metadata.uid));
  assert.deepEqual([namesIn(fresh!), others, after.length], [["new"], [], 3]);
});

Deno.test("of several slices, whichever has emptied goes", () => {
  for (const place of [0, 1]) {
    const cluster = new TestCluster();
    service(cluster);
    for (let number = 0; number < 101; number++) pod(cluster, `p${number}`);
    const [emptied, kept] = [slices(cluster).at(place)!, slices(cluster).at(1 - place)!];
    for (const name of namesIn(emptied)) cluster.take(pods, { namespace: "default", name });
    assert.deepEqual(slices(cluster).map(namesIn), [namesIn(kept)]);
  }
});

Deno.test("a slice whose pods have all gone goes too, but the last one stays, empty", () => {
  const cluster = new TestCluster();
  service(cluster, { ports: [{ port: 80 }] });
  for (let number = 0; number < 101; number++) pod(cluster, `p${number}`);
  const small = slices(cluster).find(({ endpoints }) => endpoints.length === 1)!;
  cluster.take(pods, { namespace: "default", name: namesIn(small)[0]! });
  const [left, ...others] = slices(cluster);
  assert.deepEqual([left?.endpoints.length, others], [100, []]);
  for (const name of namesIn(left!)) cluster.take(pods, { namespace: "default", name });
  const [last, ...none] = slices(cluster);
  assert.deepEqual([last?.metadata.uid, last?.endpoints, none], [left?.metadata.uid, [], []]);
});

Deno.test("slices that somebody else keeps, of this Service or another, are left alone", () => {
  const cluster = new TestCluster();
  service(cluster);
  pod(cluster, "a");
  const [own] = slices(cluster);
  const foreign = { addressType: "IPv4", endpoints: [{ addresses: ["192.0.2.1"] }], ports: [] };
  const labels = own!.metadata.labels!;
  const { ownerReferences = [] } = own!.metadata;
  const put = (name: string, metadata: object) =>
    cluster.put(endpointSlices, { metadata: { name, labels, ...metadata }, ...foreign });
  put("by-hand", { ownerReferences, labels: { ...labels, [MANAGED_BY]: "me" } });
  put("without-owner", {});
  const kept = slices(cluster).filter(({ metadata }) => metadata.name !== own!.metadata.name);
  assert.deepEqual(
    kept.map(({ metadata, endpoints }) => [metadata.name, endpoints[0]?.addresses]),
    [
      ["by-hand", ["192.0.2.1"]],
      ["without-owner", ["192.0.2.1"]],
    ],
  );
});

Deno.test("the name of a slice is taken by nobody, and not longer than names may be", () => {
  const longest = "w".repeat(253);
  const cluster = new TestCluster();
  service(cluster, {}, longest);
  const [made] = slices(cluster, longest);
  assert.match(made!.metadata.name, /^w{247}-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  const other = new TestCluster();
  service(other);
  const [wanted] = slices(other);
  const again = new TestCluster();
  service(again);
  const { uid } = again.get(services, { namespace: "default", name: "web" })!.metadata;
  assert.equal(uid, other.get(services, { namespace: "default", name: "web" })!.metadata.uid);
  const { ownerReferences = [], labels = {} } = wanted!.metadata;
  again.put(endpointSlices, {
    metadata: { name: wanted!.metadata.name, labels, ownerReferences },
    ...{ addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"] }], ports: [] },
  });
  const [fresh, ...others] = slices(again);
  assert.notEqual(fresh?.metadata.name, wanted?.metadata.name);
  assert.deepEqual([fresh?.addressType, others], ["IPv4", []]);
});

Deno.test("only a slice that the controller keeps brings its Service up", () => {
  const cluster = new TestCluster();
  const keys: string[] = [];
  const run = loopOf(endpointSliceController).start(cluster, (key) => keys.push(key));
  const labels = { "kubernetes.io/service-name": "web", [MANAGED_BY]: "me" };
  const put = (labels: Record<string, string>) =>
    cluster.put(endpointSlices, {
      metadata: { name: "s", labels },
      ...{ addressType: "IPv4", endpoints: [], ports: [] },
    });
  put(labels);
  const manager = { [MANAGED_BY]: "endpointslice-controller.k8s.io" };
  put(manager);
  assert.deepEqual(keys, []);
  put({ ...labels, ...manager });
  assert.deepEqual(keys, [keyOf({ namespace: "default", name: "web" })]);
  run.stop();
});
