import assert from "node:assert/strict";
import { MutableCatalog } from "../../resources/catalog.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { resourceQuotas } from "../../resources/core/quotas/resource_quotas.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";
import { resourceQuotaController } from "./resource_quotas.ts";

const name = { namespace: "default", name: "q" };

function started(...kinds: ConstructorParameters<typeof MutableCatalog>[0][number][]) {
  const cluster = new TestCluster();
  const catalog = new MutableCatalog(kinds);
  const dirty = new Set<string>();
  const run = resourceQuotaController(catalog).start(cluster, (key) => dirty.add(key));
  let againAfterMs: number | undefined;
  const settle = () => {
    while (dirty.size > 0) {
      const [key] = dirty;
      dirty.delete(key!);
      const plan = run.reconcile(key!, cluster.moment);
      againAfterMs = plan.againAfterMs;
      cluster.perform(plan);
    }
    return cluster.get(resourceQuotas, name)?.status.used;
  };
  const quota = (hard: Record<string, string>) =>
    cluster.put(resourceQuotas, { metadata: { name: "q" }, spec: { hard } });
  return { cluster, catalog, dirty, settle, quota, againAfterMs: () => againAfterMs };
}

const pod = (more: object = {}) => ({
  metadata: { name: "p", ...more },
  spec: {
    containers: [{ name: "c", image: "i", resources: { requests: { cpu: "500m" } } }],
    nodeName: "n",
  },
});

Deno.test("the status of a quota follows what is there, and its own spec", () => {
  const { cluster, settle, quota } = started(resourceQuotas, configMaps, pods);
  quota({ configmaps: "2", resourcequotas: "1", "requests.cpu": "1", pods: "5" });
  assert.deepEqual(settle(), {
    configmaps: "0",
    resourcequotas: "1",
    "requests.cpu": "0",
    pods: "0",
  });
  cluster.put(configMaps, { metadata: { name: "a" } });
  cluster.put(configMaps, { metadata: { name: "b", namespace: "other" } });
  cluster.put(pods, pod());
  assert.deepEqual(settle(), {
    ...{ configmaps: "1", resourcequotas: "1", "requests.cpu": "500m", pods: "1" },
  });
  cluster.take(configMaps, { namespace: "default", name: "a" });
  quota({ configmaps: "3" });
  assert.deepEqual(settle(), { configmaps: "0" });
  assert.deepEqual(cluster.get(resourceQuotas, name)!.status.hard, { configmaps: "3" });
  cluster.patchStatus(resourceQuotas, name, { hard: { configmaps: "9" } });
  settle();
  assert.deepEqual(cluster.get(resourceQuotas, name)!.status.hard, { configmaps: "3" });
});

Deno.test("a kind that comes later is counted then", () => {
  const { cluster, catalog, settle, quota } = started(resourceQuotas);
  cluster.put(configMaps, { metadata: { name: "a" } });
  quota({ "count/configmaps": "2", "count/none.example.com": "1" });
  assert.deepEqual(settle() ?? {}, {});
  catalog.put(configMaps);
  assert.deepEqual(settle(), { "count/configmaps": "1" });
  cluster.put(configMaps, { metadata: { name: "b" } });
  assert.deepEqual(settle(), { "count/configmaps": "2" });
});

Deno.test("a pod whose node never says that it is gone stops counting when its time is over", () => {
  const { cluster, dirty, settle, quota, againAfterMs } = started(resourceQuotas, pods);
  quota({ pods: "2", "count/pods": "2" });
  const deletionTimestamp = timestamp(cluster.nowMs + 30_000);
  cluster.put(pods, pod({ deletionTimestamp, deletionGracePeriodSeconds: 30 }));
  assert.deepEqual(settle(), { pods: "1", "count/pods": "1" });
  assert.equal(againAfterMs(), 60_001);
  cluster.nowMs += 60_001;
  dirty.add("default");
  assert.deepEqual(settle(), { pods: "0", "count/pods": "1" });
});
