import assert from "node:assert/strict";
import fc from "fast-check";
import { TestCluster } from "../controllers/test_cluster.ts";
import { services } from "../resources/core/services/services.ts";
import { endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import type { Backend } from "./backends.ts";
import type { Way } from "./reach.ts";
import { serviceBackend } from "./service_backends.ts";

const READY = { ready: true }, ENDING = { ready: false, serving: true, terminating: true };

interface Slice {
  addressType?: "IPv4" | "IPv6";
  ports?: object[];
  endpoints: object[];
}

function backendOf(
  slices: Slice[],
  spec?: object,
): Backend {
  const cluster = clusterWith(slices, spec);
  return serviceBackend(cluster, { namespace: "default", name: "web", port: 80 });
}

function clusterWith(
  slices: Slice[],
  spec: object = { ports: [{ name: "http", port: 80 }] },
): TestCluster {
  const cluster = new TestCluster();
  cluster.put(services, { metadata: { name: "web" }, spec });
  for (const [i, slice] of slices.entries()) {
    cluster.put(endpointSlices, {
      metadata: { name: `web-${i}`, labels: { "kubernetes.io/service-name": "web" } },
      ...{ addressType: "IPv4", ports: [{ name: "http", port: 8080 }], ...slice },
    });
  }
  return cluster;
}

function endpoint(address: string, conditions: object = READY, uid?: string): object {
  return { addresses: [address], conditions, ...(uid && { targetRef: { uid } }) };
}

function addresses({ endpoints }: Backend): string[] {
  return endpoints.map(({ address }) => address);
}

Deno.test("a port that cannot be had makes an invalid backend, and one without endpoints an empty one", () => {
  const rows: [spec: object, state: string, reason: string][] = [
    [{}, "invalid", 'Service "web" has no port 80'],
    [{ ports: [{ port: 81 }] }, "invalid", 'Service "web" has no port 80'],
    [
      { type: "ExternalName", externalName: "a.example", ports: [{ port: 80 }] },
      "invalid",
      'service "default/web" is of type ExternalName',
    ],
    [
      { ports: [{ port: 80, protocol: "UDP" }] },
      "invalid",
      'service "default/web" has no port 80 of protocol TCP',
    ],
    [{ ports: [{ port: 80 }] }, "empty", 'service "default/web" has no ready endpoints'],
    [
      { ports: [{ port: 80, protocol: "UDP", name: "u" }, { port: 80, name: "t" }] },
      "empty",
      'service "default/web" has no ready endpoints',
    ],
  ];
  for (const [spec, state, reason] of rows) {
    const backend = backendOf([], spec);
    assert.deepEqual(backend, { name: "default/web:80", state, reason, endpoints: [] });
  }
});

Deno.test("of endpoints, those that are ready count; those that end and still serve when there is no other", () => {
  const rows: [conditions: object, isUsed: boolean][] = [
    [READY, true],
    [{}, true],
    [{ ready: false }, false],
    [{ ready: true, terminating: true }, true],
    [ENDING, true],
    [{ ready: false, terminating: true }, false],
    [{ ready: false, serving: true }, false],
    [{ ready: false, serving: false, terminating: true }, false],
  ];
  for (const [conditions, isUsed] of rows) {
    const backend = backendOf([{ endpoints: [endpoint("10.0.0.1", conditions, "p1")] }]);
    assert.equal(backend.state, isUsed ? "valid" : "empty", JSON.stringify(conditions));
    if (!isUsed) continue;
    const isEnding = "terminating" in conditions;
    assert.deepEqual(backend.endpoints, [
      { address: "10.0.0.1", port: 8080, podUid: "p1", ...(isEnding && { isEnding: true }) },
    ]);
  }
  const both = [endpoint("10.0.0.1", ENDING), endpoint("10.0.0.2")];
  assert.deepEqual(addresses(backendOf([{ endpoints: both }])), ["10.0.0.2"]);
});

Deno.test("IPv4 comes first, and endpoints of IPv6 that are ready before those of IPv4 that end", () => {
  const v6 = (conditions = READY as object): Slice => ({
    addressType: "IPv6",
    endpoints: [endpoint("2001:db8::1", conditions)],
  });
  const v4 = (conditions: object): Slice => ({ endpoints: [endpoint("10.0.0.1", conditions)] });
  const rows: [slices: Slice[], expected: string[]][] = [
    [[v6(), v4(READY)], ["10.0.0.1"]],
    [[v6(), v4(ENDING)], ["2001:db8::1"]],
    [[v6(ENDING), v4(ENDING)], ["10.0.0.1"]],
    [[v6(ENDING), v4({ ready: false })], ["2001:db8::1"]],
  ];
  for (const [slices, expected] of rows) {
    assert.deepEqual(addresses(backendOf(slices)), expected, JSON.stringify(slices));
  }
});

Deno.test("a slice counts for the ports that it has, an endpoint once, and by its first address", () => {
  const endpoints = [endpoint("10.0.0.1", READY, "p1")];
  const rows: [ports: object[], isUsed: boolean][] = [
    [[{ name: "other", port: 1 }, { name: "http", port: 8080 }], true],
    [[{ name: "other", port: 8080 }], false],
    [[{ name: "http", port: 8080, protocol: "UDP" }], false],
    [[{ name: "http" }], false],
  ];
  for (const [ports, isUsed] of rows) {
    assert.equal(backendOf([{ ports, endpoints }]).endpoints.length, isUsed ? 1 : 0);
  }
  assert.equal(backendOf([{ endpoints }, { endpoints }]).endpoints.length, 1, "told twice");
  const other = [endpoint("10.0.0.1", READY, "p2")];
  assert.equal(backendOf([{ endpoints }, { endpoints: other }]).endpoints.length, 2);
  const many = { addresses: ["10.0.0.3", "10.0.0.4"], conditions: READY };
  assert.deepEqual(addresses(backendOf([{ endpoints: [many] }])), ["10.0.0.3"]);
  const unnamed = backendOf([{ ports: [{ port: 9090 }], endpoints }], { ports: [{ port: 80 }] });
  assert.equal(unnamed.endpoints[0]!.port, 9090, "a port without name");
});

Deno.test("an address that is no host's is left out", () => {
  const endpoints = ["0.0.0.0", "224.0.0.1", "10.0.0.1", "none"].map((ip) => endpoint(ip));
  assert.deepEqual(addresses(backendOf([{ endpoints }])), ["10.0.0.1"]);
});

Deno.test("endpoints behind tunnels are known as such, and those that cannot be reached do not count as ready", () => {
  const on = (nodeName: string, conditions: object = READY) => ({
    ...endpoint(`10.0.${nodeName.length}.1`, conditions, nodeName),
    nodeName,
  });
  const ways: Record<string, Way> = { here: "route", edge12: "tunnel", cutoff99: "none" };
  const wayTo = (name: string) => ways[name] ?? "route";
  const datagramsTo = (name: string) => name === "here" ? "route" as const : "none";
  const reach = { wayTo, datagramsTo, toServer: "none" as const };
  const [here, edge, cut] = [on("here"), on("edge12"), on("cutoff99")];
  const far = { node: "edge12" };
  const rows: [endpoints: object[], protocol: "TCP" | "UDP", seen: unknown[]][] = [
    [[here, edge, cut], "TCP", [["here", undefined], ["edge12", far]]],
    [[edge, cut], "TCP", [["edge12", far]]],
    [[here, edge], "UDP", [["here", undefined]]],
    [[edge], "UDP", []],
    [[cut], "TCP", []],
    [[cut, on("edge12", ENDING)], "TCP", [["edge12", far]]], // for want of another that is reached
    [[{ ...endpoint("192.0.2.1") }], "TCP", [["", undefined]]], // on no node
  ];
  for (const [endpoints, protocol, seen] of rows) {
    const ports = [{ name: "http", port: 80, protocol }];
    const cluster = clusterWith([{ endpoints, ports: [{ name: "http", port: 8080, protocol }] }], {
      ports,
    });
    const asked = { namespace: "default", name: "web", port: 80 };
    const backend = serviceBackend(cluster, asked, { protocol }, reach);
    assert.deepEqual(backend.endpoints.map(({ podUid, far }) => [podUid, far]), seen);
    if (seen.length > 0) continue;
    assert.equal(backend.state, "empty");
    assert.match(
      backend.reason!,
      /^service "default\/web" has no ready endpoints on nodes that can be reached/,
    );
  }
});

Deno.test("hints count among endpoints that can be reached", () => {
  const hinted = (nodeName: string) => ({
    ...endpoint(`10.0.${nodeName.length}.1`),
    ...{ nodeName, hints: { forNodes: [{ name: nodeName }] } },
  });
  const cluster = clusterWith([{ endpoints: [hinted("here"), hinted("edge12")] }]);
  const asked = { namespace: "default", name: "web", port: 80 };
  const seenBy = (cut: string) =>
    addresses(serviceBackend(cluster, asked, { seenFrom: { nodeName: "here" } }, {
      ...{ wayTo: (name) => name === cut ? "none" : "tunnel", datagramsTo: () => "none" },
      toServer: "route",
    }));
  assert.deepEqual([seenBy(""), seenBy("here")], [["10.0.4.1"], ["10.0.6.1"]]);
});

Deno.test("the API server is behind the own tunnel, and is not there without one", () => {
  const cluster = new TestCluster();
  const metadata = { name: "kubernetes", labels: { "kubernetes.io/service-name": "kubernetes" } };
  cluster.put(services, { metadata, spec: { ports: [{ name: "https", port: 443 }] } });
  const ports = [{ name: "https", port: 6443 }];
  const slice = { addressType: "IPv4", ports, endpoints: [endpoint("192.0.2.1")] };
  cluster.put(endpointSlices, { metadata, ...slice });
  const by = (toServer: Way) =>
    serviceBackend(cluster, { namespace: "default", name: "kubernetes", port: 443 }, {}, {
      ...{ wayTo: () => "none", datagramsTo: () => "none" },
      toServer,
    });
  assert.deepEqual(by("tunnel").endpoints, [
    { address: "192.0.2.1", port: 6443, podUid: "", far: "apiserver" },
  ]);
  assert.deepEqual(by("route").endpoints, [{ address: "192.0.2.1", port: 6443, podUid: "" }]);
  assert.equal(by("none").state, "empty");
});

Deno.test("whoever is reached and ready answers, those that hints are for alone; nobody who is cut off ever does", () => {
  const ways = fc.constantFrom<Way>("route", "tunnel", "none");
  const endpoints = fc.array(
    fc.record({ node: fc.nat(3), ready: fc.boolean(), hint: fc.option(fc.nat(1)) }),
    { maxLength: 6 },
  );
  const nodesOf = fc.tuple(ways, ways, ways, ways);
  fc.assert(fc.property(endpoints, nodesOf, fc.boolean(), (endpoints, ways, prefers) => {
    const wayTo = (name: string) => ways[Number(name.slice(1))]!;
    const made = endpoints.map(({ node, ready, hint }, i) => ({
      ...endpoint(`10.0.${node}.${i + 1}`, { ready }, `uid-${i}`),
      nodeName: `n${node}`,
      ...(hint !== null && { hints: { forZones: [{ name: `z${hint}` }] } }),
    }));
    const seenFrom = { nodeName: "n0", zone: "z0" };
    const asked = { namespace: "default", name: "web", port: 80 };
    const backend = serviceBackend(
      clusterWith([{ endpoints: made }]),
      asked,
      prefers ? { seenFrom } : {},
      { wayTo, datagramsTo: () => "none", toServer: "none" },
    );
    const reached = endpoints.map((each, i) => ({ ...each, uid: `uid-${i}` }))
      .filter(({ node, ready }) => ready && ways[node] !== "none");
    const isHinted = reached.every(({ hint }) => hint !== null) &&
      reached.some(({ hint }) => hint === 0);
    const expected = prefers && isHinted ? reached.filter(({ hint }) => hint === 0) : reached;
    assert.deepEqual(backend.endpoints.map(({ podUid }) => podUid), expected.map(({ uid }) => uid));
    assert.equal(backend.state, expected.length > 0 ? "valid" : "empty");
    for (const [i, { far }] of backend.endpoints.entries()) {
      const node = `n${expected[i]!.node}`;
      assert.deepEqual(far, wayTo(node) === "tunnel" ? { node } : undefined);
    }
  }));
});
