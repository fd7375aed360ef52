import assert from "node:assert/strict";
import fc from "fast-check";
import {
  analysisTemplates,
  clusterAnalysisTemplates,
  type Rollout,
} from "../../../resources/argoproj/mod.ts";
import { services } from "../../../resources/core/services/services.ts";
import { ingresses } from "../../../resources/networking/ingresses.ts";
import { TestCluster } from "../../test_cluster.ts";
import { invalidityOf } from "./validation.ts";

const SELECTOR = { matchLabels: { app: "web" } };
const TEMPLATE = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "nginx" }] },
};
const CANARY = { canary: { steps: [{ setWeight: 20 }, { pause: {} }] } };

function rollout(spec: object): Rollout {
  return {
    metadata: { name: "web", namespace: "default", labels: {} },
    spec: { selector: SELECTOR, template: TEMPLATE, strategy: CANARY, ...spec },
  } as unknown as Rollout;
}

function world(): TestCluster {
  const cluster = new TestCluster();
  for (const name of ["active", "preview", "stable", "canary", "root"]) {
    const ports = [{ port: 80 }];
    cluster.put(services, {
      metadata: { name },
      spec: { ports, selector: { app: "web", "rollouts-pod-template-hash": "x" } },
    });
  }
  return cluster;
}

const invalidity = (spec: object, cluster = world()) => invalidityOf(rollout(spec), cluster);
const canary = (canary: object) => ({ strategy: { canary } });
const blueGreen = (blueGreen: object) => ({
  strategy: { blueGreen: { activeService: "active", ...blueGreen } },
});
const steps = (...steps: object[]) => canary({ steps });
const routed = (trafficRouting: object, more: object = {}) =>
  canary({ canaryService: "canary", stableService: "stable", trafficRouting, ...more });
const PLUGIN = { plugins: { "argoproj-labs/gatewayAPI": { httpRoute: "web" } } };
const container = (more: object) => ({
  template: { ...TEMPLATE, spec: { containers: [{ ...TEMPLATE.spec.containers[0], ...more }] } },
});

Deno.test("a Rollout without fault is valid, with any strategy", () => {
  const valid: object[] = [
    {},
    { replicas: 0 },
    { strategy: { canary: {} } },
    blueGreen({ previewService: "preview" }),
    blueGreen({ antiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } }),
    routed(PLUGIN, { scaleDownDelaySeconds: 1 }),
    routed({ ...PLUGIN, maxTrafficWeight: 1000 }, { steps: [{ setWeight: 1000 }] }),
    canary({ trafficRouting: PLUGIN }),
    routed({ ...PLUGIN, managedRoutes: [{ name: "r" }] }, {
      steps: [
        {
          setHeaderRoute: { name: "r", match: [{ headerName: "a", headerValue: { prefix: "b" } }] },
        },
        { setMirrorRoute: { name: "r", percentage: 10, match: [{ path: { prefix: "/" } }] } },
        { setHeaderRoute: { name: "r" } },
        { setCanaryScale: { weight: 1 } },
        { experiment: { templates: [{ name: "a", specRef: "canary", weight: 5 }] } },
      ],
    }),
    container({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    container({ resources: { requests: { cpu: 0.001 } } }),
    steps({ pause: { duration: "1h" } }, { pause: { duration: "10" } }, { pause: { duration: 0 } }),
    { workloadRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" } },
  ];
  for (const spec of valid) assert.equal(invalidity(spec), undefined, JSON.stringify(spec));
});

const UNSET_KINDS = "step.Experiment: true step.Pause: true step.SetWeight: true " +
  "step.Analysis: true step.SetCanaryScale: true step.SetHeaderRoute: true " +
  "step.SetMirrorRoute: true step.Plugin: true";
const ONE_KIND =
  "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
const SAME_CANARY =
  "This rollout uses the same service for the stable and canary services, but two different services are required.";
const SAME_ACTIVE =
  "This rollout uses the same service for the active and preview services, but two different services are required.";
const BOTH = "Canary service and Stable service must to be set to use Traffic Routing";
const MATCH = "must have exactly one of the following: exact, regex, prefix";
const match = (headerValue: object) => [{ headerName: "a", headerValue }];
const named = (name: string) => ({ ...PLUGIN, managedRoutes: [{ name }] });

/** What of `spec.strategy` is invalid, and how. */
const SPEC_CASES: [object, string][] = [
  [{ replicas: -1 }, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
  [
    { selector: undefined },
    "spec.selector: Required value: Rollout has missing field '.spec.selector'",
  ],
  [
    { selector: {} },
    "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
  ],
  [
    { selector: { matchExpressions: [{ key: "a", operator: "Has" }] } },
    'spec.selector.matchExpressions[0].operator: Invalid value: "Has": not a valid selector operator',
  ],
  [
    { selector: { matchLabels: { app: "other" } } },
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  ],
  [
    { template: undefined },
    "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
  ],
  [
    { template: { metadata: TEMPLATE.metadata } },
    "spec.template.spec.containers: Required value",
  ],
  [
    { template: { ...TEMPLATE, spec: { containers: [] } } },
    "spec.template.spec.containers: Required value",
  ],
  [
    container({ imagePullPolicy: "Maybe" }),
    'spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"',
  ],
  [
    { template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: "Never" } } },
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  [
    { template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, activeDeadlineSeconds: 5 } } },
    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
  ],
  [
    { minReadySeconds: -1 },
    "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    { revisionHistoryLimit: -1 },
    "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    { minReadySeconds: 600 },
    "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
  ],
  [
    { minReadySeconds: 5, progressDeadlineSeconds: 5 },
    "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
  ],
];

/** Without `spec.strategy` before each. */
const STRATEGY_CASES: [object, string][] = [
  [
    { strategy: {} },
    ".strategy: Required value: Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'",
  ],
  [
    { strategy: { canary: {}, blueGreen: { activeService: "a" } } },
    '.strategy: Invalid value: "blueGreen: true canary: true": Multiple Strategies can not be listed',
  ],
  [
    blueGreen({ previewService: "active" }),
    `.activeService: Invalid value: "active": ${SAME_ACTIVE}`,
  ],
  [
    { ...blueGreen({ scaleDownDelayRevisionLimit: 3 }), revisionHistoryLimit: 2 },
    ".scaleDownDelayRevisionLimit: Invalid value: 3: This rollout's revision history limit can not be smaller than the rollout's scale down limit",
  ],
  [
    canary({ antiAffinity: {} }),
    '.antiAffinity: Invalid value: "antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: false antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: false": AntiAffinity must have exactly one strategy listed',
  ],
  ...[0, 101].map((weight): [object, string] => [
    blueGreen({
      antiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: { weight } },
    }),
    `.antiAffinity.weight: Invalid value: ${weight}: AntiAffinity weight must be between 1-100`,
  ]),
  [
    canary({ maxSurge: 0, maxUnavailable: "0%" }),
    ".maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero",
  ],
  [
    canary({ canaryService: "a", stableService: "a" }),
    `.stableService: Invalid value: "a": ${SAME_CANARY}`,
  ],
  [
    canary({ trafficRouting: { nginx: {} }, canaryService: "canary" }),
    `.stableService: Invalid value: "": ${BOTH}`,
  ],
  [
    canary({ trafficRouting: { alb: { servicePort: 80 } }, stableService: "stable" }),
    `.canaryService: Invalid value: "": ${BOTH}`,
  ],
  [
    canary({ scaleDownDelaySeconds: 5 }),
    ".scaleDownDelaySeconds: Invalid value: 5: Canary scaleDownDelaySeconds can only be used with traffic routing",
  ],
  [
    canary({ dynamicStableScale: true }),
    ".dynamicStableScale: Invalid value: true: Canary dynamicStableScale can only be used with traffic routing",
  ],
  [
    routed(PLUGIN, { dynamicStableScale: true, scaleDownDelaySeconds: 0 }),
    ".dynamicStableScale: Invalid value: true: Canary dynamicStableScale cannot be used with scaleDownDelaySeconds",
  ],
  [
    routed({ alb: { servicePort: 80, ingress: "i" }, maxTrafficWeight: 10 }),
    ".trafficRouting.maxTrafficWeight: Invalid value: 10: Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins",
  ],
  [
    routed(PLUGIN, { pingPong: { pingService: "a", pongService: "b" } }),
    '.trafficRouting.alb: Invalid value: "null": Ping-pong feature works with the ALB and Istio traffic routers only',
  ],
  [
    canary({ pingPong: { pingService: "", pongService: "b" } }),
    '.pingPong.pingService: Invalid value: "": Ping service and Pong service must to be set to use Ping-Pong feature',
  ],
  [
    canary({ pingPong: { pingService: "b", pongService: "b" } }),
    '.pingPong.pingService: Invalid value: "b": This rollout uses the same service for the ping and pong services, but two different services are required.',
  ],
  [
    canary({
      trafficRouting: { alb: { servicePort: 80 } },
      pingPong: { pingService: "a", pongService: "b" },
    }),
    '.trafficRouting.alb.rootService: Invalid value: "": Root service field is required for the configuration with ALB and ping-pong feature enabled',
  ],
  [steps({}), `.steps[0]: Invalid value: "${UNSET_KINDS}": ${ONE_KIND}`],
  [
    steps({ pause: {} }, { setWeight: 1, pause: {} }),
    `.steps[1]: Invalid value: "step.Experiment: false step.Pause: true step.SetWeight: true step.Analysis: false": ${ONE_KIND}`,
  ],
  [
    steps({ setWeight: 101 }),
    ".steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100",
  ],
  [
    steps({ setWeight: -1 }),
    ".steps[0].setWeight: Invalid value: -1: SetWeight needs to be between 0 and 100",
  ],
  [
    routed({ ...PLUGIN, maxTrafficWeight: 50 }, { steps: [{ setWeight: 51 }] }),
    ".steps[0].setWeight: Invalid value: 51: SetWeight needs to be between 0 and 50",
  ],
  ...([[-5, -5], ["-1h", -3600], ["soon", -1]] as const).map(([duration, seconds]): [
    object,
    string,
  ] => [
    steps({ pause: { duration } }),
    `.steps[0].pause.duration: Invalid value: ${seconds}: Duration needs to be greater than 0`,
  ]),
  [
    steps({ setCanaryScale: { weight: 1 } }),
    ".trafficRouting: Required value: SetCanaryScale requires TrafficRouting to be set",
  ],
  [
    steps({ setHeaderRoute: { name: "r" } }),
    '.steps[0].setHeaderRoute: Invalid value: {"name":"r"}: SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix',
  ],
  [
    routed({ nginx: { stableIngress: "i" } }, { steps: [{ setHeaderRoute: { name: "r" } }] }),
    '.steps[0].setHeaderRoute: Invalid value: {"name":"r"}: SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix',
  ],
  [
    routed(named("r"), {
      steps: [{ setHeaderRoute: { name: "r", match: match({ exact: "a", regex: "b" }) } }],
    }),
    `.steps[0].setHeaderRoute.match[0]: Invalid value: {"exact":"a","regex":"b"}: StringMatch match value ${MATCH}`,
  ],
  [
    routed(named("r"), { steps: [{ setHeaderRoute: { name: "r", match: match({}) } }] }),
    ".steps[0].setHeaderRoute.match[0]: Invalid value: {}: StringMatch value missed, match value must have one of the following: exact, regex, prefix",
  ],
  [
    routed({ alb: { servicePort: 80, ingress: "i" }, managedRoutes: [{ name: "r" }] }, {
      steps: [{ setHeaderRoute: { name: "r", match: match({ prefix: "a" }) } }],
    }),
    '.steps[0].setHeaderRoute.match[0]: Invalid value: {"prefix":"a"}: SetHeaderRoute match value invalid. ALB supports \'exact\' value only',
  ],
  [
    steps({ setMirrorRoute: { name: "r" } }),
    '.steps[0].setMirrorRoute: Invalid value: {"name":"r"}: SetMirrorRoute requires TrafficRouting, supports Istio only',
  ],
  [
    routed(PLUGIN, { steps: [{ setHeaderRoute: { name: "r" } }] }),
    ".trafficRouting.managedRoutes: Required value: Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'",
  ],
  [
    routed(named("other"), { steps: [{ setMirrorRoute: { name: "r" } }] }),
    '.steps[0].setMirrorRoute: Invalid value: "r": Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes',
  ],
  [
    steps({ experiment: { templates: [{ name: "a", specRef: "stable", weight: 5 }] } }),
    ".steps[0].experiment.templates[0].weight: Invalid value: 5: Experiment template weight cannot be set unless TrafficRouting is enabled",
  ],
  [
    routed({ nginx: { stableIngress: "i" } }, {
      steps: [{ experiment: { templates: [{ name: "a", specRef: "stable", weight: 5 }] } }],
    }),
    ".steps[0].experiment.templates[0].weight: Invalid value: 5: Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time",
  ],
  ...["metadata.generation", "metadata.labels['a b']", "metadata"].map((fieldPath): [
    object,
    string,
  ] => [
    steps({ analysis: { args: [{ name: "a", valueFrom: { fieldRef: { fieldPath } } }] } }),
    `.steps[0].analyses: Invalid value: [{"name":"a","valueFrom":{"fieldRef":{"fieldPath":${
      JSON.stringify(fieldPath)
    }}}}]: Analyses arguments must refer to valid object metadata supported by downwardAPI`,
  ]),
];

Deno.test("what is wrong with a spec is said in Argo's words, the first fault alone", () => {
  for (const [spec, text] of SPEC_CASES) assert.equal(invalidity(spec), text);
  for (const [spec, text] of STRATEGY_CASES) assert.equal(invalidity(spec), `spec.strategy${text}`);
});

Deno.test("a mirrored route must be told apart by one value for each part", () => {
  const of = (part: object) =>
    invalidity(routed(named("r"), { steps: [{ setMirrorRoute: { name: "r", match: [part] } }] }));
  const at = "spec.strategy.steps[0].setMirrorRoute.match[0]: Invalid value";
  assert.match(
    of({ method: {} }) ?? "",
    /match\[0\]: Invalid value: \{\}: StringMatch value missed/,
  );
  assert.equal(
    of({ path: { exact: "/", prefix: "/" } }),
    `${at}: {"exact":"/","prefix":"/"}: StringMatch match value ${MATCH}`,
  );
});

Deno.test("services must be there, select the template's pods, and be nobody else's", () => {
  const gone = 'spec.strategy.blueGreen.activeService: Invalid value: "x": service "x" not found';
  assert.equal(invalidity(blueGreen({ activeService: "x" })), gone);
  const cases: [object, Record<string, string>, string][] = [
    [
      { selector: { app: "web", tier: "front" } },
      {},
      'Service "stable" has unmatch label "tier" in rollout',
    ],
    [{ selector: { app: "other" } }, {}, 'Service "stable" has unmatch label "app" in rollout'],
    [
      { selector: { app: "web" } },
      { "argo-rollouts.argoproj.io/managed-by-rollouts": "other" },
      'Service "stable" is managed by another Rollout',
    ],
  ];
  for (const [spec, annotations, text] of cases) {
    const cluster = world();
    const ports = [{ port: 80 }];
    cluster.put(services, { metadata: { name: "stable", annotations }, spec: { ports, ...spec } });
    assert.equal(
      invalidity(canary({ stableService: "stable", canaryService: "canary" }), cluster),
      `spec.strategy.canary.stableService: Invalid value: "stable": ${text}`,
    );
  }
  const own = world();
  own.put(services, {
    metadata: {
      name: "stable",
      annotations: { "argo-rollouts.argoproj.io/managed-by-rollouts": "web" },
    },
    spec: { ports: [{ port: 80 }], selector: { app: "web" } },
  });
  assert.equal(invalidity(canary({ stableService: "stable" }), own), undefined);
});

Deno.test("a missing service is told before a template that does not fit", () => {
  const spec = blueGreen({
    previewService: "nowhere",
    prePromotionAnalysis: { templates: [{ templateName: "nowhere" }] },
  });
  assert.match(invalidity(spec) ?? "", /previewService.*service "nowhere" not found/);
});

const METRIC = { name: "m", provider: { web: { url: "http://a/{{args.path}}" } } };

Deno.test("templates must be there, fit together, and end", () => {
  const cluster = world();
  const put = (name: string, spec: object) =>
    cluster.put(analysisTemplates, { metadata: { name }, spec });
  const args = [{ name: "path" }];
  put("fits", { metrics: [METRIC], args });
  put("again", { metrics: [METRIC], args: [{ name: "path", value: "x" }] });
  put("endless", { metrics: [{ ...METRIC, name: "e", interval: "5s" }], args });
  put("unknown", { metrics: [METRIC], args: [] });
  put("nested", { metrics: [], templates: [{ templateName: "gone" }] });
  put("counted", { metrics: [{ ...METRIC, interval: "5s", count: "{{args.path}}" }], args });
  cluster.put(clusterAnalysisTemplates, {
    metadata: { name: "everywhere" },
    spec: { metrics: [{ ...METRIC, name: "c" }], args },
  });
  const analysis = (names: (string | object)[], given: object | undefined = { value: "a" }) => ({
    templates: names.map((name) => typeof name === "string" ? { templateName: name } : name),
    ...(given && { args: [{ name: "path", ...given }] }),
  });
  const inline = (names: (string | object)[], given?: object) =>
    invalidity(steps({ pause: {} }, { analysis: analysis(names, given) }), cluster);
  const at = "spec.strategy.canary.steps[1].analysis.templates: Invalid value:";
  assert.equal(inline(["fits", { templateName: "everywhere", clusterScope: true }]), undefined);
  assert.equal(inline(["fits"], { valueFrom: { podTemplateHashValue: "Latest" } }), undefined);
  assert.equal(inline(["fits"], {}), undefined);
  assert.equal(
    inline(["fits"], {
      valueFrom: { fieldRef: { fieldPath: "spec.strategy.canary.steps[0].pause" } },
    }),
    `${at} "templateNames: [fits]": args.path was not resolved`,
  );
  assert.equal(inline(["gone"]), `${at} "gone": AnalysisTemplate 'gone' not found`);
  assert.equal(
    inline([{ templateName: "gone", clusterScope: true }]),
    `${at} "gone": ClusterAnalysisTemplate 'gone' not found`,
  );
  assert.equal(
    inline(["nested"]),
    `spec.templates: Invalid value: "gone": AnalysisTemplate 'gone' not found`,
  );
  assert.equal(
    inline(["fits", "again"]),
    `${at} "templateNames: [fits again]": two metrics have the same name 'm'`,
  );
  assert.equal(
    invalidity(
      blueGreen({ prePromotionAnalysis: { templates: [{ templateName: "fits" }] } }),
      cluster,
    ),
    'spec.strategy.blueGreen.prePromotionAnalysis.templates: Invalid value: "templateNames: [fits]": args.path was not resolved',
  );
  assert.equal(
    inline(["endless"]),
    `${at} "endless": AnalysisTemplate endless has metric e which runs indefinitely. Invalid value for count: <nil>`,
  );
  assert.equal(
    inline(["unknown"]),
    `${at} "unknown": AnalysisTemplate unknown: failed to resolve {{args.path}}`,
  );
  assert.equal(
    inline(["counted"]),
    `${at} "counted": AnalysisTemplate counted has metric m which runs indefinitely. Invalid value for count: dummy-value`,
  );
});

Deno.test("a background analysis may go on for ever, but needs its arguments", () => {
  const cluster = world();
  cluster.put(analysisTemplates, {
    metadata: { name: "t" },
    spec: { metrics: [{ ...METRIC, interval: "5s" }], args: [{ name: "path" }] },
  });
  const background = (args?: object[]) =>
    invalidity(
      canary({ analysis: { templates: [{ templateName: "t" }], ...(args && { args }) } }),
      cluster,
    );
  assert.equal(background([{ name: "path", value: "a" }]), undefined);
  assert.match(background() ?? "", /canary.analysis.templates: .*args.path was not resolved/);
});

Deno.test("Ingresses of nginx and ALB must be there, and lead to the service", () => {
  const cluster = world();
  const put = (name: string, service: string) =>
    cluster.put(ingresses, {
      metadata: { name },
      spec: {
        rules: [{
          http: {
            paths: [{
              path: "/",
              pathType: "Prefix",
              backend: { service: { name: service, port: { number: 80 } } },
            }],
          },
        }],
      },
    });
  put("to-stable", "stable");
  put("to-root", "root");
  const nginx = (nginx: object) => invalidity(routed({ nginx }), cluster);
  const alb = (alb: object) => invalidity(routed({ alb: { servicePort: 80, ...alb } }), cluster);
  const at = "spec.strategy.canary.trafficRouting";
  assert.equal(nginx({ stableIngress: "to-stable" }), undefined);
  assert.equal(nginx({ stableIngresses: ["to-stable"] }), undefined);
  assert.equal(alb({ ingress: "to-root", rootService: "root" }), undefined);
  assert.equal(
    nginx({ stableIngress: "to-root" }),
    `${at}.nginx.stableIngress: Invalid value: "to-root": ingress \`to-root\` has no rules using service stable backend`,
  );
  assert.equal(
    alb({ ingresses: ["to-root", "to-stable"], rootService: "root" }),
    `${at}.alb.ingresses: Invalid value: "to-stable": ingress \`to-stable\` has no rules using service root backend`,
  );
  assert.equal(
    nginx({ stableIngress: "gone" }),
    `${at}.nginx.stableIngress: Invalid value: "gone": ingress.networking.k8s.io "gone" not found`,
  );
  assert.equal(
    nginx({}),
    `${at}.nginx: Internal error: Either StableIngress or StableIngresses must be configured. Neither are configured.`,
  );
  assert.equal(
    alb({ ingress: "to-stable", ingresses: [] }),
    `${at}.alb: Internal error: Either Ingress or Ingresses must be configured. Both are configured.`,
  );
});

Deno.test("whatever a Rollout says, its validation ends with a text or with nothing", () => {
  const value = fc.oneof(fc.integer(), fc.string(), fc.constantFrom("0%", "25%", "1h", "web"));
  const step = fc.record({
    setWeight: fc.integer(),
    pause: fc.record({ duration: value }, { requiredKeys: [] }),
    setCanaryScale: fc.record({ weight: fc.integer() }, { requiredKeys: [] }),
    setHeaderRoute: fc.record({ name: fc.string() }, { requiredKeys: [] }),
    experiment: fc.constant({ templates: [{ name: "a", specRef: "stable", weight: 1 }] }),
    analysis: fc.record({ templates: fc.constant([{ templateName: "t" }]) }, { requiredKeys: [] }),
  }, { requiredKeys: [] });
  const spec = fc.record({
    replicas: fc.integer(),
    selector: fc.constantFrom({}, SELECTOR, { matchLabels: { "": "/" } }),
    template: fc.constantFrom({ spec: {} }, TEMPLATE),
    strategy: fc.record({
      canary: fc.record({
        steps: fc.array(step, { maxLength: 3 }),
        maxSurge: value,
        maxUnavailable: value,
        trafficRouting: fc.constantFrom({}, PLUGIN, { nginx: {} }, { alb: { servicePort: 80 } }),
      }, { requiredKeys: [] }),
    }),
  }, { requiredKeys: [] });
  const cluster = world();
  fc.assert(fc.property(spec, (spec) => {
    const text = invalidity(spec, cluster);
    assert.match(text ?? "spec.x: y", /^spec\.[^:]*: ./);
  }));
});
