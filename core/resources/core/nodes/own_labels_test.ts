import assert from "node:assert/strict";
import { isOwnLabel } from "./own_labels.ts";

Deno.test("a node sets labels of its own, and of Kubernetes' those that say what the machine is", () => {
  const table: [string, boolean][] = [
    ["site", true],
    ["example.com/tier", true],
    ["notkubernetes.io/x", true],
    ["kubernetes.io/os", true],
    ["topology.kubernetes.io/zone", true],
    ["node.kubernetes.io/anything", true],
    ["x.kubelet.kubernetes.io/y", true],
    ["kubernetes.io/cluster-name", false],
    ["node-role.kubernetes.io/control-plane", false],
    ["node-restriction.kubernetes.io/pool", false],
    ["a.node-restriction.kubernetes.io/pool", false],
    ["topology.kubernetes.io/rack", false],
    ["x.k8s.io/y", false],
    ["k8s.io/y", false],
  ];
  for (const [label, expected] of table) assert.equal(isOwnLabel(label), expected, label);
});
