import assert from "node:assert/strict";
import { TestCluster } from "../../core/controllers/test_cluster.ts";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { clusterOf, NodeRoutes, routesTo } from "./node_routes.ts";
import type { Plumbing } from "./plumbing.ts";

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

Deno.test("that a node is well is no reason to compare the routes; a new node is, a notice, and half a minute", async () => {
  const cluster = new TestCluster();
  const put = (name: string, address: string, podCIDR: string, more = {}) => {
    const { status, ...rest } = node(name, address, podCIDR);
    cluster.put(nodes, { ...rest, status: { ...status, ...more } });
  };
  put("self", "192.0.2.1", "10.42.0.0/24");
  put("other", "192.0.2.2", "10.42.1.0/24");
  const clock = new VirtualClock(), stop = new AbortController(), added: string[] = [];
  const plumbing = {
    look: () => Promise.resolve({ routes: [] }),
    addNodeRoute: ({ cidr }: { cidr: string }) => {
      added.push(cidr);
      return Promise.resolve();
    },
  } as unknown as Plumbing; // as much of it as this needs
  const routes = new NodeRoutes({
    plumbing,
    network: { device: "d", gatewayIP: "10.42.0.1", joinCluster: () => Promise.resolve() },
    podCIDR: "10.42.0.0/24",
    log: silentLog(clock),
  });
  const running = routes.run({ view: cluster, nodeName: "self", clock, signal: stop.signal });
  const seen = async (ms = 0) => {
    await clock.advance(ms);
    await clock.advance(0);
    return added.splice(0);
  };
  assert.deepEqual(await seen(), ["10.42.1.0/24"]);
  put("other", "192.0.2.2", "10.42.1.0/24", { conditions: [{ type: "Ready", status: "True" }] });
  assert.deepEqual(await seen(), []);
  put("third", "192.0.2.3", "10.42.2.0/24");
  assert.deepEqual(await seen(), ["10.42.1.0/24", "10.42.2.0/24"]);
  routes.lookAgain();
  assert.equal((await seen()).length, 2);
  assert.equal((await seen(30_000)).length, 2);
  stop.abort();
  await running;
});

function node(name: string, address: string | undefined, podCIDR: string | undefined): Node {
  const addresses = address === undefined ? [] : [{ type: "InternalIP", address }];
  return {
    metadata: { name },
    spec: { ...(podCIDR && { podCIDR }) },
    status: { addresses },
  } as unknown as Node; // the rest is not looked at
}
