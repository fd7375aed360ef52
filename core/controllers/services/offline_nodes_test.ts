import assert from "node:assert/strict";
import { endpoints } from "../../resources/core/endpoints.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { services } from "../../resources/core/services/services.ts";
import { endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import { loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { endpointSliceController } from "./endpoint_slices.ts";
import { endpointsController } from "./endpoints.ts";

function clusterWith(spec: object = {}): TestCluster {
  const cluster = new TestCluster();
  cluster.put(services, {
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
  });
  cluster.put(services, {
    metadata: { name: "other" },
    spec: { selector: { app: "other" }, ports: [{ port: 80 }] },
  });
  for (const [name, nodeName, podIP] of [["a", "n1", "10.0.0.1"], ["b", "n2", "10.0.0.2"]]) {
    cluster.put(pods, {
      metadata: { name: name!, labels: { app: "web" } },
      spec: { nodeName, containers: [{ name: "a", image: "a" }] },
      status: {
        phase: "Running",
        podIP,
        podIPs: [{ ip: podIP }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
    setNode(cluster, nodeName!, "True", "KubeletReady");
  }
  return cluster;
}

function setNode(cluster: TestCluster, name: string, status: string, reason: string): void {
  const before = cluster.get(nodes, { name });
  const conditions = [{ type: "Ready", status, reason }];
  cluster.put(nodes, { metadata: { ...before?.metadata, name }, status: { conditions } });
}

/** By pod: ready and serving in the slices, and whether Endpoints have it among those that are ready. */
function states(cluster: TestCluster): Record<string, string> {
  cluster.settle([endpointSliceController, endpointsController]);
  const [subset] = cluster.get(endpoints, { namespace: "default", name: "web" })!.subsets ?? [];
  const ready = (subset?.addresses ?? []).map(({ ip }) => ip);
  const all = cluster.list(endpointSlices)
    .flatMap((slice) => slice.endpoints)
    .map(({ addresses, conditions, targetRef }) => [
      targetRef!.name!,
      `${conditions?.ready} ${conditions?.serving} ${ready.includes(addresses[0]!)}`,
    ]);
  return Object.fromEntries(all);
}

Deno.test("others pass over the pods of a node that is offline; what they are to it stays known", () => {
  const cluster = clusterWith();
  assert.deepEqual(states(cluster), { a: "true true true", b: "true true true" });
  setNode(cluster, "n1", "Unknown", "Offline");
  assert.deepEqual(states(cluster), { a: "false true false", b: "true true true" });
  setNode(cluster, "n1", "True", "KubeletReady");
  assert.deepEqual(states(cluster), { a: "true true true", b: "true true true" });
});

Deno.test("nobody turns to a pod that ends on a node that is offline, for want of others", () => {
  const cluster = clusterWith();
  const end = (name: string) => {
    const pod = cluster.get(pods, { namespace: "default", name })!;
    const deletionTimestamp = "2026-01-01T00:00:00Z";
    cluster.put(pods, { ...pod, metadata: { ...pod.metadata, deletionTimestamp } });
  };
  setNode(cluster, "n1", "Unknown", "Offline");
  end("a");
  end("b");
  assert.deepEqual(states(cluster), { a: "false false false", b: "false true false" });
});

Deno.test("a Service that asks for pods that are not ready has those too", () => {
  const cluster = clusterWith({ publishNotReadyAddresses: true });
  setNode(cluster, "n1", "Unknown", "Offline");
  assert.deepEqual(states(cluster), { a: "true true true", b: "true true true" });
});

Deno.test("a node that goes offline or comes back has the Services of its pods looked at, no other", () => {
  for (const controller of [endpointSliceController, endpointsController]) {
    const cluster = clusterWith();
    const keys: string[] = [];
    const run = loopOf<never, never>(controller as never).start(cluster, (key) => keys.push(key));
    keys.length = 0;
    setNode(cluster, "n1", "Unknown", "NodeStatusUnknown");
    assert.deepEqual(keys.splice(0), []);
    setNode(cluster, "n1", "Unknown", "Offline");
    assert.deepEqual(keys.splice(0), ["default/web"]);
    setNode(cluster, "n1", "True", "KubeletReady");
    assert.deepEqual(keys.splice(0), ["default/web"]);
    setNode(cluster, "n1", "True", "KubeletReady");
    assert.deepEqual(keys.splice(0), []);
    run.stop();
  }
});
