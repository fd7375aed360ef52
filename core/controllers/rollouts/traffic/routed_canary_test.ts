import assert from "node:assert/strict";
import { experiments, type TrafficWeights } from "../../../resources/argoproj/mod.ts";
import { services } from "../../../resources/core/services/services.ts";
import { httpRoutes } from "../../../resources/gateway/http_routes.ts";
import { ingresses } from "../../../resources/networking/ingresses.ts";
import { experimentController } from "../../experiments/experiments.ts";
import { TestRollout } from "../rollout_fixture.ts";

const SERVICES = { canaryService: "web-canary", stableService: "web-stable" };
const ALB = { alb: { ingress: "web", servicePort: 80, rootService: "web" } };
const OWN = { plugins: { "argoproj-labs/gatewayAPI": { httpRoute: "web" } } };

/** A rollout of four pods whose traffic is routed so, after its first deployment. */
function routed(trafficRouting: object, canary: object): TestRollout {
  return undeployed(trafficRouting, canary).run();
}

function undeployed(trafficRouting: object, canary: object): TestRollout {
  const made = new TestRollout({
    replicas: 4,
    strategy: { canary: { ...SERVICES, trafficRouting, ...canary } },
  });
  for (const name of ["web", "web-canary", "web-stable"]) {
    const spec = { selector: { app: "web" }, ports: [{ port: 80 }] };
    made.cluster.put(services, { metadata: { name }, spec });
  }
  const paths = [{
    path: "/",
    pathType: "Prefix",
    backend: { service: { name: "web", port: { name: "use-annotation" } } },
  }];
  made.cluster.put(ingresses, {
    metadata: { name: "web" },
    spec: { rules: [{ http: { paths } }] },
  });
  const backendRefs = ["web-stable", "web-canary"].map((name) => ({ name, port: 80 }));
  made.cluster.put(httpRoutes, { metadata: { name: "web" }, spec: { rules: [{ backendRefs }] } });
  return made;
}

function weightsOf(made: TestRollout): [canary: number, stable: number] {
  const { canary, stable } = made.status.canary!.weights as TrafficWeights;
  return [canary.weight, stable.weight];
}

/** The weights that stand in the HTTPRoute: stable, canary. */
function routeOf({ cluster }: TestRollout): number[] {
  return cluster.get(httpRoutes, { namespace: "default", name: "web" })!.spec.rules[0]!.backendRefs!
    .map(({ weight }) => weight);
}

function setOf(made: TestRollout, service: string): string | undefined {
  const { spec } = made.cluster.get(services, { namespace: "default", name: service })!;
  return spec.selector!["rollouts-pod-template-hash"];
}

function hashes(made: TestRollout): Record<string, string> {
  return Object.fromEntries(made.sets.map(({ metadata }) => [
    metadata.annotations!["rollout.argoproj.io/revision"]!,
    metadata.labels!["rollouts-pod-template-hash"]!,
  ]));
}

function albOf({ cluster }: TestRollout): string {
  const { metadata } = cluster.get(ingresses, { namespace: "default", name: "web" })!;
  const { ForwardConfig } = JSON.parse(
    metadata.annotations!["alb.ingress.kubernetes.io/actions.web"]!,
  );
  return ForwardConfig.TargetGroups.map((each: { ServiceName: string; Weight: number }) =>
    `${each.ServiceName}=${each.Weight}`
  ).join(" ");
}

const STEPS = [{ setWeight: 25 }, { pause: {} }, { setWeight: 50 }, { pause: {} }];

for (const [name, routing] of [["alb", ALB], ["HTTPRoute", OWN]] as const) {
  Deno.test(`${name}: weights follow the steps to the promotion`, () => {
    const made = routed(routing, { steps: STEPS });
    assert.deepEqual(weightsOf(made), [0, 100]);
    made.setImage("web:2").run();
    assert.deepEqual([weightsOf(made), made.sizes, made.status.phase], [
      [25, 75],
      { 1: 4, 2: 1 },
      "Paused",
    ]);
    assert.equal(setOf(made, "web-canary"), hashes(made)["2"]);
    made.patchStatus({ pauseConditions: undefined }).run();
    assert.deepEqual([weightsOf(made), made.sizes], [[50, 50], { 1: 4, 2: 2 }]);
    made.patchStatus({ pauseConditions: undefined }).run();
    assert.equal(made.status.phase, "Healthy");
    assert.deepEqual([weightsOf(made), made.sizes], [[0, 100], { 1: 4, 2: 4 }]);
    assert.equal(setOf(made, "web-stable"), hashes(made)["2"]);
    made.pass(30).run();
    assert.deepEqual(made.sizes, { 1: 0, 2: 4 });
    assert.ok(made.reasons.includes("TrafficWeightUpdated"));
    const messages = made.cluster.notices.filter(({ reason }) => reason === "TrafficWeightUpdated");
    assert.deepEqual(messages.map(({ message }) => message), [
      "Traffic weight updated to 0",
      "Traffic weight updated from 0 to 25",
      "Traffic weight updated from 25 to 50",
      "Traffic weight updated from 50 to 100",
      "Traffic weight updated from 100 to 0",
    ]);
  });

  Deno.test(`${name}: an abort takes all traffic back, and the canary's pods after their delay`, () => {
    const made = routed(routing, { steps: STEPS, abortScaleDownDelaySeconds: 5 });
    made.setImage("web:2").run();
    made.patchStatus({ abort: true }).run();
    assert.deepEqual([weightsOf(made), made.sizes], [[0, 100], { 1: 4, 2: 1 }]);
    assert.equal(setOf(made, "web-canary"), hashes(made)["1"]);
    made.pass(5).run();
    assert.deepEqual(made.sizes, { 1: 4, 2: 0 });
    const switched = made.cluster.notices.filter(({ reason }) => reason === "SwitchService");
    made.run();
    assert.equal(
      made.cluster.notices.filter(({ reason }) => reason === "SwitchService").length,
      switched.length,
    );
  });
}

Deno.test("alb: the annotation has what the status says, and the status no word on what is in use", () => {
  const made = routed(ALB, { steps: STEPS }).setImage("web:2").run();
  assert.equal(albOf(made), "web-canary=25 web-stable=75");
  assert.deepEqual(made.status.canary!.weights, {
    canary: { weight: 25, serviceName: "web-canary", podTemplateHash: hashes(made)["2"] },
    stable: { weight: 75, serviceName: "web-stable", podTemplateHash: hashes(made)["1"] },
  });
});

Deno.test("alb: ping and pong swap at the promotion", () => {
  const canary = {
    canaryService: undefined,
    stableService: undefined,
    pingPong: { pingService: "web-canary", pongService: "web-stable" },
    steps: [{ setWeight: 25 }, { pause: {} }],
  };
  const made = routed(ALB, canary);
  assert.equal(made.status.canary!.stablePingPong, "ping");
  made.setImage("web:2").run();
  assert.equal(albOf(made), "web-stable=25 web-canary=75");
  assert.equal(setOf(made, "web-stable"), hashes(made)["2"]);
  made.patchStatus({ pauseConditions: undefined }).run();
  assert.equal(made.status.canary!.stablePingPong, "pong");
  assert.equal(albOf(made), "web-canary=0 web-stable=100");
});

Deno.test("dynamic: stable pods go as their traffic does, and come back first after an abort", () => {
  for (const routing of [ALB, OWN]) {
    const made = routed(routing, { dynamicStableScale: true, steps: STEPS });
    made.setImage("web:2").run();
    assert.deepEqual([weightsOf(made), made.sizes], [[25, 75], { 1: 3, 2: 1 }]);
    made.patchStatus({ pauseConditions: undefined }).run();
    assert.deepEqual([weightsOf(made), made.sizes], [[50, 50], { 1: 2, 2: 2 }]);
    made.patchStatus({ abort: true }).settle();
    assert.deepEqual([weightsOf(made), made.sizes], [[50, 50], { 1: 4, 2: 2 }]);
    made.ready(1);
    made.settle();
    assert.deepEqual([weightsOf(made), made.sizes], [[25, 75], { 1: 4, 2: 1 }]);
    assert.equal(setOf(made, "web-canary"), hashes(made)["2"]);
    made.run();
    assert.deepEqual([weightsOf(made), made.sizes], [[0, 100], { 1: 4, 2: 0 }]);
    assert.equal(setOf(made, "web-canary"), hashes(made)["1"]);
  }
});

Deno.test("dynamic: the way back to the stable template is shared with the set before", () => {
  for (const routing of [ALB, OWN]) {
    const made = routed(routing, { dynamicStableScale: true, steps: STEPS });
    made.setImage("web:2").run();
    const { "2": second } = hashes(made);
    made.setImage("web:1").settle();
    assert.deepEqual(weightsOf(made), [25, 75]);
    assert.equal(made.status.canary!.weights!.canary.podTemplateHash, second);
    made.run();
    assert.deepEqual(weightsOf(made), [0, 100]);
  }
});

Deno.test("A rollback within the window gets as much traffic as its pods carry, with our own router", () => {
  const made = new TestRollout({ replicas: 1, strategy: { canary: {} } }) &&
    routed(OWN, { steps: STEPS, scaleDownDelaySeconds: 1 });
  made.change({ rollbackWindow: { revisions: 3 } });
  made.pass(10);
  made.setImage("web:2").run();
  while (made.status.phase !== "Healthy") made.patchStatus({ pauseConditions: undefined }).run();
  made.pass(30);
  made.setImage("web:1").settle();
  made.ready(1);
  made.settle();
  const [canary] = weightsOf(made);
  assert.ok(canary <= 25, `one of four pods gets ${canary} %`);
  made.run();
  assert.equal(made.status.phase, "Healthy");
  assert.deepEqual(routeOf(made), [100, 0]);
});

Deno.test("Header routes come at their step and go with the promotion", () => {
  const match = [{ headerName: "agent", headerValue: { exact: "test" } }];
  const steps = [
    { setWeight: 25 },
    { setHeaderRoute: { name: "mine", match } },
    { pause: {} },
  ];
  const made = routed({ ...OWN, managedRoutes: [{ name: "mine" }] }, { steps });
  const rules = () =>
    made.cluster.get(httpRoutes, { namespace: "default", name: "web" })!.spec.rules;
  assert.equal(rules().length, 1, "not when there is nothing to update");
  made.setImage("web:2").run();
  assert.deepEqual(rules().map(({ name }) => name), [undefined, "mine"]);
  made.patchStatus({ pauseConditions: undefined }).run();
  assert.deepEqual(rules().map(({ name }) => name), [undefined]);
});

Deno.test("An experiment gets its share from the stable pods while it runs", () => {
  const experiment = {
    duration: "10s",
    templates: [{
      name: "probe",
      specRef: "stable",
      weight: 5,
      metadata: { labels: { app: "probe" } },
    }],
  };
  const steps = [{ setWeight: 25 }, { experiment }, { pause: {} }];
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "web:2", ports: [{ containerPort: 80 }] }] },
  };
  for (const routing of [ALB, OWN]) {
    const made = routed(routing, { steps });
    made.change({
      template: {
        ...template,
        spec: { containers: [{ ...template.spec.containers[0], image: "web:0" }] },
      },
    }).run();
    const settle = () => {
      for (let i = 0; i < 4; i++) {
        made.run();
        made.cluster.settle([experimentController()]);
      }
    };
    settle();
    made.pass(10);
    settle();
    made.patchStatus({ pauseConditions: undefined });
    settle();
    made.change({ template }).run();
    settle();
    const [experimentNow] = made.cluster.list(experiments).filter(({ status }) =>
      status?.phase === "Running"
    );
    assert.match(experimentNow!.metadata.name, /^web-[a-z0-9]+-3-1$/);
    assert.deepEqual(weightsOf(made), [25, 70]);
    const { additional } = made.status.canary!.weights!;
    assert.deepEqual(additional?.map(({ weight, serviceName }) => [weight, serviceName]), [
      [5, `${experimentNow!.metadata.name}-probe`],
    ]);
    made.pass(10);
    settle();
    assert.deepEqual([weightsOf(made), made.status.canary!.weights!.additional], [
      [25, 75],
      undefined,
    ]);
    assert.equal(made.status.phase, "Paused");
  }
});

Deno.test("What cannot be routed is told, and nothing goes on", () => {
  const made = undeployed({ plugins: { "coracle.dev/service": { service: "none" } } }, {
    steps: STEPS,
  });
  for (let i = 0; i < 12; i++) made.step();
  made.setImage("web:2");
  for (let i = 0; i < 12; i++) made.step();
  const { type, message } = made.cluster.notices.find(({ reason }) =>
    reason === "TrafficRoutingError"
  )!;
  assert.deepEqual([type, message], ["Warning", 'services "none" not found']);
  assert.equal(made.sizes[2], 0);
});
