import assert from "node:assert/strict";
import fc from "fast-check";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { services } from "../../resources/core/services/services.ts";
import { TestCluster } from "../test_cluster.ts";
import { loadBalancerController, type LoadBalancerOptions } from "./load_balancers.ts";

const EVERYWHERE: LoadBalancerOptions = { address: "0.0.0.0" };
const RANGE: LoadBalancerOptions = { address: "0.0.0.0", range: "192.0.2.8/30" };

function balancer(cluster: TestCluster, name: string, spec: object = {}): void {
  const { metadata, status } = cluster.get(services, { namespace: "default", name }) ?? {};
  cluster.put(services, {
    metadata: { ...metadata, name },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }], ...spec },
    ...(status && { status }),
  });
}

function node(cluster: TestCluster, name: string, address: string): void {
  cluster.put(nodes, {
    metadata: { name },
    status: { addresses: [{ type: "InternalIP", address }] },
  });
}

function addressesOf(cluster: TestCluster, name: string): unknown {
  const { status } = cluster.get(services, { namespace: "default", name })!;
  return status.loadBalancer.ingress?.map(({ ip }) => ip);
}

function settle(cluster: TestCluster, options: LoadBalancerOptions): void {
  cluster.settle([loadBalancerController(options)]);
}

Deno.test("a load balancer has the addresses of the nodes, also of those that come later", () => {
  const cluster = new TestCluster();
  const controller = loadBalancerController(EVERYWHERE);
  balancer(cluster, "a");
  cluster.settle([controller]);
  assert.equal(addressesOf(cluster, "a"), undefined);
  node(cluster, "n1", "192.0.2.1");
  cluster.settle([controller]);
  assert.deepEqual(cluster.get(services, { namespace: "default", name: "a" })!.status, {
    loadBalancer: { ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }] },
  });
  assert.deepEqual(cluster.notices.map(({ reason }) => reason), ["EnsuredLoadBalancer"]);
  node(cluster, "n2", "192.0.2.2");
  cluster.settle([controller]);
  assert.deepEqual(addressesOf(cluster, "a"), ["192.0.2.1", "192.0.2.2"]);
  assert.equal(cluster.notices.length, 1);
});

Deno.test("where listeners are opened on one address, load balancers have that one", () => {
  const cluster = new TestCluster();
  balancer(cluster, "a");
  settle(cluster, { address: "127.0.0.1" });
  assert.deepEqual(addressesOf(cluster, "a"), ["127.0.0.1"]);
});

Deno.test("one with a class is left alone, and one that is no load balancer any more loses its address", () => {
  const cluster = new TestCluster();
  balancer(cluster, "a", { loadBalancerClass: "example.com/other" });
  balancer(cluster, "b");
  settle(cluster, RANGE);
  assert.equal(addressesOf(cluster, "a"), undefined);
  assert.deepEqual(addressesOf(cluster, "b"), ["192.0.2.8"]);
  balancer(cluster, "b", { type: "ClusterIP" });
  settle(cluster, RANGE);
  assert.equal(addressesOf(cluster, "b"), undefined);
});

Deno.test("of a range each has an address of its own, the one that it asks for if it is free", () => {
  const cluster = new TestCluster();
  for (const name of ["a", "b", "c"]) balancer(cluster, name);
  balancer(cluster, "asks", { loadBalancerIP: "192.0.2.11" });
  settle(cluster, RANGE);
  const all = ["a", "b", "c", "asks"].map((name) => addressesOf(cluster, name));
  assert.deepEqual(all, [["192.0.2.8"], ["192.0.2.9"], ["192.0.2.10"], ["192.0.2.11"]]);
  balancer(cluster, "late");
  balancer(cluster, "outside", { loadBalancerIP: "192.0.2.12" });
  balancer(cluster, "taken", { loadBalancerIP: "192.0.2.8" });
  const controller = loadBalancerController(RANGE);
  cluster.settle([controller]);
  for (const name of ["late", "outside", "taken"]) {
    assert.equal(addressesOf(cluster, name), undefined);
  }
  cluster.take(services, { namespace: "default", name: "b" });
  cluster.settle([controller]);
  assert.deepEqual(addressesOf(cluster, "late"), ["192.0.2.9"]);
});

Deno.test("no two Services ever have one address, whatever comes and goes, and none loses its own", () => {
  const step = fc.record({
    name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    type: fc.constantFrom("LoadBalancer", "ClusterIP", "gone"),
    loadBalancerIP: fc.constantFrom(undefined, undefined, "192.0.2.8", "192.0.2.9"),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
    const cluster = new TestCluster(), controller = loadBalancerController(RANGE);
    const kept = new Map<string, unknown>();
    for (const { name, type, loadBalancerIP } of steps) {
      const key = { namespace: "default", name };
      kept.delete(name);
      if (type !== "gone") balancer(cluster, name, { type, loadBalancerIP });
      else if (cluster.get(services, key)) cluster.take(services, key);
      cluster.settle([controller]);
      const all = cluster.list(services).flatMap(({ metadata, status }) => {
        const [ingress] = status.loadBalancer.ingress ?? [];
        return ingress ? [[metadata.name, ingress.ip] as const] : [];
      });
      assert.equal(new Set(all.map(([, ip]) => ip)).size, all.length);
      for (const [other, ip] of kept) assert.equal(new Map(all).get(other), ip);
      for (const [other, ip] of all) kept.set(other, ip);
    }
  }));
});
