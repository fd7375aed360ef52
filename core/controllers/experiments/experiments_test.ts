import assert from "node:assert/strict";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { analysisTemplates, rollouts } from "../../resources/argoproj/mod.ts";
import { services } from "../../resources/core/services/services.ts";
import { templateHashOf } from "../rollouts/parts/template_hash.ts";
import { experimentTemplate, TestExperiment } from "./experiment_fixture.ts";

const HASH = "rollouts-pod-template-hash";
const metric = {
  name: "ok",
  provider: { job: { spec: { template: { spec: { containers: [] } } } } },
};

function withTemplate(made: TestExperiment, args: object[] = [], name = "good"): TestExperiment {
  made.cluster.put(analysisTemplates, {
    metadata: { name },
    spec: { metrics: [metric], ...(args.length > 0 && { args }) },
  });
  return made;
}

Deno.test("An experiment runs its sets for its duration, and its pods stay for a while", () => {
  const made = new TestExperiment({
    duration: "10s",
    scaleDownDelaySeconds: 5,
    templates: [
      experimentTemplate("a", { replicas: 2, minReadySeconds: 0 }),
      experimentTemplate("b"),
    ],
  });
  made.settle();
  assert.equal(made.status.phase, "Pending");
  assert.deepEqual(made.status.templateStatuses?.map(({ status }) => status), [
    "Progressing",
    "Progressing",
  ]);
  made.run();
  assert.equal(made.status.phase, "Running");
  assert.equal(made.status.availableAt, "2026-01-01T00:00:00Z");
  assert.deepEqual(made.sizes, [2, 1]);
  made.pass(9);
  assert.equal(made.status.phase, "Running");
  made.pass(1);
  assert.equal(made.status.phase, "Successful");
  assert.deepEqual(made.sizes, [2, 1]);
  assert.deepEqual(
    made.sets.map(({ metadata }) => metadata.annotations?.["scale-down-deadline"]),
    ["2026-01-01T00:00:15Z", "2026-01-01T00:00:15Z"],
  );
  made.pass(4);
  assert.deepEqual(made.sizes, [2, 1]);
  made.pass(1);
  assert.deepEqual(made.sizes, [0, 0]);
  assert.equal(made.status.phase, "Successful");
});

Deno.test("Conditions and events are those of Argo Rollouts", () => {
  const made = new TestExperiment({
    duration: "1s",
    scaleDownDelaySeconds: 0,
    templates: [experimentTemplate("a")],
  });
  made.run().pass(1);
  assert.deepEqual(made.reasons, [
    "TemplateProgressing",
    "ExperimentPending",
    "ScalingReplicaSet",
    "TemplateRunning",
    "ExperimentRunning",
    "TemplateSuccessful",
    "ExperimentSuccessful",
    "ScalingReplicaSet",
  ]);
  assert.ok(made.messages.includes("Scaled up ReplicaSet try-a from 0 to 1"));
  assert.ok(made.messages.includes("Template 'a' transitioned from Progressing -> Running"));
  assert.ok(made.messages.includes("Experiment transitioned from Pending -> Running"));
  const [condition, ...others] = made.status.conditions!;
  assert.deepEqual([
    condition!.type,
    condition!.status,
    condition!.reason,
    condition!.message,
    others,
  ], [
    "Progressing",
    "False",
    "ExperimentCompleted",
    'Experiment "try" has successfully ran and completed.',
    [],
  ]);
});

Deno.test("A set is told from the rollout's with the same pods, and has the marks that clients look for", () => {
  const labels = { app: "a", [HASH]: "of-the-rollout" };
  const template = experimentTemplate("a") as { template: object; selector: object };
  const made = new TestExperiment({
    templates: [{
      ...template,
      selector: { matchLabels: labels },
      template: { ...template.template, metadata: { labels } },
    }],
  });
  made.settle();
  const [set] = made.sets;
  const hash = set!.metadata.labels![HASH]!;
  const { spec } = made.experiment.spec.templates[0]!.template;
  assert.equal(hash, templateHashOf({ metadata: { labels: { app: "a" } }, spec }));
  assert.deepEqual(set!.metadata.labels, { [HASH]: hash });
  assert.deepEqual(set!.spec.selector, { matchLabels: { app: "a", [HASH]: hash } });
  assert.deepEqual(set!.spec.template.metadata!.labels, { app: "a", [HASH]: hash });
  assert.deepEqual(set!.metadata.annotations, {
    "experiment.argoproj.io/name": "try",
    "experiment.argoproj.io/template-name": "a",
  });
});

Deno.test("A template gets a Service for its ports while it has pods", () => {
  const ports = [{ name: "http", containerPort: 80 }, { containerPort: 81, protocol: "UDP" }];
  const made = new TestExperiment({
    duration: "1s",
    scaleDownDelaySeconds: 3,
    templates: [
      experimentTemplate("a", { service: {} }, ports),
      experimentTemplate("b", { service: { name: "own" } }, ports),
      experimentTemplate("c", { service: {} }),
    ],
  });
  made.run();
  assert.deepEqual(made.services.map(({ metadata }) => metadata.name), ["own", "try-a"]);
  const set = made.sets.find(({ metadata }) => metadata.name === "try-a")!;
  const { spec } = made.services[1]!;
  assert.deepEqual(spec.selector, set.metadata.labels);
  assert.deepEqual(
    spec.ports?.map(({ name, port, protocol, targetPort }) => [name, port, protocol, targetPort]),
    [
      ["http", 80, "TCP", 80],
      [undefined, 81, "UDP", 81],
    ],
  );
  assert.deepEqual(made.status.templateStatuses!.map(({ serviceName }) => serviceName), [
    "try-a",
    "own",
    undefined,
  ]);
  assert.equal(made.status.templateStatuses![0]!.podTemplateHash, set.metadata.labels![HASH]);
  made.pass(1);
  assert.equal(made.services.length, 2);
  made.pass(3);
  assert.deepEqual([made.services.length, made.sizes], [0, [0, 0, 0]]);
  assert.ok(made.status.templateStatuses!.every(({ serviceName }) => serviceName === undefined));
});

Deno.test("A Service of somebody else is not taken", () => {
  const made = new TestExperiment({
    templates: [experimentTemplate("a", { service: {} }, [{ containerPort: 80 }])],
  });
  made.cluster.put(services, { metadata: { name: "try-a" } });
  made.run();
  assert.equal(made.status.phase, "Error");
  assert.equal(
    made.status.message,
    "Failed to create Service try-a for template 'a': service try-a already exists and is not owned by experiment template a",
  );
});

Deno.test("A set of somebody else is not taken", () => {
  const made = new TestExperiment({ templates: [experimentTemplate("a")] });
  made.cluster.put(replicaSets, {
    metadata: { name: "try-a" },
    spec: {
      replicas: 0,
      selector: { matchLabels: { a: "b" } },
      template: {
        metadata: { labels: { a: "b" } },
        spec: { containers: [{ name: "c", image: "d" }] },
      },
    },
  });
  made.settle();
  assert.equal(made.status.phase, "Error");
  assert.match(
    made.status.message!,
    /^Failed to create ReplicaSet for template 'a': replicasets.apps "try-a" already exists$/,
  );
});

Deno.test("A set without progress fails the experiment after its deadline", () => {
  const made = new TestExperiment({
    progressDeadlineSeconds: 5,
    templates: [experimentTemplate("a")],
  });
  made.settle();
  made.pass(5);
  assert.equal(made.status.phase, "Pending");
  made.pass(1);
  assert.equal(made.status.phase, "Failed");
  assert.equal(made.status.message, "Template 'a' exceeded its progressDeadlineSeconds (5)");
});

Deno.test("Analyses begin when all pods are available, with the experiment's values", () => {
  const value =
    "{{templates.a.podTemplateHash}} {{ templates.a.replicaset.name }} {{experiment.availableAt}} {{experiment.finishedAt}}";
  const made = withTemplate(
    new TestExperiment({
      duration: "1h",
      dryRun: [{ metricName: "ok" }],
      analysisRunMetadata: { labels: { a: "b" } },
      templates: [experimentTemplate("a")],
      analyses: [{ name: "check", templateName: "good", args: [{ name: "x", value }] }],
    }, { metadata: { labels: { "argo-rollouts.argoproj.io/controller-instance-id": "e2e" } } }),
    [{ name: "x" }],
  );
  made.settle();
  assert.equal(made.runs.length, 0);
  made.run();
  const [run] = made.runs;
  assert.equal(run!.metadata.name, "try-check");
  assert.deepEqual(run!.metadata.labels, {
    "argo-rollouts.argoproj.io/controller-instance-id": "e2e",
    a: "b",
  });
  const hash = made.sets[0]!.metadata.labels![HASH];
  assert.deepEqual(run!.spec.args, [
    { name: "x", value: `${hash} try-a 2026-01-01T00:00:00Z 2026-01-01T01:00:00Z` },
  ]);
  assert.deepEqual(run!.spec.dryRun, [{ metricName: "ok" }]);
  assert.deepEqual(made.status.analysisRuns, [{
    name: "check",
    analysisRun: "try-check",
    phase: "Pending",
  }]);
});

function analysed(more: object = {}, duration = "10s"): TestExperiment {
  return withTemplate(
    new TestExperiment({
      duration,
      scaleDownDelaySeconds: 0,
      templates: [experimentTemplate("a")],
      analyses: [{ name: "check", templateName: "good", ...more }],
    }),
  ).run();
}

for (const phase of ["Failed", "Error", "Inconclusive"]) {
  Deno.test(`An analysis that ends as ${phase} ends the experiment so`, () => {
    const made = analysed().endRun("try-check", phase, "because");
    assert.deepEqual([made.status.phase, made.status.message, made.sizes], [phase, "because", [0]]);
  });
}

Deno.test("An analysis that succeeds does not end the experiment, unless it is required", () => {
  const made = analysed().endRun("try-check", "Successful");
  assert.equal(made.status.phase, "Running");
  made.pass(10);
  assert.equal(made.status.phase, "Successful");
  const required = analysed({ requiredForCompletion: true }).endRun("try-check", "Successful");
  assert.deepEqual([required.status.phase, required.sizes], ["Successful", [0]]);
});

Deno.test("Others are not waited for when all required ones have succeeded", () => {
  const made = withTemplate(
    new TestExperiment({
      templates: [experimentTemplate("a")],
      analyses: [
        { name: "check", templateName: "good", requiredForCompletion: true },
        { name: "slow", templateName: "good" },
      ],
    }),
  ).run().endRun("try-slow", "Running").endRun("try-check", "Successful");
  assert.deepEqual([made.status.phase, made.status.message], [
    "Successful",
    "Required AnalysisRuns completed",
  ]);
  assert.equal(
    made.runs.find(({ metadata }) => metadata.name === "try-slow")!.spec.terminate,
    true,
  );
  assert.ok(made.messages.includes("Terminating slow (try-slow)"));
});

Deno.test("An analysis that still runs at the end is ended, and the experiment has succeeded", () => {
  const made = analysed().endRun("try-check", "Running").pass(10);
  assert.equal(made.status.phase, "Successful");
  assert.equal(made.runs[0]!.spec.terminate, true);
});

Deno.test("An analysis whose template is missing fails before it begins", () => {
  const made = new TestExperiment({
    templates: [experimentTemplate("a")],
    analyses: [{ name: "check", templateName: "none" }],
  }).settle();
  assert.deepEqual([made.status.phase, made.status.message], [
    "Error",
    `AnalysisTemplate verification failed for analysis 'check': analysistemplate.argoproj.io "none" not found`,
  ]);
});

Deno.test("An argument that is not known is an error", () => {
  const made = withTemplate(
    new TestExperiment({
      templates: [experimentTemplate("a")],
      analyses: [{
        name: "check",
        templateName: "good",
        args: [{ name: "x", value: "{{templates.z.podTemplateHash}}" }],
      }],
    }),
  ).run();
  assert.equal(
    made.status.message,
    "Failed to create AnalysisRun for analysis 'check': failed to resolve {{templates.z.podTemplateHash}}",
  );
});

Deno.test("The rollout whose step it is hears of its analyses", () => {
  const owner = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    name: "web",
    uid: "u",
    controller: true,
  };
  const made = withTemplate(
    new TestExperiment({
      templates: [experimentTemplate("a")],
      analyses: [{ name: "check", templateName: "good" }],
    }, { metadata: { ownerReferences: [owner] } }),
  );
  made.cluster.put(rollouts, { metadata: { name: "web" }, spec: {} });
  made.run().endRun("try-check", "Failed", "bad");
  const heard = made.cluster.notices.filter(({ about }) => about.kind === "Rollout");
  assert.deepEqual(heard.map(({ type, reason }) => `${type} ${reason}`), [
    "Warning AnalysisRunPending",
    "Warning AnalysisRunFailed",
  ]);
  assert.equal(heard[1]!.message, "AnalysisRun 'check' transitioned from Pending -> Failed: bad");
});

Deno.test("A user ends it, and starts it over", () => {
  const made = analysed({}, "1h");
  made.change({ spec: { terminate: true } });
  assert.deepEqual([made.status.phase, made.sizes, made.runs[0]!.spec.terminate], ["Successful", [
    0,
  ], true]);
  made.endRun("try-check", "Successful");
  made.change({ spec: { terminate: false }, status: undefined }).run();
  assert.deepEqual([made.status.phase, made.sizes], ["Running", [1]]);
  assert.deepEqual(made.runs.map(({ metadata }) => metadata.name), ["try-check", "try-check-1"]);
});

Deno.test("Pods that come again lose their deadline", () => {
  const made = new TestExperiment({
    duration: "5s",
    scaleDownDelaySeconds: 60,
    templates: [experimentTemplate("a")],
  });
  made.run().pass(5);
  assert.ok(made.sets[0]!.metadata.annotations!["scale-down-deadline"]);
  made.change({ status: undefined }).run();
  assert.equal(made.sets[0]!.metadata.annotations!["scale-down-deadline"], undefined);
});

Deno.test("Pods that requests still get to stay", () => {
  const ways = [{ by: "request" }];
  const made = new TestExperiment(
    { duration: "5s", scaleDownDelaySeconds: 0, templates: [experimentTemplate("a")] },
    { proxies: { waysTo: () => ways, onChange: () => () => {} } },
  );
  made.run().pass(5);
  assert.deepEqual([made.status.phase, made.sizes], ["Successful", [1]]);
  ways[0] = { by: "address" };
  assert.deepEqual(made.settle().sizes, [0]);
});

const FAULTS: [spec: object, message: string][] = [
  [
    { templates: [experimentTemplate("a"), experimentTemplate("a")] },
    "Experiment try has repeated template name 'a' in templates",
  ],
  [{ templates: [experimentTemplate("")] }, "Experiment try has empty template name at index 0"],
  [
    { templates: [experimentTemplate("a", { selector: {} })] },
    "This experiment is selecting all pods at index 0. A non-empty selector is required.",
  ],
  [
    { progressDeadlineSeconds: 1, templates: [experimentTemplate("a", { minReadySeconds: 2 })] },
    "MinReadySeconds cannot be longer than ProgressDeadlineSeconds. Check template index 0",
  ],
  [
    { duration: "soon", templates: [experimentTemplate("a")] },
    'Duration "soon" cannot be read; write it like 90s, 10m or 1h30m',
  ],
];

for (const [spec, message] of FAULTS) {
  Deno.test(`Nothing is done while it is invalid: ${message}`, () => {
    const made = new TestExperiment(spec).run();
    assert.deepEqual(made.sets, []);
    const { type, status, reason, message: said } = made.status.conditions![0]!;
    assert.deepEqual([type, status, reason, said], ["InvalidSpec", "True", "InvalidSpec", message]);
    made.change({
      spec: { duration: "1m", progressDeadlineSeconds: 9, templates: [experimentTemplate("b")] },
    }).run();
    assert.equal(made.status.phase, "Running");
    assert.ok(!made.status.conditions!.some(({ type }) => type === "InvalidSpec"));
  });
}
