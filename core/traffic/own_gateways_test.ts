import assert from "node:assert/strict";
import { TestCluster } from "../controllers/test_cluster.ts";
import { gatewayClasses } from "../resources/gateway/gateway_classes.ts";
import { gateways } from "../resources/gateway/gateways.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import { NODES } from "../resources/gateway/placement.ts";
import {
  closedBecause,
  faultOf,
  GATEWAY_CONTROLLER,
  ownGatewaysOf,
  type OwnListener,
} from "./own_gateways.ts";

function listenersOf(...listeners: object[]): readonly OwnListener[] {
  const cluster = new TestCluster();
  const classes = { coracle: GATEWAY_CONTROLLER, other: "example.com/other" };
  for (const [name, controllerName] of Object.entries(classes)) {
    cluster.put(gatewayClasses, { metadata: { name }, spec: { controllerName } });
  }
  for (const gatewayClassName of ["coracle", "other", "unknown"]) {
    const named = listeners.map((listener, i) => ({ name: `l${i}`, port: 80 + i, ...listener }));
    cluster.put(gateways, {
      metadata: { name: gatewayClassName },
      spec: { gatewayClassName, listeners: named },
    });
  }
  const own = ownGatewaysOf(cluster);
  assert.deepEqual([...own.keys()], ["default/coracle"], "those of our classes");
  assert.equal(own.get("default/coracle")!.gateway.metadata.name, "coracle");
  return own.get("default/coracle")!.listeners;
}

Deno.test("a listener of protocol HTTP or HTTPS is served, one of another protocol says so", () => {
  const [http, https, tls] = listenersOf({ protocol: "HTTP" }, { protocol: "HTTPS" }, {
    protocol: "TLS",
  });
  assert.equal(faultOf(http!), undefined);
  assert.equal(closedBecause(http!), undefined);
  assert.equal(faultOf(https!), undefined);
  assert.deepEqual(closedBecause(https!), {
    reason: "InvalidCertificateRef",
    message: "The listener names no certificate",
  });
  assert.deepEqual(faultOf(tls!), {
    reason: "UnsupportedProtocol",
    message: 'Protocol "TLS" is not supported; supported protocols: "HTTP", "HTTPS"',
  });
});

Deno.test("Gateways that are on no common node are not in each other's way", () => {
  const rows: [one: string | undefined, other: string | undefined, conflicts: boolean][] = [
    [undefined, undefined, true],
    ["berlin", "berlin", true],
    ["berlin", "paris", false],
    ["berlin", undefined, true],
    ["rome", "rome", false], // no node is there
    ["rome", undefined, false],
  ];
  for (const [one, other, conflicts] of rows) {
    const cluster = new TestCluster();
    const spec = { controllerName: GATEWAY_CONTROLLER };
    cluster.put(gatewayClasses, { metadata: { name: "coracle" }, spec });
    for (const site of ["berlin", "paris"]) {
      cluster.put(nodes, { metadata: { name: site, labels: { [NODES]: site } } });
    }
    for (const [name, site] of [["one", one], ["other", other]]) {
      const listeners = [{ name: "web", port: 80, protocol: "HTTP" }];
      const infrastructure = site === undefined ? {} : { labels: { [NODES]: site } };
      cluster.put(gateways, {
        metadata: { name: name! },
        spec: { gatewayClassName: "coracle", listeners, infrastructure },
      });
    }
    const { listeners } = ownGatewaysOf(cluster).get("default/other")!;
    const expected = conflicts ? "HostnameConflict" : undefined;
    assert.equal(faultOf(listeners[0]!)?.reason, expected, `${one} ${other}`);
  }
});

Deno.test("of two faults of a listener, its protocol is told", () => {
  const [, late, tls] = listenersOf(
    { protocol: "HTTP", port: 80 },
    { protocol: "HTTP", port: 80 },
    { protocol: "TLS", port: 80 },
  );
  assert.equal(faultOf(late!)?.reason, "HostnameConflict");
  assert.equal(tls!.conflict?.reason, "ProtocolConflict");
  assert.equal(faultOf(tls!)?.reason, "UnsupportedProtocol");
});

Deno.test("which routes a listener takes, and which kind it asks for in vain", () => {
  const http = { kind: "HTTPRoute" }, grpc = { kind: "GRPCRoute" };
  const rows: [
    kinds: object[] | undefined,
    protocol: string,
    takes: boolean,
    unsupported?: string,
  ][] = [
    [undefined, "HTTP", true],
    [[], "HTTP", true],
    [undefined, "HTTPS", true],
    [undefined, "TLS", false],
    [[http], "HTTP", true],
    [[http], "TLS", false],
    [[http, grpc], "HTTP", true, "GRPCRoute"],
    [[grpc], "HTTP", false, "GRPCRoute"],
    [[{ ...http, group: "example.com" }], "HTTP", false, "HTTPRoute"],
  ];
  for (const [kinds, protocol, takes, unsupported] of rows) {
    const [listener] = listenersOf({ protocol, ...(kinds && { allowedRoutes: { kinds } }) });
    assert.deepEqual([listener!.takesHttpRoutes, listener!.unsupportedKind], [takes, unsupported]);
  }
});

Deno.test("host names are compared in small letters, and none is any", () => {
  const [named, any] = listenersOf({ protocol: "HTTP", hostname: "A.Example" }, {
    protocol: "HTTP",
  });
  assert.deepEqual([named!.hostname, any!.hostname], ["a.example", ""]);
});
