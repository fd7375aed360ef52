import assert from "node:assert/strict";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import { clusterOf, routesTo } from "./node_routes.ts";

Deno.test("routes lead to every other node that has a range and an address of its own", () => {
  const all = [
    node("self", "192.0.2.1", "10.42.0.0/24"),
    node("other", "192.0.2.2", "10.42.1.0/24"),
    node("same-machine", "192.0.2.1", "10.42.2.0/24"),
    node("loopback", "192.0.2.3", "127.42.0.0/24"),
    node("without-range", "192.0.2.4", undefined),
    node("without-address", undefined, "10.42.5.0/24"),
    node("ipv6", "2001:db8::1", "10.42.6.0/24"),
    node("no-range", "192.0.2.7", "fd00::/64"),
  ];
  assert.deepEqual(routesTo(all, "self"), [{ cidr: "10.42.1.0/24", via: "192.0.2.2" }]);
  assert.equal(routesTo([], "self").length, 0);
});

Deno.test("the cluster is all other nodes, and those on this machine are told apart", () => {
  const all = [
    node("self", "192.0.2.1", "10.42.0.0/24"),
    node("other", "192.0.2.2", "10.42.1.0/24"),
    node("same-machine", "192.0.2.1", "10.42.2.0/24"),
    node("loopback", "192.0.2.3", "127.42.0.0/24"),
    node("without-range", "192.0.2.4", undefined),
    node("without-address", undefined, "10.42.5.0/24"),
    node("ipv6", "2001:db8::1", "10.42.6.0/24"),
  ];
  assert.deepEqual(clusterOf(all, "self"), {
    machine: ["10.42.2.0/24"],
    elsewhere: ["10.42.1.0/24"],
    nodes: ["192.0.2.2", "192.0.2.3", "192.0.2.4"],
    far: [],
  });
});

Deno.test("nodes behind other routers have no routes, and nobody is let in because of their addresses", () => {
  const behind = (name: string, address: string, podCIDR: string, router?: string) => {
    const plain = node(name, address, podCIDR);
    const annotations = { ...(router && { "coracle.dev/remote-address": router }) };
    return { ...plain, metadata: { ...plain.metadata, annotations } };
  };
  const all = [
    behind("self", "192.168.1.2", "10.42.0.0/24", "198.51.100.1"),
    behind("beside", "192.168.1.3", "10.42.1.0/24", "198.51.100.1"),
    behind("same-address", "192.168.1.2", "10.42.2.0/24", "198.51.100.2"),
    behind("other-site", "192.168.1.4", "10.42.3.0/24", "198.51.100.2"),
    behind("server", "198.51.100.9", "10.42.4.0/24"),
  ];
  assert.deepEqual(routesTo(all, "self"), [{ cidr: "10.42.1.0/24", via: "192.168.1.3" }]);
  assert.deepEqual(clusterOf(all, "self"), {
    ...{ machine: [], elsewhere: ["10.42.1.0/24"], nodes: ["192.168.1.3"], far: [] },
  });
});

function node(name: string, address: string | undefined, podCIDR: string | undefined): Node {
  const addresses = address === undefined ? [] : [{ type: "InternalIP", address }];
  return {
    metadata: { name },
    spec: { ...(podCIDR && { podCIDR }) },
    status: { addresses },
  } as unknown as Node; // the rest is not looked at
}
