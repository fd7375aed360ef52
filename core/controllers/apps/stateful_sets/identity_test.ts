import assert from "node:assert/strict";
import fc from "fast-check";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import { statefulSets } from "../../../resources/apps/stateful_sets.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import { ordinalOf } from "./ordinals.ts";
import { SetUnderTest, templateOf } from "./stateful_set_fixture.ts";
import { statefulSetController } from "./stateful_sets.ts";

const bare = { spec: { containers: [{ name: "web", image: "web:1" }] } };

Deno.test("a pod has the name, the number, the revision and the host name that make it what it is", () => {
  const template = {
    metadata: { labels: { app: "web" }, annotations: { note: "x" } },
    spec: { containers: [{ name: "web", image: "web:1" }], hostname: "other", subdomain: "other" },
  };
  const web = new SetUnderTest({ replicas: 1, template, serviceName: "db" }).look();
  const { metadata, spec } = web.pod("web-0");
  assert.deepEqual(metadata.labels, {
    app: "web",
    "statefulset.kubernetes.io/pod-name": "web-0",
    "apps.kubernetes.io/pod-index": "0",
    "controller-revision-hash": web.set.status.updateRevision,
  });
  assert.deepEqual(metadata.annotations, { note: "x" });
  assert.equal(metadata.generateName, "web-");
  assert.deepEqual(
    metadata.ownerReferences?.map(({ kind, name, controller }) => [kind, name, controller]),
    [["StatefulSet", "web", true]],
  );
  assert.deepEqual([spec.hostname, spec.subdomain], ["web-0", "db"]);
});

Deno.test("without a Service, a pod has no subdomain", () => {
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "web:1" }], subdomain: "other" },
  };
  const web = new SetUnderTest({ replicas: 1, template, serviceName: "" }).look();
  assert.equal(web.pod("web-0").spec.subdomain, undefined);
});

Deno.test("a pod has the volumes of its template, and none when that has none", () => {
  const volumesOf = (volumes?: object[]) => {
    const template = {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "web:1" }], ...(volumes && { volumes }) },
    };
    const { spec } = new SetUnderTest({ replicas: 1, template }).look().pod("web-0");
    return "volumes" in spec ? spec.volumes?.map(({ name }) => name) : "none";
  };
  assert.deepEqual(volumesOf([{ name: "tmp", emptyDir: {} }]), ["tmp"]);
  assert.equal(volumesOf(), "none");
});

Deno.test("a set adopts several pods at once, and gives each what says which one it is", () => {
  const web = new SetUnderTest({ replicas: 2 });
  for (const name of ["web-0", "web-1"]) {
    web.cluster.put(pods, { metadata: { name, labels: { app: "web" } }, ...bare });
  }
  web.cluster.settle([statefulSetController()], 1_000);
  web.start("web-0");
  web.start("web-1");
  const updated = statefulSetController().reconcile(web.set, web.cluster, web.cluster.nowMs).writes
    .flatMap((write) => write.verb === "update" ? [write.object.metadata.name] : []);
  assert.deepEqual(updated, ["web-0", "web-1"]);
});

Deno.test("only names of the set and a number are names of its pods", () => {
  const { set } = new SetUnderTest();
  const rows: [name: string, ordinal: number | undefined][] = [
    ["web-0", 0],
    ["web-17", 17],
    ["web-10", 10],
    ["abc-7", undefined],
    ["web-99999999999", undefined],
    ["web-2147483647", 2147483647],
    ["web-2147483648", undefined],
    ["web-00", undefined],
    ["web-01", undefined],
    ["web-", undefined],
    ["web", undefined],
    ["web-x", undefined],
    ["web-1-0", undefined],
    ["webs-0", undefined],
    ["a-web-0", undefined],
  ];
  for (const [name, ordinal] of rows) {
    assert.equal(ordinalOf(set, { ...set, metadata: { ...set.metadata, name } }), ordinal, name);
  }
});

Deno.test("a set adopts pods of its labels and names, and gives them what says which one they are", () => {
  const web = new SetUnderTest({ replicas: 1 });
  const labels = { app: "web" };
  web.cluster.put(pods, { metadata: { name: "web-0", labels }, ...bare });
  web.cluster.put(pods, { metadata: { name: "other-0", labels }, ...bare });
  web.look();
  web.start("web-0");
  web.look();
  assert.equal(web.pod("web-0").metadata.ownerReferences?.[0]?.uid, web.set.metadata.uid);
  assert.equal(web.pod("other-0").metadata.ownerReferences, undefined);
  assert.equal(web.pod("web-0").metadata.labels?.["apps.kubernetes.io/pod-index"], "0");
  assert.ok(
    web.events().includes("Normal SuccessfulUpdate update Pod web-0 in StatefulSet web successful"),
  );
});

Deno.test("a set releases a pod that has lost its labels, and waits for its name", () => {
  const web = new SetUnderTest({ replicas: 1 }).run();
  const { metadata, ...rest } = web.pod("web-0");
  web.cluster.put(pods, { ...rest, metadata: { ...metadata, labels: {} } });
  web.look();
  assert.equal(web.pod("web-0").metadata.ownerReferences, undefined);
  assert.equal(web.set.status.replicas, 0);
  web.end("web-0");
  assert.deepEqual(web.run().names, ["web-0"]);
  assert.equal(web.set.status.replicas, 1);
});

Deno.test("a set is looked at when a pod with one of its names goes, whoever had it", () => {
  const web = new SetUnderTest({ replicas: 1 });
  web.cluster.put(pods, { metadata: { name: "web-0" }, ...bare });
  assert.deepEqual(web.look().pods[0]!.metadata.ownerReferences, undefined);
  const keys = new Set<string>();
  const pod = web.pod("web-0");
  for (const { resource, concerns } of statefulSetController().watches) {
    if (resource === pods) concerns(pod, web.cluster).forEach(({ name }) => keys.add(name));
  }
  assert.deepEqual([...keys], ["web"]);
});

Deno.test("revisions keep the template as a patch that kubectl can apply, and the annotations of the set", () => {
  const web = new SetUnderTest();
  const { set } = web;
  const annotations = { "kubernetes.io/change-cause": "first" };
  web.cluster.put(statefulSets, { ...set, metadata: { ...set.metadata, annotations } });
  web.look();
  const [revision] = web.cluster.list(controllerRevisions);
  const { metadata, data } = revision!;
  assert.equal(
    JSON.stringify(data).replace(/"spec":\{"containers.*/, ""),
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"web"}},',
  );
  const hash = metadata.name.replace("web-", "");
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]+$/);
  assert.deepEqual(metadata.labels, { app: "web", "controller.kubernetes.io/hash": hash });
  assert.deepEqual(metadata.annotations, annotations);
  assert.equal(metadata.ownerReferences?.[0]?.controller, true);
});

Deno.test("revisions beyond the limit go, the first ones first, but none that a pod is made of", () => {
  const web = new SetUnderTest({ replicas: 1, revisionHistoryLimit: 2 }).run();
  for (const number of [2, 3, 4, 5]) {
    web.change({ template: templateOf(`web:${number}`) });
    web.run();
  }
  assert.deepEqual(web.revisions.map(({ revision }) => revision), [3, 4, 5]);
  web.change({ updateStrategy: { type: "OnDelete" }, revisionHistoryLimit: 0 });
  for (const number of [6, 7]) {
    web.change({ template: templateOf(`web:${number}`) });
    web.run();
  }
  assert.deepEqual(web.revisions.map(({ revision }) => revision), [5, 7]);
});

Deno.test("another hash is tried when the name of a revision is taken by another state", () => {
  const web = new SetUnderTest({ replicas: 1 }).run();
  const { name } = web.revisions[0]!;
  const metadata = { name, labels: { other: "x" } };
  web.cluster.take(controllerRevisions, { namespace: "default", name });
  web.cluster.put(controllerRevisions, { metadata, data: { spec: {} }, revision: 9 });
  web.look();
  assert.equal(web.set.status.collisionCount, 1);
  assert.notEqual(web.set.status.updateRevision, name);
  assert.equal(web.revisions.length, 2);
});

Deno.test("a revision that says defaults which the set does not say is no other state", () => {
  const web = new SetUnderTest({ replicas: 1 }).run();
  const revision = web.cluster.list(controllerRevisions)[0]!;
  const { terminationGracePeriodSeconds: _, ...spec } =
    (revision.data as { spec: { template: { spec: Record<string, unknown> } } }).spec.template.spec;
  const template = { ...templateOf(), spec, $patch: "replace" };
  web.cluster.put(controllerRevisions, { ...revision, data: { spec: { template } } });
  web.look();
  assert.equal(web.revisions.length, 1);
});

Deno.test("a revision that keeps no template is told, not followed", () => {
  const web = new SetUnderTest({ replicas: 1 }).run();
  const revision = web.cluster.list(controllerRevisions)[0]!;
  web.cluster.put(controllerRevisions, { ...revision, data: { spec: { template: 5 } } });
  web.change({ template: templateOf("web:2") });
  assert.throws(
    () => statefulSetController().reconcile(web.set, web.cluster, web.cluster.nowMs),
    /Cannot apply ControllerRevision "web-\w+": it keeps no template of pods/,
  );
});

/** One thing that happens to a set or its pods. */
const happenings = fc.oneof(
  fc.record({ what: fc.constant("scale" as const), number: fc.nat(4) }),
  fc.record({ what: fc.constant("update" as const), number: fc.nat(3) }),
  fc.record({ what: fc.constant("partition" as const), number: fc.nat(4) }),
  fc.record({ what: fc.constant("start" as const), number: fc.nat(2) }),
  fc.record({ what: fc.constant("ordinals" as const), number: fc.nat(3) }),
  fc.record({ what: fc.constant("fail" as const), number: fc.nat(4) }),
  fc.record({ what: fc.constant("end" as const), number: fc.nat(4) }),
  fc.record({ what: fc.constant("kill" as const), number: fc.nat(4) }),
  fc.record({ what: fc.constant("restart" as const), number: fc.constant(0) }),
);

Deno.test("whatever happens, a set has one pod of an ordinal, ordered ones come in turn, and it comes to rest", () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      fc.array(happenings, { maxLength: 40 }),
      (isOrdered, maxUnavailable, happened) => {
        const rollingUpdate = { partition: 0, ...(maxUnavailable && { maxUnavailable }) };
        const web = new SetUnderTest({
          replicas: 3,
          podManagementPolicy: isOrdered ? "OrderedReady" : "Parallel",
          updateStrategy: { type: "RollingUpdate", rollingUpdate },
        });
        for (const { what, number } of happened) {
          happen(web, what, number);
          const before = web.pods;
          web.look();
          checkStep(web, before, isOrdered);
        }
        checkRest(web);
      },
    ),
    { numRuns: 300 },
  );
});

function happen(web: SetUnderTest, what: string, number: number): void {
  const name = web.names[number % Math.max(1, web.names.length)];
  const { updateStrategy } = web.set.spec;
  if (what === "scale") return web.change({ replicas: number });
  if (what === "update") return web.change({ template: templateOf(`web:${number}`) });
  if (what === "ordinals") return web.change({ ordinals: { start: number } });
  if (what === "restart") return web.cluster.restartControllers();
  if (what === "partition") {
    const rollingUpdate = { ...updateStrategy.rollingUpdate, partition: number };
    return web.change({ updateStrategy: { ...updateStrategy, rollingUpdate } });
  }
  if (name === undefined) return;
  if (what === "start" && !web.pod(name).metadata.deletionTimestamp) web.start(name);
  if (what === "fail") web.fail(name);
  if (what === "kill" || web.pod(name).metadata.deletionTimestamp) web.end(name);
}

/** What the controller did in one go, which no pod has come up or gone in. */
function checkStep(web: SetUnderTest, before: SetUnderTest["pods"], isOrdered: boolean): void {
  const ordinals = web.pods.map((pod) => ordinalOf(web.set, pod));
  assert.equal(new Set(ordinals).size, ordinals.length, "two pods of one ordinal");
  const known = new Map(before.map(({ metadata }) => [metadata.name, metadata]));
  const bound = before.filter(({ spec }) => spec.nodeName);
  const made = web.pods.filter(({ metadata }) => known.get(metadata.name)?.uid !== metadata.uid);
  const names = new Set(made.map(({ metadata }) => metadata.name));
  const early = bound.filter(({ metadata }) => names.has(metadata.name));
  assert.deepEqual(early, [], "made before the one before it was gone");
  if (!isOrdered) return;
  assert.ok(made.length <= 1, "an ordered set made two pods at once");
  const lowest = Math.min(...made.map((pod) => ordinalOf(web.set, pod)!));
  const start = web.set.spec.ordinals?.start ?? 0;
  for (const pod of web.pods) {
    const ordinal = ordinalOf(web.set, pod)!;
    const isReady = pod.status.conditions?.some(({ status }) => status === "True");
    if (start <= ordinal && ordinal < lowest && lowest !== Infinity) {
      assert.ok(isReady, "made a pod before the ones below it were ready");
    }
  }
}

function checkRest(web: SetUnderTest): void {
  web.run();
  const { spec: { replicas, ordinals, updateStrategy }, status } = web.set;
  const start = ordinals?.start ?? 0;
  const wanted = Array.from({ length: replicas }, (_, i) => `web-${start + i}`);
  assert.deepEqual(web.names, wanted);
  const partition = updateStrategy.rollingUpdate!.partition!;
  for (const pod of web.pods) {
    if (ordinalOf(web.set, pod)! < start + partition) continue;
    const revision = pod.metadata.labels?.["controller-revision-hash"];
    assert.equal(revision, status.updateRevision, "a pod above the partition was left behind");
  }
  assert.equal(status.replicas, replicas);
  assert.equal(status.availableReplicas, replicas);
}
