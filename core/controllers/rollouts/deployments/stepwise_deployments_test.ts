import assert from "node:assert/strict";
import { replicaSets } from "../../../resources/apps/replica_sets.ts";
import {
  type AnalysisTemplate,
  analysisTemplates,
  rollouts,
} from "../../../resources/argoproj/mod.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { type Service, services } from "../../../resources/core/services/services.ts";
import { conditionOf } from "../../../resources/conditions.ts";
import { controlled } from "../../runtime/ownership.ts";
import { stepwiseDeploymentController } from "./stepwise_deployments.ts";
import { TestDeployment, WEB } from "./stepwise_fixture.ts";

const MEASURED = "result.p50 != nil";
const CANARY = { "coracle.dev/canary": "25%,50%:pause" };

function progressing({ deployment }: TestDeployment): string {
  const condition = conditionOf(deployment.status.conditions, "Progressing");
  return `${condition?.status} ${condition?.reason}`;
}

Deno.test("a Deployment that is annotated from the start gets its pods by a Rollout", () => {
  const web = new TestDeployment(CANARY).run();
  assert.deepEqual(web.images, { "web:1": 4 });
  assert.deepEqual([web.sizesOf("Deployment"), web.sizesOf("Rollout")], [[0], [4]]);
  assert.equal(web.rollout?.status?.phase, "Healthy");
  const { observedGeneration, replicas, updatedReplicas, availableReplicas } =
    web.deployment.status;
  assert.deepEqual([replicas, updatedReplicas, availableReplicas], [4, 4, 4]);
  assert.equal(observedGeneration, web.deployment.metadata.generation);
  assert.equal(progressing(web), "True NewReplicaSetAvailable");
});

Deno.test("a Deployment that runs is taken over without a pod that ends, starts or is missing", () => {
  const web = new TestDeployment().run();
  const before = web.pods.map(({ metadata }) => metadata.uid);
  web.fewestAvailable = Infinity;
  web.change({ annotations: CANARY }).run();
  assert.deepEqual(web.pods.map(({ metadata }) => metadata.uid), before);
  assert.equal(web.fewestAvailable, 4);
  assert.deepEqual(web.sizesOf("Rollout"), [4]);
  assert.equal(web.rollout?.status?.phase, "Healthy");
  const labels = web.pods.map(({ metadata }) => metadata.labels?.["rollouts-pod-template-hash"]);
  assert.deepEqual(labels, new Array(4).fill(web.rollout?.status?.stableRS));
});

Deno.test("a change counts as seen only when the Rollout has seen it", () => {
  const web = new TestDeployment(CANARY).run();
  web.change({ image: "web:2" });
  const { cluster } = web;
  for (let look = 0; look < 3; look++) {
    cluster.perform(cluster.planOf(stepwiseDeploymentController, WEB));
    const { metadata, status } = web.deployment;
    assert.equal(status.observedGeneration, metadata.generation! - 1);
  }
  web.run();
  assert.equal(web.deployment.status.observedGeneration, web.deployment.metadata.generation);
});

Deno.test("an image that comes with the annotations is rolled out in steps at once", () => {
  const web = new TestDeployment().run();
  web.fewestAvailable = Infinity;
  web.change({ annotations: CANARY, image: "web:2" }).run();
  assert.deepEqual(web.images, { "web:1": 3, "web:2": 1 });
  assert.equal(progressing(web), "True ReplicaSetUpdated");
  web.pass(61);
  assert.deepEqual(web.images, { "web:1": 2, "web:2": 2 });
  web.pass(3_600);
  assert.deepEqual(web.images, { "web:1": 2, "web:2": 2 }, "it waits for somebody");
  assert.ok(web.fewestAvailable >= 3, `${web.fewestAvailable} available`);
});

Deno.test("a change of the template is rolled out in steps, and kubectl finds both revisions", () => {
  const web = new TestDeployment(CANARY).run();
  web.change({ image: "web:2" }).run();
  assert.deepEqual(web.images, { "web:1": 3, "web:2": 1 });
  const { updatedReplicas, replicas } = web.deployment.status;
  assert.deepEqual([updatedReplicas, replicas], [1, 4]);
  const history = controlled(web.cluster, replicaSets, web.deployment).map((
    { metadata, spec },
  ) => [metadata.annotations?.["deployment.kubernetes.io/revision"], spec.replicas]);
  assert.deepEqual(history.sort(), [["1", 0], ["2", 0]]);
  assert.equal(web.deployment.metadata.annotations?.["deployment.kubernetes.io/revision"], "2");
});

Deno.test("a rollback by kubectl goes to the stable pods at once", () => {
  const web = new TestDeployment(CANARY).run();
  web.change({ image: "web:2" }).run();
  web.change({ image: "web:1" }).run();
  assert.deepEqual(web.images, { "web:1": 4 });
  assert.equal(progressing(web), "True NewReplicaSetAvailable");
  assert.equal(web.deployment.metadata.annotations?.["deployment.kubernetes.io/revision"], "3");
});

Deno.test("kubectl scale, pause and resume reach the Rollout", () => {
  const web = new TestDeployment(CANARY).run();
  web.change({ replicas: 6 }).run();
  assert.deepEqual(web.images, { "web:1": 6 });
  web.change({ paused: true, image: "web:2" }).run();
  assert.deepEqual(web.images, { "web:1": 6 });
  assert.equal(progressing(web), "Unknown DeploymentPaused");
  web.change({ paused: false }).run();
  assert.deepEqual(web.images, { "web:1": 5, "web:2": 2 });
});

Deno.test("a rollout that has failed shows as a deadline that is over, which kubectl understands", () => {
  const web = new TestDeployment(CANARY).run();
  web.broken.add("web:2");
  web.change({ image: "web:2" }).run();
  web.pass(601).pass(2);
  assert.equal(web.rollout?.status?.phase, "Degraded");
  assert.equal(progressing(web), "False ProgressDeadlineExceeded");
  assert.equal(web.images["web:1"]! >= 3, true);
});

Deno.test("annotations that cannot be read change nothing, and all causes are said once", () => {
  const web = new TestDeployment().run();
  const bad = { "coracle.dev/canary": "10,200%,5%:soon", "coracle.dev/analysis": "errors<1ms,x<3" };
  web.change({ annotations: bad, image: "web:2" }).run().pass(30);
  assert.deepEqual(web.images, { "web:1": 4 });
  assert.equal(web.rollout, undefined);
  const condition = conditionOf(web.deployment.status.conditions, "Progressing")!;
  assert.equal(condition.reason, "InvalidStrategy");
  for (const cause of ['"10"', '"200%"', '"soon"', '"errors<1ms"', '"x"', "no Service selects"]) {
    assert.ok(condition.message?.includes(cause), `${cause} in ${condition.message}`);
  }
  const told = web.cluster.notices.filter(({ reason }) => reason === "InvalidStrategy");
  assert.deepEqual(told.map(({ message }) => message), [condition.message]);
  web.change({ annotations: CANARY }).run();
  assert.deepEqual(web.images, { "web:1": 3, "web:2": 1 });
});

Deno.test("with a Service in front its traffic is split, and what is measured is generated", () => {
  const web = new TestDeployment();
  const ports = [{ name: "http", port: 80, targetPort: 8080, nodePort: 30_080 }];
  const service = { selector: { app: "web" }, ports, clusterIP: "10.0.0.1" };
  web.cluster.put(services, { metadata: { name: "web" }, spec: service });
  web.run();
  web.change({ annotations: { ...CANARY, "coracle.dev/analysis": "errors<1%, p99<300ms" } }).run();
  const names = web.cluster.list<Service>(services).map(({ metadata }) => metadata.name);
  assert.deepEqual(names, ["web", "web-canary", "web-stable"]);
  const stable = web.cluster.get<Service>(services, { ...WEB, name: "web-stable" })!;
  assert.equal(stable.spec.ports![0]!.nodePort, undefined);
  const hash = web.rollout!.status!.stableRS;
  assert.deepEqual(stable.spec.selector, { app: "web", "rollouts-pod-template-hash": hash });
  const { canary } = web.rollout!.spec.strategy!;
  assert.deepEqual(canary!.steps!.map((step) => Object.keys(step)[0]), [
    "setWeight",
    "pause",
    "analysis",
    "setWeight",
    "pause",
  ]);
  const conditions = web.cluster.list<AnalysisTemplate>(analysisTemplates)
    .map(({ metadata, spec }) => [
      metadata.name,
      ...spec.metrics!.map(({ count, successCondition }) => `${count ?? 0} ${successCondition}`),
    ]);
  assert.deepEqual(conditions, [
    ["web-gate", `1 ${MEASURED} && result.errorRatio < 0.01`, `1 ${MEASURED} && result.p99 < 300`],
    ["web-watch", `0 ${MEASURED} && result.errorRatio < 0.01`, `0 ${MEASURED} && result.p99 < 300`],
  ]);
  const front = web.cluster.get<Service>(services, WEB)!;
  const annotations = { "coracle.dev/shares": "web-stable=100,web-canary=0" };
  web.cluster.put(services, { ...front, metadata: { ...front.metadata, annotations } });
  web.change({ annotations: {} }).run();
  const left = web.cluster.list<Service>(services);
  assert.deepEqual(left.map(({ metadata }) => metadata.name), ["web"]);
  assert.equal(left[0]!.metadata.annotations?.["coracle.dev/shares"], undefined);
  assert.equal(web.cluster.list(analysisTemplates).length, 0);
});

Deno.test("a strategy in a ConfigMap is taken as it is", () => {
  const web = new TestDeployment({ "coracle.dev/strategy": "careful" }).run();
  const reason = () => conditionOf(web.deployment.status.conditions, "Progressing")!.message;
  assert.match(reason()!, /configmaps "careful" not found/);
  const map = (strategy: string) => {
    web.cluster.put(configMaps, { metadata: { name: "careful" }, data: { strategy } });
    web.run();
  };
  map("canary: [");
  assert.match(reason()!, /cannot read "strategy" of ConfigMap "careful"/);
  map("canary: {}\nblueGreen: {}");
  assert.match(reason()!, /either canary or blueGreen/);
  map("canary: {steps: [{setWeight: 50}, {pause: {}}]}");
  web.change({ image: "web:2" }).run();
  assert.deepEqual(web.images, { "web:1": 2, "web:2": 2 });
});

Deno.test("without annotations the Deployment has its pods back, with none missing", () => {
  const web = new TestDeployment(CANARY).run();
  web.fewestAvailable = Infinity;
  web.change({ annotations: {} });
  web.run();
  assert.equal(web.rollout, undefined);
  assert.deepEqual(web.images, { "web:1": 4 });
  assert.deepEqual(web.sizesOf("Deployment"), [0, 4]);
  assert.ok(web.fewestAvailable >= 3, `${web.fewestAvailable} available`);
  assert.equal(web.cluster.list(rollouts).length, 0);
});
