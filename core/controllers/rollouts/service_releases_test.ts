import assert from "node:assert/strict";
import { rollouts } from "../../resources/argoproj/mod.ts";
import { services } from "../../resources/core/services/services.ts";
import { TestCluster } from "../test_cluster.ts";
import { serviceReleaseController } from "./service_releases.ts";

const MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts";
const HASH = "rollouts-pod-template-hash";

/** Annotations and selector of the Service "web" after its rollout, whose settings were these, is gone or has others. */
function released(
  service: { annotations: Record<string, string>; selector: Record<string, string> },
  canary: object | undefined,
): [annotations: Record<string, string>, selector: Record<string, string>] {
  const cluster = new TestCluster();
  const { annotations, selector } = service;
  cluster.put(services, { metadata: { name: "web", annotations }, spec: { selector } });
  if (canary) {
    cluster.put(rollouts, { metadata: { name: "app" }, spec: { strategy: { canary } } });
  }
  cluster.settle([serviceReleaseController]);
  const { metadata, spec } = cluster.get(services, { namespace: "default", name: "web" })!;
  return [metadata.annotations ?? {}, spec.selector!];
}

const MANAGED = {
  annotations: { [MANAGED_BY]: "app", mine: "1" },
  selector: { app: "a", [HASH]: "x" },
};
const SHARED = {
  annotations: { "coracle.dev/shared-by": "app", "coracle.dev/shares": "a=1", mine: "1" },
  selector: { app: "a" },
};
const FREE = [{ mine: "1" }, { app: "a" }];
const routing = (settings: object) => ({
  trafficRouting: { plugins: { "coracle.dev/service": settings } },
});

Deno.test("A Service that no rollout names any more selects by its own keys alone", () => {
  assert.deepEqual(released(MANAGED, undefined), FREE);
  assert.deepEqual(released(MANAGED, { stableService: "other" }), FREE);
  assert.deepEqual(released(MANAGED, { stableService: "web" }), [
    MANAGED.annotations,
    MANAGED.selector,
  ]);
});

Deno.test("A Service whose traffic no rollout splits any more loses its shares", () => {
  assert.deepEqual(released(SHARED, undefined), FREE);
  assert.deepEqual(released(SHARED, { stableService: "web" }), FREE);
  for (const canary of [routing({ service: "web" }), { ...routing({}), stableService: "web" }]) {
    assert.deepEqual(released(SHARED, canary), [SHARED.annotations, SHARED.selector]);
  }
});

Deno.test("Shares that a user has written stay", () => {
  const own = { annotations: { "coracle.dev/shares": "a=1" }, selector: { app: "a" } };
  assert.deepEqual(released(own, undefined), [own.annotations, own.selector]);
});
