import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { drainPlan, type DrainRules } from "./drain_plan.ts";

interface Given {
  owner?: string;
  phase?: string;
  isMirror?: boolean;
  hasEmptyDir?: boolean;
}

function podOf(name: string, { owner, phase = "Running", isMirror, hasEmptyDir }: Given): Pod {
  return {
    metadata: {
      name,
      namespace: "n",
      ...isMirror && { annotations: { "kubernetes.io/config.mirror": "x" } },
      ...owner && {
        ownerReferences: [{ apiVersion: "apps/v1", kind: owner, name: "o", controller: true }],
      },
    },
    spec: { volumes: hasEmptyDir ? [{ name: "v", emptyDir: {} }] : [] },
    status: { phase },
  } as unknown as Pod; // the plan reads no more of it
}

const NONE: DrainRules = { ignoreDaemonsets: false, deleteEmptydirData: false, force: false };
const ALL: DrainRules = { ignoreDaemonsets: true, deleteEmptydirData: true, force: true };

Deno.test("what speaks against the eviction of a pod, and what is only warned of", () => {
  const daemon = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)";
  const storage = "Pods with local storage (use --delete-emptydir-data to override)";
  const unmanaged = "Pods that declare no controller (use --force to override)";
  const gone = 'daemonsets.apps "o" not found';
  type Row = [Given, DrainRules, isEvicted: boolean, error?: string, warning?: string];
  const table: Row[] = [
    [{ owner: "ReplicaSet" }, NONE, true],
    [{ owner: "DaemonSet" }, NONE, false, daemon],
    [
      { owner: "DaemonSet" },
      { ...NONE, ignoreDaemonsets: true },
      false,
      "",
      "ignoring DaemonSet-managed Pods",
    ],
    [{ owner: "DaemonSet", phase: "Failed" }, NONE, true],
    [{ owner: "DaemonSet", hasEmptyDir: true }, ALL, false, "", "ignoring DaemonSet-managed Pods"],
    [{ isMirror: true }, NONE, false],
    [{ isMirror: true, phase: "Succeeded" }, ALL, false],
    [{ owner: "ReplicaSet", hasEmptyDir: true }, NONE, false, storage],
    [
      { owner: "ReplicaSet", hasEmptyDir: true },
      { ...NONE, deleteEmptydirData: true },
      true,
      "",
      "deleting Pods with local storage",
    ],
    [{ owner: "ReplicaSet", hasEmptyDir: true, phase: "Succeeded" }, NONE, true],
    [{}, NONE, false, unmanaged],
    [{}, { ...NONE, force: true }, true, "", "deleting Pods that declare no controller"],
    [{ hasEmptyDir: true }, { ...NONE, force: true }, false, storage],
    [{ hasEmptyDir: true }, ALL, true, "", "deleting Pods that declare no controller"],
    [{ phase: "Succeeded" }, NONE, true],
  ];
  for (const [given, rules, isEvicted, error, warning] of table) {
    const plan = drainPlan([podOf("a", given)], rules, new Set());
    const about = JSON.stringify({ given, rules });
    assert.equal(plan.evict.length === 1, isEvicted, about);
    assert.deepEqual(plan.errors, error ? [`cannot delete ${error}: n/a`] : [], about);
    assert.deepEqual(plan.warnings, warning ? [`${warning}: n/a`] : [], about);
  }
  const orphan = [podOf("a", { owner: "DaemonSet" })];
  const missing = new Set(["n/o"]);
  assert.deepEqual(drainPlan(orphan, { ...ALL, force: false }, missing), {
    evict: [],
    errors: [`cannot delete ${gone}: n/a`],
    warnings: [],
  });
  assert.deepEqual(drainPlan(orphan, { ...NONE, force: true }, missing), {
    evict: orphan,
    errors: [],
    warnings: [`${gone}: n/a`],
  });
});

Deno.test("all causes are told at once, the pods of one cause together and in their order", () => {
  const pods = [
    podOf("b", {}),
    podOf("d", { owner: "DaemonSet" }),
    podOf("a", {}),
    podOf("r", { owner: "ReplicaSet" }),
  ];
  const { evict, errors } = drainPlan(pods, NONE, new Set());
  assert.deepEqual(evict.map(({ metadata }) => metadata.name), ["r"]);
  assert.deepEqual(errors, [
    "cannot delete Pods that declare no controller (use --force to override): n/b, n/a",
    "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): n/d",
  ]);
});
