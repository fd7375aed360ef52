import assert from "node:assert/strict";
import { buildRouteTable, type RouteTableOptions } from "./build_route_table.ts";
import type { Listener, RouteTable, ServiceListener } from "./route_table.ts";
import { FixedView, type Manifest } from "./table_fixture.ts";

const OPTIONS: RouteTableOptions = {
  gatewayAddress: "0.0.0.0",
  nodePortAddress: "0.0.0.0",
  listensOnClusterIPs: true,
  nodeName: "n1",
  ownAddresses: ["127.0.0.1", "192.0.2.1"],
  insidePeers: ["10.42.0.0/24"],
  balancerRanges: ["198.51.100.0/28"],
};

function service(spec: object, status: object = {}): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name: "web" },
    spec: { clusterIP: "10.96.0.7", ports: [{ port: 80 }], ...spec },
    status,
  };
}

interface Ready {
  address: string;
  nodeName?: string;
  hints?: object;
}

function slice(endpoints: Ready[], protocol = "TCP"): Manifest {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace: "default",
      name: "web-1",
      labels: { "kubernetes.io/service-name": "web" },
    },
    addressType: "IPv4",
    ports: [{ port: 8080, protocol }],
    endpoints: endpoints.map(({ address, ...rest }) => ({ addresses: [address], ...rest })),
  };
}

const TWO: Ready[] = [
  { address: "10.42.0.2", nodeName: "n1" },
  { address: "10.42.1.2", nodeName: "n2" },
];

function tableOf(...manifests: Manifest[]): RouteTable {
  return buildRouteTable(new FixedView(...manifests), OPTIONS);
}

function places({ listeners }: RouteTable): string[] {
  return listeners.map(({ protocol, address, port }) => `${protocol} ${address}:${port}`);
}

function endpointsAt(table: RouteTable, index: number): string[] {
  return table.backends[index]!.endpoints.map(({ address }) => address);
}

for (const label of ["headless", "service-proxy-name"]) {
  Deno.test(`a Service is not served while it is labelled ${label}, also with no value`, () => {
    const spec = {
      type: "LoadBalancer",
      ports: [{ port: 80, nodePort: 30080 }],
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 30081,
    };
    const plain = service(spec, ingress("198.51.100.3"));
    const labels = { [`service.kubernetes.io/${label}`]: "" };
    const labelled = { ...plain, metadata: { ...plain.metadata, labels } };
    assert.equal(places(tableOf(plain, slice(TWO))).length, 4);
    assert.deepEqual(tableOf(labelled, slice(TWO)), { listeners: [], backends: [], problems: [] });
  });
}

const ingress = (ip: string) => ({ loadBalancer: { ingress: [{ ip }] } });

for (
  const [what, spec, status, expected] of [
    ["its ClusterIP", {}, {}, ["TCP 10.96.0.7:80"]],
    ["none, when it is headless", { clusterIP: "None" }, {}, []],
    [
      "its node port on all addresses",
      {
        type: "NodePort",
        ports: [{ port: 80, nodePort: 30080 }],
      },
      {},
      ["TCP 10.96.0.7:80", "TCP 0.0.0.0:30080"],
    ],
    [
      "for datagrams, its node port on each address of the machine",
      {
        type: "NodePort",
        ports: [{ port: 53, protocol: "UDP", nodePort: 30053 }],
      },
      {},
      ["UDP 10.96.0.7:53", "UDP 127.0.0.1:30053", "UDP 192.0.2.1:30053"],
    ],
    [
      "one number by both protocols",
      {
        ports: [{ name: "a", port: 53 }, { name: "b", port: 53, protocol: "UDP" }],
      },
      {},
      ["TCP 10.96.0.7:53", "UDP 10.96.0.7:53"],
    ],
    [
      "all addresses, when its load balancer has the node's",
      {
        type: "LoadBalancer",
      },
      ingress("192.0.2.1"),
      ["TCP 10.96.0.7:80", "TCP 0.0.0.0:80"],
    ],
    [
      "its own load balancer's address",
      {
        type: "LoadBalancer",
      },
      ingress("198.51.100.3"),
      ["TCP 10.96.0.7:80", "TCP 198.51.100.3:80"],
    ],
    [
      "not the address of another node",
      {
        type: "LoadBalancer",
      },
      ingress("192.0.2.2"),
      ["TCP 10.96.0.7:80"],
    ],
    [
      "not what another controller has made",
      {
        type: "LoadBalancer",
        loadBalancerClass: "a/b",
      },
      ingress("192.0.2.1"),
      ["TCP 10.96.0.7:80"],
    ],
    [
      "external addresses that are the machine's",
      {
        externalIPs: ["192.0.2.1", "192.0.2.9"],
      },
      {},
      ["TCP 10.96.0.7:80", "TCP 192.0.2.1:80"],
    ],
  ] as const
) {
  Deno.test(`a Service is reached at ${what}`, () => {
    assert.deepEqual(places(tableOf(service(spec, status))), expected);
  });
}

Deno.test("load balancers serve only those in their source ranges", () => {
  const spec = { type: "LoadBalancer", loadBalancerSourceRanges: ["203.0.113.0/24 "] };
  const [clusterIP, balancer] = tableOf(service(spec, ingress("192.0.2.1")))
    .listeners as ServiceListener[];
  assert.equal(clusterIP!.peers, undefined);
  assert.deepEqual(balancer!.peers, ["203.0.113.0/24"]);
});

Deno.test("datagrams are led to the ports for datagrams", () => {
  const table = tableOf(
    service({ ports: [{ port: 80, protocol: "UDP" }] }),
    slice(TWO, "UDP"),
  );
  assert.deepEqual(endpointsAt(table, (table.listeners[0] as ServiceListener).backend), [
    "10.42.0.2",
    "10.42.1.2",
  ]);
  const none = tableOf(service({ ports: [{ port: 80, protocol: "UDP" }] }), slice(TWO, "TCP"));
  assert.deepEqual(endpointsAt(none, (none.listeners[0] as ServiceListener).backend), []);
});

Deno.test("internalTrafficPolicy Local leads to pods of the node only", () => {
  const table = tableOf(service({ internalTrafficPolicy: "Local" }), slice(TWO));
  assert.deepEqual(endpointsAt(table, (table.listeners[0] as ServiceListener).backend), [
    "10.42.0.2",
  ]);
});

Deno.test("externalTrafficPolicy Local leads others to pods of the node, and the cluster's own to all", () => {
  const spec = {
    type: "NodePort",
    externalTrafficPolicy: "Local",
    ports: [{ port: 80, nodePort: 30080 }],
  };
  const table = tableOf(service(spec), slice(TWO));
  const [clusterIP, nodePort] = table.listeners as ServiceListener[];
  assert.equal(clusterIP!.outside, undefined);
  assert.equal(endpointsAt(table, nodePort!.backend).length, 2);
  assert.deepEqual(nodePort!.outside!.inside, ["10.42.0.0/24"]);
  assert.deepEqual(endpointsAt(table, nodePort!.outside!.backend), ["10.42.0.2"]);
});

Deno.test("hints of trafficDistribution are followed where all endpoints have them, and one is for us", () => {
  const hinted = (name: string) => ({ forNodes: [{ name }] });
  const [own, other] = TWO as [Ready, Ready];
  const near = [{ ...own, hints: hinted("n1") }, { ...other, hints: hinted("n2") }];
  const spec = { trafficDistribution: "PreferSameNode" };
  const first = (endpoints: Ready[], spec: object) => {
    const table = tableOf(service(spec), slice(endpoints));
    return endpointsAt(table, (table.listeners[0] as ServiceListener).backend);
  };
  assert.deepEqual(first(near, spec), ["10.42.0.2"]);
  assert.equal(first(near, {}).length, 2);
  assert.equal(first([near[0]!, other], spec).length, 2);
  assert.deepEqual(first([near[1]!], spec), ["10.42.1.2"]);
});

Deno.test("a load balancer's traffic that stays on its node has a port that says whether it has pods", () => {
  const spec = {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 30999,
  };
  for (const [endpoints, status, count] of [[TWO, 200, 1], [[TWO[1]!], 503, 0]] as const) {
    const { listeners } = tableOf(service(spec), slice([...endpoints]));
    const health = listeners.find((each): each is Extract<Listener, { protocol: "HTTP" }> =>
      each.protocol === "HTTP"
    )!;
    assert.deepEqual([health.address, health.port], ["0.0.0.0", 30999]);
    const { answer } = health.hosts[0]!.routes[0]!.rule;
    assert.equal(answer!.status, status);
    assert.deepEqual(JSON.parse(answer!.body), {
      service: { namespace: "default", name: "web" },
      localEndpoints: count,
      serviceProxyHealthy: true,
    });
  }
});

function pod(name: string, port: object, rest: object = {}): Manifest {
  const containers = [{ name: "main", image: "a", ports: [port] }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name },
    spec: { nodeName: "n1", containers, ...rest },
    status: { podIP: "10.42.0.9", phase: "Running" },
  };
}

for (
  const [what, manifest, expected] of [
    ["on all addresses", pod("a", { containerPort: 80, hostPort: 8080 }), ["TCP 0.0.0.0:8080"]],
    [
      "on the one that it names",
      pod("a", {
        containerPort: 80,
        hostPort: 8080,
        hostIP: "127.0.0.1",
      }),
      ["TCP 127.0.0.1:8080"],
    ],
    [
      "for datagrams, on each address",
      pod("a", {
        containerPort: 53,
        hostPort: 53,
        protocol: "UDP",
      }),
      ["UDP 127.0.0.1:53", "UDP 192.0.2.1:53"],
    ],
    [
      "by itself, on the node's network",
      pod("a", { containerPort: 80, hostPort: 80 }, {
        hostNetwork: true,
      }),
      [],
    ],
    [
      "nowhere, on another node",
      pod("a", { containerPort: 80, hostPort: 80 }, {
        nodeName: "n2",
      }),
      [],
    ],
    ["nowhere, without asking", pod("a", { containerPort: 80 }), []],
  ] as const
) {
  Deno.test(`a pod has its port of the node ${what}`, () => {
    assert.deepEqual(places(tableOf(manifest)), expected);
  });
}

Deno.test("a port of the node is one's only", () => {
  const table = tableOf(
    service({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] }),
    pod("a", { containerPort: 80, hostPort: 30080 }),
    pod("b", { containerPort: 80, hostPort: 30081 }),
    pod("c", { containerPort: 80, hostPort: 30081 }),
  );
  assert.deepEqual(table.problems.map(({ kind, name, reason }) => [kind, name, reason]), [
    ["Pod", "a", "PortUnavailable"],
    ["Pod", "c", "PortUnavailable"],
  ]);
});
