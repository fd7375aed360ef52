import assert from "node:assert/strict";
import { rollouts } from "../../resources/argoproj/mod.ts";
import { ingresses } from "../../resources/networking/ingresses.ts";
import { TestCluster } from "../test_cluster.ts";
import { ingressReleaseController } from "./ingress_releases.ts";

const MANAGED = "rollouts.argoproj.io/managed-alb-annotations";
const KEY = "alb.ingress.kubernetes.io/actions.web";

const action = (groups: [string, number][], more: object = {}) =>
  JSON.stringify({
    Type: "forward",
    ForwardConfig: {
      TargetGroups: groups.map(([ServiceName, Weight]) => ({
        ServiceName,
        ServicePort: "80",
        Weight,
      })),
      ...more,
    },
  });

/** Annotations of the Ingress "web" that rollout "app" wrote, once only these rollouts are there. */
function released(
  annotations: Record<string, string>,
  names: Record<string, string>,
): Record<string, string> {
  const cluster = new TestCluster();
  cluster.put(ingresses, { metadata: { name: "web", annotations } });
  for (const [name, ingress] of Object.entries(names)) {
    const trafficRouting = { alb: { ingress, servicePort: 80 } };
    cluster.put(rollouts, {
      metadata: { name },
      spec: { strategy: { canary: { trafficRouting } } },
    });
  }
  cluster.settle([ingressReleaseController]);
  return cluster.get(ingresses, { namespace: "default", name: "web" })!.metadata.annotations ?? {};
}

const STICKY = { TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 5 } };
const WRITTEN = {
  [KEY]: action([["canary", 10], ["web", 90]], STICKY),
  [MANAGED]: JSON.stringify({ app: [KEY], other: ["x"] }),
};

Deno.test("Once its rollout is gone, all traffic of an action goes to the Service of its name", () => {
  assert.deepEqual(released(WRITTEN, { other: "web" }), {
    [KEY]: action([["web", 100]], STICKY),
    [MANAGED]: JSON.stringify({ other: ["x"] }),
  });
});

Deno.test("A rollout that names another Ingress is as good as gone", () => {
  const alone = { ...WRITTEN, [MANAGED]: JSON.stringify({ app: [KEY] }) };
  assert.deepEqual(released(alone, { app: "other" }), { [KEY]: action([["web", 100]], STICKY) });
});

Deno.test("While its rollout names it, and when nothing can be read, an Ingress stays as it is", () => {
  assert.deepEqual(released(WRITTEN, { app: "web", other: "web" }), WRITTEN);
  for (const text of ["{", "[]", '{"app":"x"}']) {
    const annotations = { ...WRITTEN, [MANAGED]: text };
    assert.deepEqual(released(annotations, {}), annotations);
  }
  const odd = { [KEY]: "5", [MANAGED]: JSON.stringify({ app: [KEY] }) };
  assert.deepEqual(released(odd, {}), { [KEY]: "5" });
});
