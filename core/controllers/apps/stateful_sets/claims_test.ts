import assert from "node:assert/strict";
import { ApiError } from "../../../client/api_error.ts";
import { timestamp } from "../../../lib/timestamp.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { SetUnderTest } from "./stateful_set_fixture.ts";
import { statefulSetController } from "./stateful_sets.ts";

const volumeClaimTemplates = [
  {
    metadata: { name: "data", labels: { kind: "fast" } },
    spec: { accessModes: ["ReadWriteOnce"] },
  },
  { metadata: { name: "log" }, spec: { accessModes: ["ReadWriteOnce"] } },
];

function withClaims(more: object = {}): SetUnderTest {
  return new SetUnderTest({ replicas: 2, volumeClaimTemplates, ...more });
}

function retaining(whenDeleted: string, whenScaled: string, more: object = {}): SetUnderTest {
  return withClaims({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled }, ...more });
}

function claim(web: SetUnderTest, name: string): PersistentVolumeClaim {
  return web.cluster.get(persistentVolumeClaims, { namespace: "default", name })!;
}

/** Owners of a claim, as `StatefulSet`, `Pod`; with a star when they control it. */
function ownersOf(web: SetUnderTest, name: string): string[] {
  return claim(web, name).metadata.ownerReferences?.map(({ kind, controller }) =>
    `${kind}${controller ? "*" : ""}`
  ) ?? [];
}

Deno.test("golden: each pod gets claims of its own, made before it, and keeps them", () => {
  const web = withClaims().look();
  assert.deepEqual(web.claims, ["data-web-0", "log-web-0"]);
  assert.deepEqual(web.events(), [
    "Normal SuccessfulCreate create Claim data-web-0 Pod web-0 in StatefulSet web success",
    "Normal SuccessfulCreate create Claim log-web-0 Pod web-0 in StatefulSet web success",
    "Normal SuccessfulCreate create Pod web-0 in StatefulSet web successful",
  ]);
  assert.deepEqual(claim(web, "data-web-0").metadata.labels, { app: "web", kind: "fast" });
  assert.deepEqual(claim(web, "log-web-0").metadata.labels, { app: "web" });
  assert.deepEqual(ownersOf(web, "data-web-0"), []);
  web.run();
  web.change({ replicas: 0 });
  web.run();
  assert.deepEqual(web.claims, ["data-web-0", "data-web-1", "log-web-0", "log-web-1"]);
  web.events();
  web.change({ replicas: 1 });
  web.run();
  assert.deepEqual(web.events(), [
    "Normal SuccessfulCreate create Pod web-0 in StatefulSet web successful",
  ]);
});

Deno.test("a claim's volume takes the place of one of its name, and comes first", () => {
  const web = withClaims({
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "web", image: "web:1" }],
        volumes: [{ name: "tmp", emptyDir: {} }, { name: "log", emptyDir: {} }],
      },
    },
  }).look();
  assert.deepEqual(
    web.pod("web-0").spec.volumes?.map(({ name, persistentVolumeClaim }) => [
      name,
      persistentVolumeClaim?.claimName,
    ]),
    [["data", "data-web-0"], ["log", "log-web-0"], ["tmp", undefined]],
  );
});

for (
  const [whenDeleted, whenScaled, kept, scaledAway] of [
    ["Retain", "Retain", [], []],
    ["Delete", "Retain", ["StatefulSet*"], ["StatefulSet*"]],
    ["Retain", "Delete", [], ["Pod*"]],
    ["Delete", "Delete", ["StatefulSet*"], ["Pod*"]],
  ] as const
) {
  Deno.test(`claims are owned as the policy says: deleted ${whenDeleted}, scaled ${whenScaled}`, () => {
    const web = retaining(whenDeleted, whenScaled).run();
    assert.deepEqual([ownersOf(web, "data-web-0"), ownersOf(web, "log-web-1")], [kept, kept]);
    web.change({ replicas: 1 });
    web.look();
    assert.deepEqual([ownersOf(web, "data-web-0"), ownersOf(web, "log-web-1")], [kept, scaledAway]);
  });
}

Deno.test("when the policy changes, the owners of claims that are there change, and it is told", () => {
  const web = withClaims({ replicas: 1 }).run();
  web.events();
  const policy = { whenDeleted: "Delete", whenScaled: "Retain" };
  web.change({ persistentVolumeClaimRetentionPolicy: policy });
  web.run();
  assert.deepEqual(ownersOf(web, "data-web-0"), ["StatefulSet*"]);
  assert.deepEqual(web.events(), [
    "Normal SuccessfulUpdate update Pod web-0 in StatefulSet web successful",
  ]);
  web.change({ persistentVolumeClaimRetentionPolicy: { ...policy, whenDeleted: "Retain" } });
  web.run();
  assert.deepEqual(ownersOf(web, "data-web-0"), []);
});

Deno.test("an owner that does not control the claim is made to", () => {
  const web = retaining("Delete", "Retain", { replicas: 1 }).run();
  own(web, "data-web-0", { ...referenceOf(web), controller: false });
  web.run();
  assert.deepEqual(ownersOf(web, "data-web-0"), ["StatefulSet*"]);
});

Deno.test("a claim that a former set of the name owns is left alone", () => {
  const web = retaining("Delete", "Delete", { replicas: 1 }).run();
  own(web, "data-web-0", { ...referenceOf(web), uid: "former" });
  web.run();
  assert.equal(claim(web, "data-web-0").metadata.ownerReferences?.[0]?.uid, "former");
  const policy = { whenDeleted: "Retain", whenScaled: "Retain" };
  web.change({ persistentVolumeClaimRetentionPolicy: policy });
  web.run();
  assert.equal(claim(web, "data-web-0").metadata.ownerReferences?.[0]?.uid, "former");
});

Deno.test("where claims are kept, it does not matter who controls them besides", () => {
  const other = { apiVersion: "v1", kind: "Node", name: "n1", uid: "n1", controller: true };
  const web = withClaims({ replicas: 1 }).run();
  own(web, "data-web-0", { ...referenceOf(web), controller: false }, other);
  web.events();
  web.run();
  assert.deepEqual(ownersOf(web, "data-web-0"), ["Node*"]);
  assert.deepEqual(web.events(), [
    "Normal SuccessfulUpdate update Pod web-0 in StatefulSet web successful",
  ]);
});

Deno.test("an ordered set that makes claims takes no pods away meanwhile", () => {
  const web = withClaims({ replicas: 2 }).run();
  web.end("web-0");
  web.cluster.take(persistentVolumeClaims, { namespace: "default", name: "data-web-0" });
  web.change({ replicas: 1 });
  const { writes } = look(web);
  assert.deepEqual(writes.filter(({ verb }) => verb === "delete"), []);
  assert.equal(writes.filter(isClaim).length, 1);
});

Deno.test("a claim that is to go with the set has it as its owner from the start", () => {
  for (
    const [whenDeleted, owners] of [["Delete", ["StatefulSet"]], ["Retain", undefined]] as const
  ) {
    const write = look(retaining(whenDeleted, "Retain")).writes.find(isClaim);
    assert.ok(write?.verb === "create");
    const { ownerReferences } = write.draft.metadata;
    assert.deepEqual(ownerReferences?.map(({ kind }) => kind), owners);
  }
});

Deno.test("a claim that somebody else controls is let go, and it is told", () => {
  const other = { apiVersion: "v1", kind: "Node", name: "n1", uid: "n1", controller: true };
  const web = retaining("Delete", "Retain", { replicas: 1 }).run();
  web.events();
  own(web, "data-web-0", { ...referenceOf(web), controller: false }, other);
  web.run();
  assert.deepEqual(ownersOf(web, "data-web-0"), ["Node*"]);
  assert.deepEqual(web.events(), [
    "Warning ConflictingController PersistentVolumeClaim data-web-0 has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim",
    "Normal SuccessfulUpdate update Pod web-0 in StatefulSet web successful",
  ]);
});

Deno.test("golden: a pod waits until the claims of the pod before it are gone with that pod", () => {
  const web = retaining("Retain", "Delete").run();
  web.change({ replicas: 1 });
  web.look().end("web-1");
  web.change({ replicas: 2 });
  assert.deepEqual(web.look().names, ["web-0"]);
  for (const name of ["data-web-1", "log-web-1"]) {
    web.cluster.take(persistentVolumeClaims, { namespace: "default", name });
  }
  web.run();
  assert.deepEqual(web.names, ["web-0", "web-1"]);
  assert.deepEqual(ownersOf(web, "data-web-1"), []);
});

Deno.test("a pod whose claim is being deleted is not created, and why is told", () => {
  const web = withClaims({ replicas: 1 }).run();
  endClaim(web, "data-web-0");
  web.end("web-0");
  web.events();
  const { writes } = look(web);
  const told = writes.flatMap((write) => write.verb === "event" ? [write.event.message] : []);
  assert.deepEqual(told, [
    "create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted",
  ]);
  assert.ok(!writes.some(({ verb }) => verb === "create"));
});

Deno.test("claims that a pod waits for are made anew when they are gone, not while they go", () => {
  const web = withClaims({ replicas: 1 }).look();
  endClaim(web, "log-web-0");
  web.cluster.take(persistentVolumeClaims, { namespace: "default", name: "data-web-0" });
  assert.deepEqual(web.look().claims, ["log-web-0"]);
  web.cluster.take(persistentVolumeClaims, { namespace: "default", name: "log-web-0" });
  assert.deepEqual(web.look().claims, ["data-web-0", "log-web-0"]);
  web.run();
  web.cluster.take(persistentVolumeClaims, { namespace: "default", name: "log-web-0" });
  assert.deepEqual(web.run().claims, ["data-web-0"]);
});

Deno.test("pods whose claims are there do not wait for claims of others that are refused", () => {
  const web = withClaims({ replicas: 3, podManagementPolicy: "Parallel" });
  const first = look(web).writes;
  assert.equal(first.filter(isClaim).length, 6);
  web.cluster.perform({ writes: first.filter((write) => !isClaim(write)) });
  web.cluster.perform({ writes: first.filter(isClaim).slice(0, 3) });
  const names = look(web).writes.flatMap((write) =>
    write.verb === "create" ? [write.draft.metadata.name] : []
  );
  assert.deepEqual(names, ["web-0", "log-web-1", "data-web-2", "log-web-2"]);
});

Deno.test("a claim that cannot be created is told of itself and of its pod", () => {
  const write = look(withClaims({ replicas: 1 })).writes.find(isClaim);
  assert.ok(write?.verb === "create" && write.refused);
  const told = write.refused(new ApiError("Forbidden", "exceeded quota"))
    .flatMap((each) => each.verb === "event" ? [`${each.event.reason} ${each.event.message}`] : []);
  assert.deepEqual(told, [
    "FailedCreate create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: exceeded quota",
    "FailedCreate create Pod web-0 in StatefulSet web failed error: failed to create PVC data-web-0: exceeded quota",
  ]);
});

Deno.test("the set is looked at when a claim of one of its pods changes", () => {
  const web = withClaims().look();
  const watch = statefulSetController().watches.find(({ resource }) =>
    resource === persistentVolumeClaims
  )!;
  const concerned = (name: string) =>
    watch.concerns({ ...claim(web, "data-web-0"), metadata: meta(web, name) }, web.cluster)
      .map((each) => each.name);
  assert.deepEqual(concerned("data-web-7"), ["web"]);
  assert.deepEqual(concerned("data-web"), []);
  assert.deepEqual(concerned("other-web-0"), []);
});

function meta(web: SetUnderTest, name: string) {
  return { ...claim(web, "data-web-0").metadata, name };
}

function look(web: SetUnderTest) {
  return statefulSetController().reconcile(web.set, web.cluster, web.cluster.nowMs);
}

function isClaim(write: ReturnType<typeof look>["writes"][number]): boolean {
  return write.verb === "create" && write.resource === persistentVolumeClaims;
}

function referenceOf({ set }: SetUnderTest) {
  const { name, uid } = set.metadata;
  return { apiVersion: "apps/v1", kind: "StatefulSet", name, uid, controller: true };
}

function own(web: SetUnderTest, name: string, ...ownerReferences: object[]): void {
  const { metadata, ...rest } = claim(web, name);
  web.cluster.put(persistentVolumeClaims, {
    ...rest,
    metadata: { ...metadata, ownerReferences } as typeof metadata,
  });
}

function endClaim(web: SetUnderTest, name: string): void {
  const { metadata, ...rest } = claim(web, name);
  web.cluster.put(persistentVolumeClaims, {
    ...rest,
    metadata: { ...metadata, deletionTimestamp: timestamp(web.cluster.nowMs) },
  });
}
