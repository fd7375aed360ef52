import assert from "node:assert/strict";
import { deployments } from "../../../resources/apps/deployments.ts";
import { replicaSets } from "../../../resources/apps/replica_sets.ts";
import { rollouts } from "../../../resources/argoproj/mod.ts";
import { podTemplates } from "../../../resources/core/pod_templates.ts";
import { TestCluster } from "../../test_cluster.ts";
import { templateOf, TestRollout, WEB } from "../rollout_fixture.ts";
import { resolveWorkload, workloadWatches } from "./workload_reference.ts";

const SELECTOR = { matchLabels: { app: "web" } };
const DEPLOYMENT = { apiVersion: "apps/v1", kind: "Deployment", name: "old" };

function world(): TestCluster {
  const cluster = new TestCluster();
  const spec = { selector: SELECTOR, template: templateOf("web:1") };
  cluster.put(deployments, { metadata: { name: "old", generation: 7 }, spec });
  cluster.put(replicaSets, { metadata: { name: "old" }, spec });
  cluster.put(podTemplates, { metadata: { name: "old" }, template: templateOf("web:2") });
  return cluster;
}

function resolved(spec: object) {
  const cluster = world();
  const rollout = cluster.put(rollouts, { metadata: { name: "web" }, spec: { ...spec } });
  const found = resolveWorkload(rollout, cluster);
  if ("error" in found) return found.error;
  const { template, selector } = found.rollout.spec;
  return { image: template?.spec.containers[0]?.image, selector, generation: found.generation };
}

Deno.test("a rollout takes template and selector of its workload", () => {
  const of = (workloadRef: object, more: object = {}) => resolved({ workloadRef, ...more });
  assert.deepEqual(of(DEPLOYMENT), { image: "web:1", selector: SELECTOR, generation: "7" });
  const own = { matchLabels: { tier: "front" } };
  assert.deepEqual(of({ ...DEPLOYMENT, kind: "ReplicaSet" }, { selector: own }), {
    image: "web:1",
    selector: own,
    generation: "1",
  });
  assert.deepEqual(of({ apiVersion: "v1", kind: "PodTemplate", name: "old" }, { selector: own }), {
    image: "web:2",
    selector: own,
    generation: "1",
  });
  assert.deepEqual(resolved({ template: templateOf("own"), selector: own }), {
    image: "own",
    selector: own,
    generation: undefined,
  });
});

Deno.test("a workload that cannot be taken is said in Argo's words", () => {
  const cases: [object, string][] = [
    [{ kind: "StatefulSet" }, "workload of type apps/StatefulSet is not supported"],
    [{ apiVersion: "v1" }, "workload of type /Deployment is not supported"],
    [{ apiVersion: "apps/v1beta1" }, "the server could not find the requested resource"],
    [{ name: "gone" }, 'deployments.apps "default/gone" not found'],
    [
      { apiVersion: "v1", kind: "PodTemplate", name: "gone" },
      'podtemplates "default/gone" not found',
    ],
  ];
  for (const [change, error] of cases) {
    assert.equal(resolved({ workloadRef: { ...DEPLOYMENT, ...change } }), error);
  }
  const labelled = { metadata: { labels: { app: "web" } } };
  assert.equal(
    resolved({ workloadRef: DEPLOYMENT, template: labelled }),
    "spec.template: Internal error: template must be empty for workload reference rollout",
  );
});

Deno.test("a change of a workload concerns the rollouts that refer to it, and no others", () => {
  const cluster = world();
  const put = (name: string, workloadRef: object) =>
    cluster.put(rollouts, { metadata: { name }, spec: { workloadRef } });
  put("one", DEPLOYMENT);
  put("two", { ...DEPLOYMENT, name: "other" });
  put("three", { ...DEPLOYMENT, kind: "ReplicaSet" });
  const [watch] = workloadWatches.filter(({ resource }) => resource.kind === "Deployment");
  const changed = cluster.get(deployments, { namespace: "default", name: "old" })!;
  assert.deepEqual(watch!.concerns(changed, cluster).map(({ name }) => name), ["one"]);
});

function referring(workloadRef: object, more: object = {}) {
  const rollout = new TestRollout({
    template: undefined,
    selector: undefined,
    workloadRef: { ...DEPLOYMENT, ...workloadRef },
    replicas: 3,
    strategy: { canary: { maxSurge: 1, maxUnavailable: 0, steps: [] } },
    ...more,
  });
  return rollout;
}

function putDeployment({ cluster }: TestRollout, image = "web:1") {
  const before = cluster.get(deployments, { namespace: "default", name: "old" });
  cluster.put(deployments, {
    metadata: { name: "old", generation: (before?.metadata.generation ?? 0) + 1 },
    spec: { replicas: 3, selector: SELECTOR, template: templateOf(image) },
  });
}

const sizeOfDeployment = ({ cluster }: TestRollout) =>
  cluster.get(deployments, { namespace: "default", name: "old" })?.spec.replicas;

Deno.test("a rollout follows its workload: it waits for it, tells its generation, and stores no template", () => {
  const rollout = referring({}).run();
  assert.match(rollout.status.message ?? "", /InvalidSpec: .* deployments.apps "default\/old" not/);
  putDeployment(rollout);
  rollout.run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.equal(rollout.status.workloadObservedGeneration, "1");
  assert.equal(
    rollout.rollout.metadata.annotations?.["rollout.argoproj.io/workload-generation"],
    "1",
  );
  assert.equal(rollout.rollout.spec.template, undefined);
  assert.equal(rollout.rollout.spec.selector, undefined);
  putDeployment(rollout, "web:2");
  rollout.run();
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 3 });
  assert.equal(rollout.status.workloadObservedGeneration, "2");
  rollout.change({
    workloadRef: undefined,
    template: templateOf("web:3"),
    selector: SELECTOR,
  }).run();
  assert.equal(rollout.status.workloadObservedGeneration, undefined);
  assert.deepEqual(rollout.sizes, { 1: 0, 2: 0, 3: 3 });
});

Deno.test("the pods of the workload itself stay, go at the end, or go as new ones become ready", () => {
  const never = referring({});
  putDeployment(never);
  assert.equal(sizeOfDeployment(never.run()), 3);

  const success = referring({ scaleDown: "onsuccess" });
  putDeployment(success);
  success.settle();
  assert.equal(sizeOfDeployment(success), 3);
  assert.equal(sizeOfDeployment(success.run()), 0);

  const progressive = referring({ scaleDown: "progressively" });
  putDeployment(progressive);
  const seen: (number | undefined)[] = [sizeOfDeployment(progressive.settle())];
  while (progressive.ready(1) > 0) seen.push(sizeOfDeployment(progressive.settle()));
  assert.deepEqual(seen, [3, 2, 1, 0]);
  assert.equal(progressive.cluster.get(rollouts, WEB)?.status?.phase, "Healthy");
});
