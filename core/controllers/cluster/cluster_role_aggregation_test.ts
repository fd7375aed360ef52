import assert from "node:assert/strict";
import { clusterRoles } from "../../resources/rbac/cluster_roles.ts";
import { TestCluster } from "../test_cluster.ts";
import { clusterRoleAggregation } from "./cluster_role_aggregation.ts";

const GET = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
const LIST = { verbs: ["list"], apiGroups: [""], resources: ["pods"] };
const selecting = (...labels: Record<string, string>[]) => ({
  clusterRoleSelectors: labels.map((matchLabels) => ({ matchLabels })),
});

function rulesOf(cluster: TestCluster, name: string): unknown {
  return cluster.get(clusterRoles, { name })?.rules;
}

function put(
  cluster: TestCluster,
  name: string,
  labels: Record<string, string>,
  more: object,
): void {
  cluster.put(clusterRoles, { metadata: { name, labels }, ...more });
  cluster.settle([clusterRoleAggregation]);
}

Deno.test("a cluster role that aggregates has the rules of those that it selects, each once, by their names", () => {
  const cluster = new TestCluster();
  put(cluster, "all", {}, { aggregationRule: selecting({ a: "1" }, { b: "1" }), rules: [] });
  put(cluster, "second", { a: "1", b: "1" }, { rules: [LIST, GET] });
  put(cluster, "first", { b: "1" }, { rules: [GET] });
  put(cluster, "other", { a: "2" }, { rules: [{ ...GET, verbs: ["delete"] }] });
  assert.deepEqual(rulesOf(cluster, "all"), [GET, LIST]);
  put(cluster, "second", {}, { rules: [LIST, GET] });
  assert.deepEqual(rulesOf(cluster, "all"), [GET], "it is no longer selected");
  put(cluster, "first", { b: "1" }, { rules: [] });
  assert.equal(rulesOf(cluster, "all"), undefined);
  assert.deepEqual(rulesOf(cluster, "second"), [LIST, GET], "one that does not aggregate is left");
});

Deno.test("aggregation goes on over roles that aggregate themselves, and never takes its own rules", () => {
  const cluster = new TestCluster();
  const labels = { to: "admin" };
  put(cluster, "admin", labels, { aggregationRule: selecting(labels), rules: [LIST] });
  put(cluster, "edit", labels, { aggregationRule: selecting({ to: "edit" }) });
  put(cluster, "own", { to: "edit" }, { rules: [GET] });
  assert.deepEqual(rulesOf(cluster, "edit"), [GET]);
  assert.deepEqual(rulesOf(cluster, "admin"), [GET]);
});
