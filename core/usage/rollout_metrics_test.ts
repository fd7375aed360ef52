import assert from "node:assert/strict";
import type { View } from "../client/client.ts";
import { replicaSets } from "../resources/apps/replica_sets.ts";
import { rolloutMetrics } from "./rollout_metrics.ts";

/** As much of a view as the metrics ask for. */
function viewOf(objects: Record<string, unknown[]>): Pick<View, "list" | "by"> {
  return {
    list: ({ plural }) => (objects[plural] ?? []) as never,
    by: ({ plural }) => (objects[plural] ?? []) as never,
  };
}

const metadata = { namespace: "shop", name: "web", uid: "1" };
const WEB = {
  metadata,
  spec: {
    replicas: 4,
    strategy: { canary: { trafficRouting: { plugins: { "coracle.dev/service": {} } } } },
  },
  status: {
    replicas: 5,
    availableReplicas: 3,
    updatedReplicas: 1,
    stableRS: "aaa",
    currentPodHash: "bbb",
    canary: { weights: { canary: { weight: 20 }, stable: { weight: 80 } } },
    conditions: [{ type: "Progressing", status: "Unknown", reason: "RolloutPaused" }],
  },
};

function setOf(name: string, hash: string, replicas: number) {
  return {
    metadata: { name, labels: { "rollouts-pod-template-hash": hash } },
    spec: { replicas },
    status: { replicas, availableReplicas: replicas - 1 },
  };
}

Deno.test("metrics of rollouts have the names and labels of Argo Rollouts'", () => {
  const sets = [setOf("web-a", "aaa", 4), setOf("web-b", "bbb", 1), setOf("web-c", "ccc", 0)];
  const text = rolloutMetrics(viewOf({ rollouts: [WEB], [replicaSets.plural]: sets }), "v1");
  const of = 'namespace="shop",name="web"';
  for (
    const line of [
      'argo_rollouts_controller_info{version="v1"} 1',
      `rollout_info{${of},strategy="canary",traffic_router="coracle.dev/service",phase="Paused"} 1`,
      `rollout_info_replicas_available{${of}} 3`,
      `rollout_info_replicas_unavailable{${of}} 2`,
      `rollout_info_replicas_desired{${of}} 4`,
      `rollout_info_replicas_updated{${of}} 1`,
      `rollout_phase{${of},strategy="canary",phase="Paused"} 1`,
      `rollout_phase{${of},strategy="canary",phase="Completed"} 0`,
      `coracle_rollout_weight{${of},role="canary"} 20`,
      `coracle_rollout_weight{${of},role="stable"} 80`,
      `coracle_rollout_set_replicas_desired{${of},replicaset="web-a",role="stable"} 4`,
      `coracle_rollout_set_replicas_available{${of},replicaset="web-b",role="canary"} 0`,
    ]
  ) assert.ok(text.split("\n").includes(line), `${line} in\n${text}`);
  assert.ok(!text.includes("web-c"));
});

Deno.test("metrics of analyses and experiments say how far they are", () => {
  const run = {
    metadata: { ...metadata, name: "run" },
    spec: { metrics: [{ name: "errors", provider: { web: {} } }] },
    status: {
      phase: "Running",
      metricResults: [{ name: "errors", phase: "Failed", dryRun: true }],
    },
  };
  const text = rolloutMetrics(
    viewOf({ analysisruns: [run], experiments: [{ metadata, status: {} }] }),
    "v1",
  );
  const of = 'namespace="shop",name="run"';
  for (
    const line of [
      `analysis_run_info{${of},phase="Running"} 1`,
      `analysis_run_metric_type{${of},metric="errors",type="web"} 1`,
      `analysis_run_metric_phase{${of},metric="errors",type="web",dry_run="true",phase="Failed"} 1`,
      'experiment_phase{namespace="shop",name="web",phase="Pending"} 1',
    ]
  ) assert.ok(text.split("\n").includes(line), `${line} in\n${text}`);
});

Deno.test("without rollouts there is the version alone", () => {
  const text = rolloutMetrics(viewOf({}), "v1");
  assert.equal(text.split("\n").filter((line) => line && !line.startsWith("#")).length, 1);
});
