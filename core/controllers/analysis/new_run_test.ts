import assert from "node:assert/strict";
import {
  type AnalysisRun,
  analysisRuns,
  analysisTemplates,
  type Argument,
  clusterAnalysisTemplates,
  type Rollout,
  rollouts,
} from "../../resources/argoproj/mod.ts";
import { TestCluster } from "../test_cluster.ts";
import { type NewRun, newRun, terminations } from "./new_run.ts";
import { WEB } from "./run_fixture.ts";

type Templates = Record<string, object>;

/** Names that begin with `cluster-` are those of ClusterAnalysisTemplates. */
function clusterOf(templates: Templates): TestCluster {
  const cluster = new TestCluster();
  for (const [name, spec] of Object.entries(templates)) {
    const template = { metadata: { name }, spec: { metrics: [metric(name)], ...spec } };
    if (name.startsWith("cluster-")) cluster.put(clusterAnalysisTemplates, template);
    else cluster.put(analysisTemplates, template);
  }
  cluster.put(rollouts, { metadata: { name: "web", uid: "r" }, spec: {} });
  return cluster;
}

function metric(name: string): object {
  return { name, provider: WEB };
}

function refs(...names: string[]): NewRun["templates"] {
  return names.map((templateName) => ({
    templateName,
    ...(templateName.startsWith("cluster-") && { clusterScope: true }),
  }));
}

function made(cluster: TestCluster, more: Partial<NewRun>): ReturnType<typeof newRun> {
  const owner = cluster.get<Rollout>(rollouts, { namespace: "default", name: "web" })!;
  return newRun({
    view: cluster,
    owner,
    ownerResource: rollouts,
    name: "web-1",
    separator: ".",
    templates: refs("a"),
    ...more,
  });
}

function draftOf(cluster: TestCluster, more: Partial<NewRun>) {
  const outcome = made(cluster, more);
  assert("draft" in outcome);
  return outcome.draft;
}

Deno.test("a run has the metrics of all templates, those that templates name too, each once, those of the cluster last", () => {
  const cluster = clusterOf({
    a: { templates: refs("cluster-x", "b") },
    b: { templates: refs("a", "c") },
    c: {},
    "cluster-x": { templates: refs("cluster-x", "d") },
    d: {},
  });
  const { spec, metadata } = draftOf(cluster, {
    templates: refs("a", "c", "d"),
    labels: { l: "1" },
    annotations: { n: "2" },
  });
  assert.deepEqual(spec.metrics!.map(({ name }) => name), ["a", "d", "b", "c", "cluster-x"]);
  assert.deepEqual(spec, { metrics: spec.metrics });
  assert.deepEqual([metadata.labels, metadata.annotations], [{ l: "1" }, { n: "2" }]);
  assert.deepEqual(
    metadata.ownerReferences!.map(({ kind, uid, controller }) => [kind, uid, controller]),
    [["Rollout", "r", true]],
  );
});

Deno.test("values that are given come first, then the first one that a template has; others are left out", () => {
  const secret = { valueFrom: { secretKeyRef: { name: "s", key: "k" } } };
  const cluster = clusterOf({
    a: { args: [{ name: "x" }, { name: "y", value: "1" }, { name: "z", ...secret }] },
    b: { args: [{ name: "x", value: "2" }, { name: "y" }, { name: "y", value: "1" }] },
  });
  const { spec } = draftOf(cluster, {
    templates: refs("a", "b"),
    args: [{ name: "y", value: "" }, { name: "other", value: "?" }],
  });
  assert.deepEqual(spec.args, [{ name: "x", value: "2" }, { name: "y", value: "" }, {
    name: "z",
    ...secret,
  }]);
});

Deno.test("rules of the rollout and of templates are all there", () => {
  const cluster = clusterOf({
    a: { dryRun: [{ metricName: "a" }], measurementRetention: [{ metricName: "a", limit: 3 }] },
  });
  const { spec } = draftOf(cluster, {
    dryRun: [{ metricName: "b" }],
    measurementRetention: [{ metricName: "b", limit: 4 }],
  });
  assert.deepEqual(spec.dryRun, [{ metricName: "b" }, { metricName: "a" }]);
  assert.deepEqual(spec.measurementRetention, [{ metricName: "b", limit: 4 }, {
    metricName: "a",
    limit: 3,
  }]);
});

Deno.test("what cannot be made into a run is told in Argo's words", () => {
  const rows: [Templates, Partial<NewRun>, string][] = [
    [{}, {}, "AnalysisTemplate 'a' not found"],
    [{ a: { templates: refs("cluster-x") } }, {}, "ClusterAnalysisTemplate 'cluster-x' not found"],
    [
      { a: {}, b: { metrics: [metric("a")] } },
      { templates: refs("a", "b") },
      "two metrics have the same name 'a'",
    ],
    [{ a: { args: [{ name: "x" }] } }, {}, "args.x was not resolved"],
    [
      { a: { args: [{ name: "x", value: "1" }] }, b: { args: [{ name: "x", value: "2" }] } },
      { templates: refs("a", "b"), args: [{ name: "x", value: "3" }] satisfies Argument[] },
      "Argument `x` specified multiple times with different values: '1', '2'",
    ],
    [
      { a: { dryRun: [{ metricName: "a" }] } },
      { dryRun: [{ metricName: "a" }] },
      "two Dry-Run metric rules have the same name 'a'",
    ],
    [
      {
        a: { measurementRetention: [{ metricName: "a", limit: 1 }, { metricName: "a", limit: 1 }] },
      },
      {},
      "two Measurement Retention metric rules have the same name 'a'",
    ],
  ];
  for (const [templates, more, message] of rows) {
    assert.throws(() => made(clusterOf(templates), more), { message });
  }
});

Deno.test("a run that is there already is gone on with if it is the owner's, measures the same and has not ended", () => {
  const cluster = clusterOf({ a: {} });
  const draft = draftOf(cluster, {});
  const put = (change: object) =>
    cluster.put<AnalysisRun>(analysisRuns, {
      ...draft,
      metadata: { ...draft.metadata, uid: "run" },
      ...change,
    });
  const rows: [object, string][] = [
    [{}, "run"],
    [{ status: { phase: "Running" } }, "run"],
    [{ status: { phase: "Successful" } }, "web-1.1"],
    [{ metadata: { ...draft.metadata, ownerReferences: [] } }, "web-1.1"],
    [{ spec: { metrics: [metric("b")] } }, "web-1.1"],
    [{ spec: { ...draft.spec, terminate: true } }, "web-1.1"],
  ];
  for (const [change, expected] of rows) {
    put(change);
    const outcome = made(cluster, {});
    assert.equal(
      "run" in outcome ? outcome.run.metadata.uid : outcome.draft.metadata.name,
      expected,
    );
  }
  put({ status: { phase: "Error" } });
  cluster.put(analysisRuns, {
    ...draft,
    metadata: { name: "web-1-1" },
    status: { phase: "Failed" },
  });
  assert.equal(draftOf(cluster, { separator: "-" }).metadata.name, "web-1-2");
});

Deno.test("runs that go on are told to end, once", () => {
  const cluster = clusterOf({ a: {} });
  const draft = draftOf(cluster, {});
  const put = (name: string, status?: object) =>
    cluster.put<AnalysisRun>(analysisRuns, {
      ...draft,
      metadata: { name },
      ...(status && { status }),
    });
  const runs = [put("new"), put("running", { phase: "Running" }), put("over", { phase: "Error" })];
  cluster.perform({ writes: terminations(runs) });
  const after = cluster.list(analysisRuns);
  assert.deepEqual(after.map(({ metadata: { name }, spec }) => [name, spec.terminate]), [
    ["new", true],
    ["over", undefined],
    ["running", true],
  ]);
  assert.deepEqual(terminations(after), []);
});
