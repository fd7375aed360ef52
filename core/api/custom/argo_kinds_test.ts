/** The kinds of Argo Rollouts, which are built in, through the API: as custom resources of its definitions would be. */
import assert from "node:assert/strict";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const GROUP = "/apis/argoproj.io/v1alpha1";
const IN_DEFAULT = `${GROUP}/namespaces/default`;
const MERGE = { "content-type": "application/merge-patch+json" };

// deno-lint-ignore no-explicit-any -- whatever the API answers
type Body = any;

function asking({ ask }: ApiFixture) {
  return async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const answer = await ask(method, path, body, headers);
    const json = await answer.json() as Body;
    return { status: answer.status, body: json, warning: answer.headers.get("warning") };
  };
}

function rollout(spec: object = {}, podSpec: object = {}) {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" }, name: "pruned", creationTimestamp: null },
        spec: {
          containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }],
          ...podSpec,
        },
      },
      strategy: { canary: { steps: [{ setWeight: 20 }, { pause: {} }] } },
      ...spec,
    },
  };
}

function run(name: string) {
  const metrics = [{ name: "m", provider: { web: { url: "http://a" } } }];
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisRun",
    metadata: { name },
    spec: { metrics },
  };
}

Deno.test("a Rollout is stored as it comes: pruned, but not defaulted, and never refused for what it says", async () => {
  const ask = asking(await freshApi());
  const { status, body } = await ask(
    "POST",
    `${IN_DEFAULT}/rollouts`,
    rollout({
      unknown: 1,
      paused: false,
      strategy: {
        canary: {
          maxSurge: 1,
          steps: [{ pause: { duration: "1h" } }, { setWeight: 999 }],
          trafficRouting: { plugins: { "any/thing": { deep: [1] } } },
        },
        blueGreen: { activeService: "both" },
      },
    }, {
      containers: [{ name: "web", resources: { requests: { cpu: 0.001 } }, ports: [] }],
      volumes: [{ name: "v", configMap: { name: "c", items: [{ key: "k", path: "p", odd: 1 }] } }],
    }),
  );
  assert.equal(status, 201);
  assert.deepEqual(body.spec, {
    selector: { matchLabels: { app: "web" } },
    paused: false,
    strategy: {
      canary: {
        maxSurge: 1,
        steps: [{ pause: { duration: "1h" } }, { setWeight: 999 }],
        trafficRouting: { plugins: { "any/thing": { deep: [1] } } },
      },
      blueGreen: { activeService: "both" },
    },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "web", resources: { requests: { cpu: 0.001 } }, ports: [] }],
        volumes: [{
          name: "v",
          configMap: { name: "c", items: [{ key: "k", path: "p", odd: 1 }] },
        }],
      },
    },
  });
  assert.equal(body.status, undefined);
});

Deno.test("of a template, the protocol of ports alone is defaulted", async () => {
  const ask = asking(await freshApi());
  const { body } = await ask("POST", `${IN_DEFAULT}/rollouts`, rollout());
  assert.deepEqual(body.spec.template.spec, {
    containers: [{
      name: "web",
      image: "nginx",
      ports: [{ containerPort: 80, protocol: "TCP" }],
    }],
  });
});

Deno.test("what has the wrong type is refused in the words of custom resources", async () => {
  const ask = asking(await freshApi());
  const cases: [object, RegExp][] = [
    [{ replicas: "2" }, /spec.replicas: Invalid value: "string": spec.replicas in body must be/],
    [{ template: { spec: {} } }, /spec.template.spec.containers: Required value/],
    [{ strategy: { blueGreen: {} } }, /spec.strategy.blueGreen.activeService: Required value/],
    [{ restartAt: "soon" }, /spec.restartAt: Invalid value: "soon": .* type date-time/],
  ];
  for (const [spec, message] of cases) {
    const { status, body } = await ask("POST", `${IN_DEFAULT}/rollouts`, rollout(spec));
    assert.equal(status, 422);
    assert.match(body.message, message);
  }
});

Deno.test("amounts that are none are dropped with a warning, and with them all ephemeral containers", async () => {
  const ask = asking(await freshApi());
  const resources = {
    limits: "much",
    requests: { memory: "invalid", cpu: "5m", disk: true },
  };
  const { status, body, warning } = await ask(
    "POST",
    `${IN_DEFAULT}/rollouts`,
    rollout({}, {
      containers: [{ name: "web", resources }],
      ephemeralContainers: [{ name: "a" }, { name: "a", resources: { limits: { cpu: "x" } } }],
    }),
  );
  assert.equal(status, 201);
  const { containers, ephemeralContainers } = body.spec.template.spec;
  assert.deepEqual(containers, [{ name: "web", resources: { requests: { cpu: "5m" } } }]);
  assert.equal(ephemeralContainers, undefined);
  for (
    const part of [
      `containers[0].resources.limits: Invalid value: \\"much\\"`,
      `containers[0].resources.requests[memory]: Invalid value: \\"invalid\\": quantities must`,
      "containers[0].resources.requests[disk]: Invalid value: true",
      `ephemeralContainers[1].resources.limits[cpu]: Invalid value: \\"x\\"`,
    ]
  ) assert.ok(warning?.includes(part), `${warning}: ${part}`);
  const kept = rollout({}, { ephemeralContainers: [{ name: "a" }] });
  const second = await ask("POST", `${IN_DEFAULT}/rollouts`, {
    ...kept,
    metadata: { name: "kept" },
  });
  assert.deepEqual(second.body.spec.template.spec.ephemeralContainers, [{ name: "a" }]);
  assert.doesNotMatch(second.warning ?? "", /dropped/);
});

Deno.test("the other kinds drop such amounts wherever they have pod templates", async () => {
  const ask = asking(await freshApi());
  const template = (amount: string) => ({
    spec: { containers: [{ name: "a", resources: { requests: { memory: amount } } }] },
  });
  const metrics = [{ name: "m", provider: { job: { spec: { template: template("no") } } } }];
  const selector = { matchLabels: { a: "b" } };
  const kinds: [string, string, object][] = [
    ["AnalysisRun", `${IN_DEFAULT}/analysisruns`, { metrics }],
    ["AnalysisTemplate", `${IN_DEFAULT}/analysistemplates`, { metrics }],
    ["ClusterAnalysisTemplate", `${GROUP}/clusteranalysistemplates`, { metrics }],
    ["Experiment", `${IN_DEFAULT}/experiments`, {
      templates: [{ name: "a", selector, template: template("no") }],
    }],
  ];
  for (const [kind, path, spec] of kinds) {
    const { status, body, warning } = await ask("POST", path, {
      apiVersion: "argoproj.io/v1alpha1",
      kind,
      metadata: { name: "x" },
      spec,
    });
    assert.equal(status, 201, kind);
    assert.match(JSON.stringify(body.spec), /"requests":\{\}/, kind);
    assert.match(warning!, /it is dropped/, kind);
  }
});

Deno.test("what nobody acts on is warned of, once", async () => {
  const ask = asking(await freshApi());
  const canary = {
    steps: [{ plugin: { name: "argo/x" } }],
    trafficRouting: { istio: { virtualService: { name: "v" } }, nginx: { stableIngress: "i" } },
  };
  const made = await ask("POST", `${IN_DEFAULT}/rollouts`, rollout({ strategy: { canary } }));
  const warned = [...made.warning!.matchAll(/spec\.strategy[^:]*/g)].map(([field]) => field);
  assert.deepEqual(warned, [
    "spec.strategy.canary.trafficRouting.istio",
    "spec.strategy.canary.steps[0].plugin",
  ]);
  const annotations = { note: "x" };
  const same = await ask(
    "PATCH",
    `${IN_DEFAULT}/rollouts/web`,
    { metadata: { annotations } },
    MERGE,
  );
  assert.equal(same.warning, null);
  const metrics = [
    { name: "a", provider: { datadog: { query: "q" } } },
    { name: "b", provider: { web: { url: "http://b" } } },
  ];
  const template = await ask("POST", `${IN_DEFAULT}/analysistemplates`, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisTemplate",
    metadata: { name: "t" },
    spec: { metrics },
  });
  assert.match(template.warning!, /^[^:]*spec\.metrics\[0\]\.provider\.datadog: not implemented/);
});

Deno.test("there is no strategic merge: it is refused, and the other patches work", async () => {
  const ask = asking(await freshApi());
  await ask("POST", `${IN_DEFAULT}/rollouts`, rollout());
  const patch = { spec: { replicas: 2 } };
  const strategic = { "content-type": "application/strategic-merge-patch+json" };
  const refused = await ask("PATCH", `${IN_DEFAULT}/rollouts/web`, patch, strategic);
  assert.equal(refused.status, 415);
  const { body } = await ask("PATCH", `${IN_DEFAULT}/rollouts/web`, patch, MERGE);
  assert.equal(body.spec.replicas, 2);
  assert.equal(body.metadata.generation, 2);
});

Deno.test("a Rollout's status is written by its subresource alone, and does not count as a change", async () => {
  const ask = asking(await freshApi());
  const sent = { ...rollout(), status: { phase: "Healthy" } };
  const made = await ask("POST", `${IN_DEFAULT}/rollouts`, sent);
  assert.equal(made.body.status, undefined);
  const status = { phase: "Paused", HPAReplicas: 3, selector: "app=web", abort: false };
  const path = `${IN_DEFAULT}/rollouts/web/status`;
  const { body } = await ask("PATCH", path, { status, spec: { replicas: 9 } }, MERGE);
  assert.deepEqual(body.status, status);
  assert.equal(body.spec.replicas, undefined);
  assert.equal(body.metadata.generation, 1);
});

Deno.test("the scale of a Rollout has its selector as a text, and sets the replicas", async () => {
  const ask = asking(await freshApi());
  await ask("POST", `${IN_DEFAULT}/rollouts`, rollout({ replicas: 4 }));
  const status = { HPAReplicas: 3, selector: "app=web,hash=x" };
  await ask("PATCH", `${IN_DEFAULT}/rollouts/web/status`, { status }, MERGE);
  const path = `${IN_DEFAULT}/rollouts/web/scale`;
  const { body } = await ask("GET", path);
  assert.deepEqual(body.spec, { replicas: 4 });
  assert.deepEqual(body.status, { replicas: 3, selector: "app=web,hash=x" });
  await ask("PATCH", path, { spec: { replicas: 6 } }, MERGE);
  assert.equal((await ask("GET", `${IN_DEFAULT}/rollouts/web`)).body.spec.replicas, 6);
});

Deno.test("runs and experiments have no subresource: their status is a part of them, and counts as a change", async () => {
  const ask = asking(await freshApi());
  const path = `${IN_DEFAULT}/analysisruns`;
  const created = await ask("POST", path, { ...run("a"), status: { phase: "Pending" } });
  assert.deepEqual(created.body.status, { phase: "Pending" });
  const { body } = await ask("PATCH", `${path}/a`, { status: { phase: "Running" } }, MERGE);
  assert.equal(body.status.phase, "Running");
  assert.equal(body.metadata.generation, 2);
  assert.equal((await ask("GET", `${path}/a/status`)).status, 404);
  const emptied = await ask("PATCH", `${path}/a`, { status: null }, MERGE);
  assert.equal(emptied.body.status, undefined);
});

Deno.test("kubectl get shows the columns of Argo Rollouts", async () => {
  const ask = asking(await freshApi());
  await ask("POST", `${IN_DEFAULT}/rollouts`, rollout({ replicas: 4 }));
  await ask("POST", `${IN_DEFAULT}/analysisruns`, { ...run("a"), status: { phase: "Running" } });
  const table = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
  const rowsOf = async (path: string) => {
    const { body } = await ask("GET", `${IN_DEFAULT}/${path}`, undefined, table);
    const names = body.columnDefinitions.map(({ name }: { name: string }) => name);
    return [names, body.rows[0].cells.slice(0, -1)];
  };
  assert.deepEqual(await rowsOf("rollouts"), [
    ["Name", "Desired", "Current", "Up-to-date", "Available", "Age"],
    ["web", 4, null, null, null],
  ]);
  assert.deepEqual(await rowsOf("analysisruns"), [["Name", "Status", "Age"], ["a", "Running"]]);
});

Deno.test("discovery names the five kinds as those of Argo Rollouts' definitions", async () => {
  const { body } = await asking(await freshApi())("GET", GROUP);
  const named = body.resources.map((
    { name, shortNames = [], namespaced }: Body,
  ) => [name, ...shortNames, namespaced].join(" "));
  assert.deepEqual(named.toSorted(), [
    "analysisruns ar true",
    "analysistemplates at true",
    "clusteranalysistemplates cat false",
    "experiments exp true",
    "rollouts ro true",
    "rollouts/scale true",
    "rollouts/status true",
  ]);
});

Deno.test("Argo Rollouts' own definitions are established and change nothing", async () => {
  const ask = asking(await freshApi());
  await ask("POST", `${IN_DEFAULT}/rollouts`, rollout());
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const made = await ask("POST", definitions, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "rollouts.argoproj.io" },
    spec: {
      group: "argoproj.io",
      scope: "Namespaced",
      names: { plural: "rollouts", kind: "Rollout", listKind: "RolloutList", shortNames: ["ro"] },
      versions: [{
        name: "v1alpha1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object" } },
      }],
    },
  });
  assert.equal(made.status, 201);
  const { body: { status } } = await ask("GET", `${definitions}/rollouts.argoproj.io`);
  assert.deepEqual(
    status.conditions.map(({ type, status }: Body) => [type, status]),
    [["NamesAccepted", "True"], ["Established", "True"]],
  );
  const web = async () => (await ask("GET", `${IN_DEFAULT}/rollouts/web`)).body;
  assert.equal((await web()).spec.strategy.canary.steps.length, 2);
  assert.equal((await ask("DELETE", `${definitions}/rollouts.argoproj.io`)).status, 200);
  assert.equal((await web()).metadata.name, "web");
});
