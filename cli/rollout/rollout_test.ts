import assert from "node:assert/strict";
import { FakeApi, type FakeObject } from "./api_fixture.ts";

const ARGO = "argoproj.io/v1alpha1";
const CREATED = "2020-01-01T00:00:00Z";

interface SetOptions {
  replicas: number;
  available: number;
  revision: number;
  image: string;
  annotations?: Record<string, string>;
}

function setOf(hash: string, options: SetOptions): FakeObject {
  const { replicas, available, revision, image, annotations } = options;
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      ...ownedBy("web", `set-${hash}`, "Rollout"),
      name: `web-${hash}`,
      labels: { app: "web", "rollouts-pod-template-hash": hash },
      annotations: { "rollout.argoproj.io/revision": `${revision}`, ...annotations },
      generation: 2,
    },
    spec: {
      replicas,
      template: {
        metadata: { labels: { app: "web", "rollouts-pod-template-hash": hash } },
        spec: { containers: [{ name: "web", image }] },
      },
    },
    status: { replicas, availableReplicas: available, observedGeneration: 2 },
  };
}

function podOf(set: string, name: string, status: object): FakeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...ownedBy(`set-${set}`, `pod-${name}`, "ReplicaSet"), name: `web-${set}-${name}` },
    spec: { containers: [{ name: "web" }] },
    status,
  };
}

function ownedBy(owner: string, uid: string, kind: string) {
  return {
    uid,
    namespace: "shop",
    creationTimestamp: CREATED,
    ownerReferences: [{ uid: owner, kind, controller: true }],
  };
}

function runOf(name: string, revision: number, status: object): FakeObject {
  return {
    apiVersion: ARGO,
    kind: "AnalysisRun",
    metadata: {
      ...ownedBy("web", name, "Rollout"),
      name,
      annotations: { "rollout.argoproj.io/revision": `${revision}` },
    },
    spec: { metrics: [{ name: "errors" }] },
    status,
  };
}

const RUNNING = {
  phase: "Running",
  containerStatuses: [{ name: "web", ready: true, restartCount: 2, state: { running: {} } }],
};
const PULLING = {
  phase: "Pending",
  containerStatuses: [{ name: "web", state: { waiting: { reason: "ImagePullBackOff" } } }],
};

const ROLLOUT: FakeObject = {
  apiVersion: ARGO,
  kind: "Rollout",
  metadata: {
    name: "web",
    namespace: "shop",
    uid: "web",
    creationTimestamp: CREATED,
    generation: 3,
  },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "web:2" }, { name: "side", image: "side:1" }] },
    },
    strategy: { canary: { steps: [{ setWeight: 25 }, { pause: {} }, { setWeight: 50 }] } },
  },
  status: {
    observedGeneration: "3",
    phase: "Paused",
    message: "CanaryPauseStep",
    stableRS: "aaa",
    currentPodHash: "bbb",
    currentStepIndex: 1,
    pauseConditions: [{ reason: "CanaryPauseStep" }],
    controllerPause: true,
    replicas: 5,
    updatedReplicas: 1,
    readyReplicas: 4,
    availableReplicas: 4,
  },
};

const OLD_SET = setOf("000", {
  replicas: 0,
  available: 0,
  revision: 1,
  image: "web:0",
  annotations: { "scale-down-deadline": CREATED },
});

const WORLD: readonly FakeObject[] = [
  ROLLOUT,
  OLD_SET,
  setOf("aaa", { replicas: 4, available: 3, revision: 2, image: "web:1" }),
  setOf("bbb", { replicas: 1, available: 1, revision: 3, image: "web:2" }),
  podOf("aaa", "x", RUNNING),
  podOf("aaa", "w", PULLING),
  podOf("bbb", "y", { ...RUNNING, phase: "Running" }),
  runOf("web-bbb-3-1", 3, {
    phase: "Running",
    metricResults: [{
      name: "errors",
      successful: 2,
      failed: 1,
      measurements: [{
        phase: "Successful",
        startedAt: CREATED,
        metadata: { "job-name": "job-1" },
      }],
    }],
  }),
];

/** Ages are long, and go on. */
function withoutAges(text: string): string {
  return text.replace(/ \d+y(\d+d)? */g, " AGE ").replace(/AGE +INFO/, "AGE INFO");
}

Deno.test("coracle rollout get shows a rollout, its sets, pods and runs", async () => {
  await using api = new FakeApi(WORLD);
  const { code, out, err } = await api.run("get web");
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(
    withoutAges(out),
    `Name:            web
Namespace:       shop
Status:          ॥ Paused
Message:         CanaryPauseStep
Strategy:        Canary
  Step:          1/3
  SetWeight:     25
  ActualWeight:  25
Images:          web:1 (stable)
                 web:2 (canary)
Replicas:
  Desired:       4
  Current:       5
  Updated:       1
  Ready:         4
  Available:     4

NAME                  KIND         STATUS              AGE INFO
⟳ web                 Rollout      ॥ Paused            AGE${" "}
├──# revision:3
│  ├──⧉ web-bbb       ReplicaSet   ✔ Healthy           AGE canary
│  │  └──□ web-bbb-y  Pod          ✔ Running           AGE ready:1/1,restarts:2
│  └──α web-bbb-3-1   AnalysisRun  ◌ Running           AGE ✔ 2,✖ 1
│     └──⊞ job-1      Job          ✔ Successful        AGE${" "}
├──# revision:2
│  └──⧉ web-aaa       ReplicaSet   ◌ Progressing       AGE stable
│     ├──□ web-aaa-w  Pod          ⚠ ImagePullBackOff  AGE ready:0/1
│     └──□ web-aaa-x  Pod          ✔ Running           AGE ready:1/1,restarts:2
└──# revision:1
   └──⧉ web-000       ReplicaSet   • ScaledDown        AGE delay:passed
`,
  );
});

Deno.test("coracle rollout get shows a StatefulSet by its revisions", async () => {
  const owned = (uid: string) => ownedBy("db", uid, "StatefulSet");
  const revisionOf = (hash: string, revision: number, image: string) => ({
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { ...owned(`rev-${hash}`), name: `web-${hash}` },
    revision,
    data: { spec: { template: { spec: { containers: [{ name: "web", image }] } } } },
  });
  const podIn = (place: number, hash: string, status: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...owned(`pod-${place}`),
      name: `web-${place}`,
      labels: { "controller-revision-hash": `web-${hash}` },
    },
    spec: { containers: [{ name: "web" }] },
    status,
  });
  await using api = new FakeApi([
    { ...ROLLOUT, metadata: { ...ROLLOUT.metadata, ...owned("web") } },
    revisionOf("aaa", 1, "web:1"),
    revisionOf("bbb", 2, "web:2"),
    {
      ...revisionOf("ccc", 1, "other:1"),
      metadata: { ...ownedBy("other", "r", ""), name: "x-ccc" },
    },
    podIn(0, "aaa", RUNNING),
    podIn(1, "aaa", PULLING),
    podIn(2, "bbb", RUNNING),
  ]);
  const { out } = await api.run("get web");
  assert.equal(
    withoutAges(out.slice(out.indexOf("NAME  "))),
    `NAME              KIND                STATUS              AGE INFO
⟳ web             Rollout             ॥ Paused            AGE${" "}
├──# revision:2
│  └──⧉ web-bbb   ControllerRevision  ✔ Healthy           AGE canary
│     └──□ web-2  Pod                 ✔ Running           AGE ready:1/1,restarts:2
└──# revision:1
   └──⧉ web-aaa   ControllerRevision  ◌ Progressing       AGE stable
      ├──□ web-0  Pod                 ✔ Running           AGE ready:1/1,restarts:2
      └──□ web-1  Pod                 ⚠ ImagePullBackOff  AGE ready:0/1
`,
  );
  assert.match(out, /ActualWeight: {2}25\n/);
  assert.match(out, /web:1 \(stable\)\n +web:2 \(canary\)/);
});

Deno.test("coracle rollout get -o json gives the same as an object", async () => {
  await using api = new FakeApi(WORLD);
  const info = JSON.parse((await api.run("get ro/web -o json")).out);
  assert.equal(info.objectMeta.name, "web");
  assert.deepEqual([info.step, info.setWeight, info.actualWeight], ["1/3", "25", "25"]);
  const roles = info.replicaSets.map((set: Record<string, unknown>) =>
    [set.revision, set.canary ?? false, set.stable ?? false].join()
  );
  assert.deepEqual(roles, ["3,true,false", "2,false,true", "1,false,false"]);
  assert.equal(info.analysisRuns[0].jobs[0].objectMeta.name, "job-1");
});

Deno.test("coracle rollout get says when there is no such rollout", async () => {
  await using api = new FakeApi(WORLD);
  const { code, err } = await api.run("get other");
  assert.deepEqual([code, err], [1, 'coracle: rollouts.argoproj.io "other" not found\n']);
});

Deno.test("coracle rollout get --watch draws in place on a terminal, and stops when interrupted", async () => {
  await using api = new FakeApi(WORLD);
  const stop = new AbortController();
  let drawn = "";
  const running = api.run("get web --watch --no-color", {
    interactive: true,
    signal: stop.signal,
    size: () => ({ columns: 30, rows: 12 }),
    out: (text) => void (drawn += text),
  });
  await api.watched("rollouts");
  api.change("web", { status: { ...ROLLOUT.status as object, phase: "Degraded" } });
  while (!drawn.includes("Degraded")) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  assert.equal((await running).code, 0);
  assert.ok(drawn.startsWith("\x1b[?25l\x1b[2J\x1b[H"), JSON.stringify(drawn.slice(0, 30)));
  assert.ok(drawn.endsWith("\x1b[?25h"));
  const frames = drawn.split("\x1b[H").slice(1);
  for (const frame of frames) {
    const lines = frame.split("\x1b[K\r\n");
    assert.equal(lines.length, 12);
    assert.ok(lines.slice(0, -1).every((line) => [...line].length <= 30));
    assert.match(lines[10]!, /^… \d+ more lines$/);
  }
});

Deno.test("coracle rollout get --watch prints page after page into a pipe, for changes only", async () => {
  await using api = new FakeApi(WORLD);
  const stop = new AbortController();
  const pages: object[] = [];
  const running = api.run("get web -w -o json", {
    signal: stop.signal,
    out: (text) => void pages.push(JSON.parse(text)),
  });
  await api.watched("rollouts");
  api.change("web", { status: { ...ROLLOUT.status as object, phase: "Healthy", message: "" } });
  while (pages.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  await running;
  assert.deepEqual(pages.map((page) => (page as { status: string }).status), ["Paused", "Healthy"]);
});

Deno.test("coracle rollout list has a line for each rollout", async () => {
  await using api = new FakeApi(WORLD);
  const { out } = await api.run("list");
  assert.equal(
    out,
    `NAME        STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
web         Canary     Paused        1/3   25          4/5    4        1           4
`,
  );
  const none = await api.run("list experiments");
  assert.deepEqual([none.code, none.out, none.err], [0, "", "No resources found.\n"]);
});

const WRITES: readonly [args: string, out: string, path: string, body: unknown][] = [
  ["promote web", "rollout 'web' promoted", "rollouts/web/status", {
    status: { pauseConditions: null },
  }],
  ["promote web --full", "rollout 'web' fully promoted", "rollouts/web/status", {
    status: { promoteFull: true },
  }],
  ["abort web", "rollout 'web' aborted", "rollouts/web/status", { status: { abort: true } }],
  ["retry rollout web", "rollout 'web' retried", "rollouts/web/status", {
    status: { abort: false },
  }],
  ["retry exp/check", "experiment 'check' retried", "experiments/check", { status: null }],
  ["pause web", "rollout 'web' paused", "rollouts/web", { spec: { paused: true } }],
  ["resume web", "rollout 'web' resumed", "rollouts/web", { spec: { paused: false } }],
  ["terminate run-1", "analysisRun 'run-1' terminated", "analysisruns/run-1", {
    spec: { terminate: true },
  }],
];

for (const [args, out, path, body] of WRITES) {
  Deno.test(`coracle rollout ${args}`, async () => {
    await using api = new FakeApi([
      ...WORLD,
      { apiVersion: ARGO, kind: "Experiment", metadata: { name: "check", uid: "e" } },
      runOf("run-1", 1, {}),
    ]);
    const ended = await api.run(args);
    assert.deepEqual([ended.code, ended.out, ended.err], [0, `${out}\n`, ""]);
    const root = `/apis/${ARGO}/namespaces/shop/`;
    assert.deepEqual(api.asked, [{ method: "PATCH", path: root + path, body }]);
  });
}

Deno.test("coracle rollout pause also pauses the Deployment that the rollout belongs to", async () => {
  const ownerReferences = [{ uid: "d", kind: "Deployment", controller: true }];
  const owned = { ...ROLLOUT, metadata: { ...ROLLOUT.metadata, ownerReferences } };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", uid: "d" },
  };
  await using api = new FakeApi([owned, deployment]);
  assert.equal((await api.run("pause deployment/web")).out, "rollout 'web' paused\n");
  const paths = api.asked.map(({ path, body }) => [path.split("/").slice(-2).join("/"), body]);
  const body = { spec: { paused: true } };
  assert.deepEqual(paths, [["rollouts/web", body], ["deployments/web", body]]);
});

Deno.test("coracle rollout undo writes the template of the revision before, without its hash", async () => {
  await using api = new FakeApi(WORLD);
  assert.equal((await api.run("undo web")).out, "rollout 'web' undo\n");
  assert.deepEqual(api.asked[0]!.body, [{
    op: "replace",
    path: "/spec/template",
    value: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "web:1" }] },
    },
  }]);
  await api.run("undo web --to-revision 1");
  const last = api.asked.at(-1)!.body as { value: { spec: { containers: { image: string }[] } } }[];
  assert.equal(last[0]!.value.spec.containers[0]!.image, "web:0");
  assert.match((await api.run("undo web --to-revision 7")).err, /unable to find .* revision 7 in/);
});

Deno.test("coracle rollout undo skips what is there already, though it has defaults by now", async () => {
  const current = setOf("bbb", { replicas: 1, available: 1, revision: 3, image: "web:2" });
  const template = (current.spec as { template: { spec: object } }).template;
  const written = { metadata: { labels: { app: "web" } }, spec: template.spec };
  const defaulted = { ...template, spec: { ...template.spec, restartPolicy: "Always" } };
  await using api = new FakeApi([
    { ...ROLLOUT, spec: { ...ROLLOUT.spec as object, template: written } },
    { ...current, spec: { replicas: 1, template: defaulted } },
  ]);
  const { out } = await api.run("undo web --to-revision 3");
  assert.equal(out, "skipped rollback (current template already matches revision 3)\n");
  assert.deepEqual(api.asked, []);
});

Deno.test("coracle rollout set-image changes the containers named, again after a conflict", async () => {
  await using api = new FakeApi(WORLD);
  api.conflicts = 2;
  assert.equal((await api.run("set-image web side=side:2")).out, 'rollout "web" image updated\n');
  const images = ({ body }: { body: unknown }) =>
    (body as { spec: { template: { spec: { containers: { image: string }[] } } } })
      .spec.template.spec.containers.map(({ image }) => image).join();
  assert.deepEqual(api.asked.map(images), new Array(3).fill("web:2,side:2"));
  await api.run("set-image web *=x:3");
  assert.equal(images(api.asked.at(-1)!), "x:3,x:3");
  const unknown = await api.run("set-image web none=x");
  assert.deepEqual([unknown.code, unknown.err], [
    1,
    'coracle: unable to find container named "none"\n',
  ]);
  assert.equal((await api.run("set-image web web")).code, 1);
});

Deno.test("coracle rollout status follows a rollout until it is healthy", async () => {
  await using api = new FakeApi(WORLD);
  const running = api.run("status web");
  await api.watched("rollouts");
  api.change("web", { metadata: { ...ROLLOUT.metadata, generation: 4 } });
  api.change("web", { status: { observedGeneration: "4", phase: "Healthy" } });
  const { code, out } = await running;
  assert.equal(code, 0);
  assert.match(out, /^Paused - CanaryPauseStep\n[^]*Healthy\n$/);
});

Deno.test("coracle rollout status fails for what is degraded, and when the time is over", async () => {
  await using api = new FakeApi(WORLD);
  const late = await api.run("status web --timeout 50ms");
  assert.deepEqual([late.code, late.err], [1, "coracle: Rollout status watch exceeded timeout\n"]);
  api.change("web", { status: { phase: "Degraded", message: "RolloutAborted: x" } });
  const bad = await api.run("status web --watch=false");
  assert.deepEqual([bad.code, bad.out], [1, "Degraded\n"]);
  assert.match(bad.err, /The rollout is in a degraded state with message: RolloutAborted: x/);
});

Deno.test("coracle rollout create analysisrun makes a run of a template and its arguments", async () => {
  const args = [{ name: "service" }, { name: "limit", value: "5" }];
  await using api = new FakeApi([{
    apiVersion: ARGO,
    kind: "AnalysisTemplate",
    metadata: { name: "errors", uid: "t", labels: { a: "b" } },
    spec: { args, metrics: [] },
  }]);
  const from = "create analysisrun --from errors";
  assert.match((await api.run(from)).err, /args\.service was not resolved/);
  const made = await api.run(`${from} -a service=web -a other=x --instance-id i`);
  assert.deepEqual([made.err, made.out], ["", "analysisrun.argoproj.io/made created\n"]);
  assert.deepEqual(api.asked.at(-1)!.body, {
    apiVersion: ARGO,
    kind: "AnalysisRun",
    metadata: {
      generateName: "errors-",
      namespace: "shop",
      labels: { a: "b", "argo-rollouts.argoproj.io/controller-instance-id": "i" },
    },
    spec: { args: [{ name: "service", value: "web" }, args[1]], metrics: [] },
  });
});
