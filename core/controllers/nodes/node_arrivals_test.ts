import assert from "node:assert/strict";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { TestCluster } from "../test_cluster.ts";
import { nodeArrivals } from "./node_arrivals.ts";

Deno.test("nodes that come and go are told of, once each, in Kubernetes' words", () => {
  const cluster = new TestCluster();
  const come = (name: string) => cluster.put(nodes, { metadata: { name } });
  const news = () => {
    const before = cluster.notices.length;
    cluster.settle([nodeArrivals]);
    return cluster.notices.slice(before).map(({ reason, message }) => `${reason}: ${message}`);
  };
  come("old");
  assert.deepEqual(news(), [], "one that was there before");
  come("n1");
  assert.deepEqual(news(), ["RegisteredNode: Node n1 event: Registered Node n1 in Controller"]);
  for (const name of ["n1", "old"]) cluster.patchStatus(nodes, { name }, { phase: "Running" });
  assert.deepEqual(news(), []);
  cluster.take(nodes, { name: "n1" });
  cluster.take(nodes, { name: "old" });
  assert.deepEqual(news(), [
    "RemovingNode: Node n1 event: Removing Node n1 from Controller",
    "RemovingNode: Node old event: Removing Node old from Controller",
  ]);
  come("n1");
  assert.deepEqual(news(), ["RegisteredNode: Node n1 event: Registered Node n1 in Controller"]);
  assert.ok(cluster.notices.every(({ about }) => about.kind === "Node" && about.metadata.uid));
});
