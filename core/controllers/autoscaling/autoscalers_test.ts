import assert from "node:assert/strict";
import { timestamp } from "../../lib/timestamp.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { horizontalPodAutoscalers } from "../../resources/autoscaling/horizontal_pod_autoscalers.ts";
import { MutableCatalog } from "../../resources/catalog.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { RESOURCES } from "../../resources/mod.ts";
import type { LoopRun } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { autoscalerLoop } from "./autoscalers.ts";

const NAME = { namespace: "default", name: "web" };
const KEY = "default/web";
const CATALOG = new MutableCatalog(RESOURCES);
const labels = { app: "web" };
const target = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const cpu = (averageUtilization: number) => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

/** A Deployment of so many ready pods, each requesting 100m, its autoscaler, and what the API says is measured. */
class World {
  readonly cluster = new TestCluster();
  readonly asked: string[] = [];
  answer: (path: string) => { code: number; body: unknown } = () => ({ code: 404, body: {} });
  readonly #run: LoopRun;
  readonly #keys: string[] = [];

  constructor({ replicas = 3, spec = {} }: { replicas?: number; spec?: object } = {}) {
    this.cluster.put(deployments, {
      metadata: { name: "web" },
      spec: { replicas, selector: { matchLabels: labels }, template: this.#template },
      status: { replicas },
    });
    this.cluster.nowMs += 3_600_000;
    for (let i = 0; i < replicas; i++) this.pod(`web-${i}`);
    this.cluster.put(horizontalPodAutoscalers, {
      metadata: { name: "web" },
      spec: {
        scaleTargetRef: target,
        minReplicas: 1,
        maxReplicas: 10,
        metrics: [cpu(50)],
        ...spec,
      },
      status: {},
    });
    const ask = (path: string) => {
      this.asked.push(path);
      return Promise.resolve(this.answer(path));
    };
    this.#run = autoscalerLoop(CATALOG, ask).start(this.cluster, (key) => this.#keys.push(key));
  }

  get #template() {
    const resources = { requests: { cpu: "100m" } };
    return { metadata: { labels }, spec: { containers: [{ name: "a", image: "b", resources }] } };
  }

  pod(name: string, status: object = {}): void {
    const before = timestamp(this.cluster.nowMs - 3_000_000);
    this.cluster.put(pods, {
      metadata: { name, labels },
      spec: this.#template.spec,
      status: {
        phase: "Running",
        startTime: before,
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: before }],
        ...status,
      },
    });
  }

  /** Each pod uses so much of the processor; `undefined`: nobody knows. */
  uses(...millis: (number | undefined)[]): void {
    const items = millis.flatMap((each, i) =>
      each === undefined ? [] : [{
        metadata: { name: `web-${i}` },
        timestamp: timestamp(this.cluster.nowMs),
        window: "15s",
        containers: [{ name: "a", usage: { cpu: `${each}m`, memory: "1Mi" } }],
      }]
    );
    this.answer = () => ({ code: 200, body: { items } });
  }

  /** Measures and decides once. */
  async look(): Promise<void> {
    this.#run.reconcile(KEY, this.cluster.moment);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    this.cluster.perform(this.#run.reconcile(KEY, this.cluster.moment));
    this.#keys.length = 0;
  }

  async after(seconds: number): Promise<void> {
    this.cluster.nowMs += seconds * 1_000;
    await this.look();
  }

  plan() {
    return this.#run.reconcile(KEY, this.cluster.moment);
  }

  stop(): void {
    this.#run.stop();
  }

  get replicas(): number {
    return this.cluster.get(deployments, NAME)!.spec.replicas;
  }

  get status() {
    return this.cluster.get(horizontalPodAutoscalers, NAME)!.status;
  }

  get conditions(): string[] {
    return (this.status.conditions ?? []).map(({ type, status, reason, message }) =>
      `${type}=${status} ${reason}: ${message}`
    );
  }

  told(): string[] {
    return this.cluster.notices.splice(0).map(({ reason, message }) => `${reason}: ${message}`);
  }
}

Deno.test("pods that use more than their share are joined by others, and what was seen is told", async () => {
  const world = new World();
  world.uses(100, 100, 100);
  await world.look();
  assert.deepEqual(world.asked, [
    "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb",
  ]);
  assert.equal(world.replicas, 6);
  const { conditions: _, ...status } = world.status;
  assert.deepEqual(status, {
    currentReplicas: 3,
    desiredReplicas: 6,
    lastScaleTime: timestamp(world.cluster.nowMs),
    currentMetrics: [{
      type: "Resource",
      resource: { name: "cpu", current: { averageUtilization: 100, averageValue: "100m" } },
    }],
  });
  assert.deepEqual(world.conditions, [
    "AbleToScale=True SucceededRescale: the HPA controller was able to update the target scale to 6",
    "ScalingActive=True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
    "ScalingLimited=False DesiredWithinRange: the desired count is within the acceptable range",
  ]);
  assert.deepEqual(world.told(), [
    "SuccessfulRescale: New size: 6; reason: cpu resource utilization (percentage of request) above target",
  ]);
});

// Replicas there are, what pods use in thousandths of a processor at a target of 50 %, and replicas that come of it.
for (
  const [title, replicas, millis, expected] of [
    ["as wanted", 3, [50, 50, 50], 3],
    ["within the tolerance", 3, [55, 55, 55], 3],
    ["a little beyond the tolerance", 3, [56, 56, 56], 4],
    ["at least four may be made at once", 1, [900], 4],
    ["at most twice as many", 3, [900, 900, 900], 6],
    ["at most as many as allowed", 6, [900, 900, 900, 900, 900, 900], 10],
    ["a pod without a measurement counts as idle when there are too few", 2, [100, undefined], 2],
    ["and as busy when there are too many", 3, [10, 10, undefined], 3],
    ["nobody scales what is at zero", 0, [], 0],
    ["too many are taken away at once", 12, [50], 10],
  ] as [string, number, (number | undefined)[], number][]
) {
  Deno.test(`use of the processor: ${title}`, async () => {
    const world = new World({ replicas });
    world.uses(...millis);
    await world.look();
    assert.equal(world.replicas, expected);
  });
}

Deno.test("fewer pods are kept only when five minutes have asked for fewer", async () => {
  const world = new World({ replicas: 4 });
  world.uses(10, 10, 10, 10);
  await world.look();
  assert.equal(world.replicas, 4);
  assert.ok(world.conditions[0]!.startsWith("AbleToScale=True ScaleDownStabilized: "));
  for (let seconds = 15; seconds < 300; seconds += 15) await world.after(15);
  assert.equal(world.replicas, 4, "285 s later");
  await world.after(15);
  assert.equal(world.replicas, 1);
  assert.equal(
    world.told().at(-1),
    "SuccessfulRescale: New size: 1; reason: All metrics below target",
  );
});

Deno.test("rules say how fast it goes, up and down", async () => {
  const rules = (type: string, value: number) => ({
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [{ type, value, periodSeconds: 60 }],
  });
  const behavior = { scaleUp: rules("Pods", 2), scaleDown: rules("Percent", 50) };
  const world = new World({ replicas: 4, spec: { behavior } });
  world.uses(200, 200, 200, 200);
  await world.look();
  assert.equal(world.replicas, 6);
  assert.ok(world.conditions[2]!.startsWith("ScalingLimited=True ScaleUpLimit: "));
  world.uses(200, 200, 200, 200, 200, 200);
  await world.after(15);
  assert.equal(world.replicas, 6, "two in a minute are all there may be");
  await world.after(45);
  assert.equal(world.replicas, 8);
  world.uses(50, 50, 50, 50);
  await world.after(120);
  assert.equal(world.replicas, 8);
  world.uses(1, 1, 1, 1);
  await world.after(15);
  assert.equal(world.replicas, 4);
  assert.ok(world.conditions[2]!.startsWith("ScalingLimited=True ScaleDownLimit: "));
});

Deno.test("a direction that is disabled is not taken", async () => {
  const behavior = {
    scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Disabled" },
    scaleDown: {
      stabilizationWindowSeconds: 0,
      selectPolicy: "Max",
      policies: [{ type: "Pods", value: 1, periodSeconds: 15 }],
    },
  };
  const world = new World({ spec: { behavior } });
  world.uses(500, 500, 500);
  await world.look();
  assert.equal(world.replicas, 3);
  world.uses(1, 1, 1);
  await world.after(15);
  assert.equal(world.replicas, 2);
});

Deno.test("pods that start do not count by what they use of the processor", async () => {
  const world = new World({ replicas: 2 });
  const now = timestamp(world.cluster.nowMs - 10_000);
  world.pod("web-1", {
    startTime: now,
    conditions: [{ type: "Ready", status: "False", lastTransitionTime: now }],
  });
  world.uses(50, 900);
  await world.look();
  assert.equal(world.replicas, 2);
});

Deno.test("without measurements nothing is changed, and it is told why", async () => {
  for (
    const [answer, why] of [
      [
        { code: 404, body: {} },
        "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
      ],
      [
        { code: 503, body: {} },
        "unable to fetch metrics from resource metrics API: the server is currently unable to handle the request (get pods.metrics.k8s.io)",
      ],
      [
        { code: 403, body: { message: "no" } },
        "unable to fetch metrics from resource metrics API: no",
      ],
      [{ code: 200, body: { items: [] } }, "no metrics returned from resource metrics API"],
      [{ code: 200, body: "hello" }, "no metrics returned from resource metrics API"],
    ] as const
  ) {
    const world = new World();
    world.answer = () => answer;
    await world.look();
    assert.equal(world.replicas, 3);
    const fault = `failed to get cpu utilization: unable to get metrics for resource cpu: ${why}`;
    assert.equal(
      world.conditions[1],
      `ScalingActive=False FailedGetResourceMetric: the HPA was unable to compute the replica count: ${fault}`,
    );
    assert.deepEqual(world.told(), [
      `FailedGetResourceMetric: ${fault}`,
      `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${fault}`,
    ]);
  }
});

Deno.test("a pod that requests nothing cannot be measured by its share", async () => {
  const world = new World({ replicas: 1 });
  const pod = world.cluster.get(pods, { namespace: "default", name: "web-0" })!;
  world.cluster.put(pods, { ...pod, spec: { containers: [{ name: "a", image: "b" }] } });
  world.uses(50);
  await world.look();
  assert.match(world.conditions[1]!, /missing request for cpu in container a of Pod web-0$/);
});

/** Metrics, what the API answers on any path, its path, and the replicas that three become. */
const OTHERS: readonly [string, object, object[], RegExp, number, string][] = [
  [
    "the average of a container",
    {
      type: "ContainerResource",
      containerResource: {
        name: "memory",
        container: "a",
        target: { type: "AverageValue", averageValue: "1Mi" },
      },
    },
    [0, 1, 2].map((i) => ({
      metadata: { name: `web-${i}` },
      containers: [
        { name: "a", usage: { memory: "2Mi" } },
        { name: "b", usage: { memory: "9Mi" } },
      ],
    })),
    /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/default\/pods\?/,
    6,
    "memory resource",
  ],
  [
    "a metric of pods",
    {
      type: "Pods",
      pods: { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "1k" } },
    },
    [0, 1, 2].map((i) => ({ describedObject: { name: `web-${i}` }, value: "1500" })),
    /^\/apis\/custom\.metrics\.k8s\.io\/v1beta1\/namespaces\/default\/pods\/\*\/hits\?labelSelector=app%3Dweb$/,
    5,
    "pods metric hits",
  ],
  [
    "a metric of an object",
    {
      type: "Object",
      object: {
        metric: { name: "rps" },
        describedObject: { apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "main" },
        target: { type: "Value", value: "2k" },
      },
    },
    [{ value: "3k" }],
    /^\/apis\/custom\.metrics\.k8s\.io\/v1beta1\/namespaces\/default\/ingresses\.networking\.k8s\.io\/main\/rps$/,
    5,
    "Ingress metric rps",
  ],
  [
    "something outside, per pod",
    {
      type: "External",
      external: {
        metric: { name: "queue", selector: { matchLabels: { topic: "a" } } },
        target: { type: "AverageValue", averageValue: "30" },
      },
    },
    [{ value: "100" }, { value: "20" }],
    /^\/apis\/external\.metrics\.k8s\.io\/v1beta1\/namespaces\/default\/queue\?labelSelector=topic%3Da$/,
    4,
    "external metric queue(&LabelSelector{MatchLabels:map[string]string{topic: a,},MatchExpressions:[]LabelSelectorRequirement{},})",
  ],
];
for (const [title, metric, items, path, expected, name] of OTHERS) {
  Deno.test(`scales by ${title}`, async () => {
    const world = new World({ spec: { metrics: [metric] } });
    world.answer = () => ({ code: 200, body: { items } });
    await world.look();
    assert.match(world.asked[0]!, path);
    assert.equal(world.replicas, expected, world.conditions.join("\n"));
    assert.ok(world.conditions[1]!.endsWith(`from ${name}`));
  });
}

Deno.test("a metric that is not known does not keep the others from asking for more, but for fewer", async () => {
  const pods = { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "1" } };
  for (const [millis, expected] of [[100, 6], [10, 3]] as const) {
    const world = new World({ spec: { metrics: [cpu(50), { type: "Pods", pods }] } });
    world.uses(millis, millis, millis);
    const { answer } = world;
    world.answer = (path) => path.includes("custom") ? { code: 404, body: {} } : answer(path);
    await world.look();
    for (let i = 0; i < 25; i++) await world.after(15);
    assert.equal(world.replicas >= expected && (millis === 100 || world.replicas === 3), true);
  }
});

Deno.test("what is not there, or has no scale, is not scaled", async () => {
  for (
    const [reference, why] of [
      [{ ...target, name: "gone" }, 'deployments.apps "gone" not found'],
      [{ ...target, kind: "Toy" }, 'no matches for kind "Toy" in group "apps"'],
      [{ ...target, kind: "DaemonSet" }, "the server could not find the requested resource"],
    ] as const
  ) {
    const world = new World({ spec: { scaleTargetRef: reference } });
    await world.look();
    assert.deepEqual(world.conditions, [
      `AbleToScale=False FailedGetScale: the HPA controller was unable to get the target's current scale: ${why}`,
    ]);
    assert.deepEqual(world.told(), [`FailedGetScale: ${why}`]);
    assert.deepEqual(world.asked, []);
  }
});

Deno.test("pods of two autoscalers are scaled by neither", async () => {
  const world = new World();
  world.cluster.put(horizontalPodAutoscalers, {
    metadata: { name: "other" },
    spec: { scaleTargetRef: target, minReplicas: 1, maxReplicas: 9, metrics: [cpu(50)] },
    status: {},
  });
  world.uses(100, 100, 100);
  await world.look();
  assert.equal(world.replicas, 3);
  assert.equal(
    world.conditions[1],
    "ScalingActive=False AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [{other default} {web default}]",
  );
});

Deno.test("it measures every 15 seconds, whatever changes meanwhile, and not when it is gone", async () => {
  const world = new World();
  world.uses(50, 50, 50);
  await world.look();
  assert.equal(world.asked.length, 1);
  assert.equal(world.plan().againAfterMs, 15_000);
  world.cluster.nowMs += 14_000;
  assert.equal(world.plan().againAfterMs, 1_000);
  assert.equal(world.asked.length, 1);
  await world.after(1);
  assert.equal(world.asked.length, 2);
  world.cluster.take(horizontalPodAutoscalers, NAME);
  world.cluster.nowMs += 60_000;
  assert.deepEqual(world.plan(), { writes: [] });
  assert.equal(world.asked.length, 2);
  world.stop();
});
