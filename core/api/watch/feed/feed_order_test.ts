import assert from "node:assert/strict";
import fc from "fast-check";
import type { Draft } from "../../../client/client.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import {
  persistentVolumes,
} from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { secrets } from "../../../resources/core/secrets.ts";
import { services } from "../../../resources/core/services/services.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import { isRelated, type RelatedKind } from "../../access/nodes/node_relations.ts";
import { FeedFixture, FollowingNode } from "./feed_fixture.ts";
import { assertInStep } from "./followed_state_fixture.ts";

const NODES = ["edge", "other"] as const;
const NAMES = ["a", "b", "c"];
const named = (name: string) => ({ namespace: "default", name });

type Written = "secret" | "map" | "service" | "volume" | "node";

type Step =
  | { act: "pod"; name: string; node: number; secret: string; map: string; claim: string }
  | {
    act: "write" | "remove";
    kind: Written;
    name: string;
  }
  | { act: "unpod"; name: string }
  | { act: "cut" | "heal" | "restart node"; node: number }
  | { act: "restart" | "settle" };

const name = fc.constantFrom(...NAMES);
const node = fc.nat(1);
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        act: fc.constant("pod" as const),
        name,
        node,
        secret: name,
        map: name,
        claim: name,
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constantFrom("write" as const, "write" as const, "remove" as const),
        kind: fc.constantFrom(
          "secret" as const,
          "map" as const,
          "service" as const,
          "volume" as const,
          "node" as const,
        ),
        name,
      }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("unpod" as const), name }) },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constantFrom("cut" as const, "heal" as const, "restart node" as const),
        node,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constantFrom("restart" as const, "settle" as const, "settle" as const),
      }),
    },
  ),
  { maxLength: 40 },
);

Deno.test("whatever happens in whatever order, in the end each node shows what it follows, and nothing that was never its own", async () => {
  await fc.assert(fc.asyncProperty(steps, play), {
    numRuns: Number(Deno.env.get("FEED_RUNS") ?? 60),
  });
});

async function play(all: readonly Step[]): Promise<void> {
  const fixture = await FeedFixture.start();
  const following = await Promise.all(NODES.map((each) => started(fixture, each)));
  try {
    for (const step of all) await take(fixture, following, step);
    for (const each of following) each.heal();
    for (const each of following) await each.caughtUp();
    for (const each of following) assertInStep(each);
  } finally {
    await Promise.all(following.map((each) => each.stop()));
  }
}

async function started(fixture: FeedFixture, name: string, saved?: readonly KubeObject[]) {
  const following = new FollowingNode(fixture, name);
  if (saved) following.mirror.restore({ position: {}, objects: saved });
  following.mirror.onChange(({ plural }, { type, object }) => {
    const kinds = ["secrets", "configmaps", "persistentvolumes"];
    if (type === "DELETED" || !kinds.includes(plural)) return;
    const { namespace, name: of } = object.metadata;
    const asked = { kind: plural as RelatedKind, name: of, ...(namespace && { namespace }) };
    const isOwn = isRelated(name, asked, fixture.local) ||
      fixture.wasRelated.has(`${name} ${plural} ${of}`);
    assert.ok(isOwn, `${name} is told of ${plural} ${of}`);
  });
  await following.start();
  return following;
}

async function take(fixture: FeedFixture, following: FollowingNode[], step: Step): Promise<void> {
  switch (step.act) {
    case "pod":
      return await addPod(fixture, step);
    case "unpod":
      return await fixture.local.delete(pods, named(step.name), { gracePeriodSeconds: 0 }).catch(
        ignore,
      );
    case "write":
      return await write(fixture, step.kind, step.name).catch(ignore);
    case "remove":
      return await remove(fixture, step.kind, step.name).catch(ignore);
    case "cut":
      return following[step.node]!.cut();
    case "heal":
      return following[step.node]!.heal();
    case "settle":
      return await fixture.settle();
    case "restart":
      for (const each of following) each.cut();
      return await fixture.startServer();
    case "restart node": {
      const before = following[step.node]!;
      before.cut();
      const saved = before.saved();
      await before.stop();
      following[step.node] = await started(fixture, before.name, saved);
    }
  }
}

/** Refusals: it is there already, or not any more. */
function ignore(): void {}

async function addPod(fixture: FeedFixture, step: Step & { act: "pod" }): Promise<void> {
  const nodeName = NODES[step.node]!;
  const refers = [{ secretRef: { name: step.secret } }, { configMapRef: { name: step.map } }];
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: step.claim } }];
  for (
    const [kind, of] of [["secrets", step.secret], ["configmaps", step.map], [
      "persistentvolumes",
      step.claim,
    ]]
  ) {
    fixture.wasRelated.add(`${nodeName} ${kind} ${of}`);
  }
  fixture.wasRelated.add(`${nodeName} secrets of-volume-${step.claim}`);
  await fixture.local.create(pods, {
    metadata: named(step.name),
    spec: { nodeName, volumes, containers: [{ name: "c", image: "i", envFrom: refers }] },
  } as Draft<Pod>).catch(ignore);
}

async function write(
  { local }: FeedFixture,
  kind: Written,
  name: string,
): Promise<void> {
  const resource = RESOURCES[kind];
  const place = kind === "volume" || kind === "node" ? { name } : named(name);
  const there = local.get<KubeObject>(resource, place);
  const number = String(Number(there?.metadata.labels?.["n"] ?? 0) + 1);
  const labels = { n: number };
  if (there) {
    const metadata = { ...there.metadata, labels };
    return void await local.update<KubeObject>(resource, { ...there, metadata });
  }
  const metadata = { ...place, labels };
  await local.create<KubeObject>(
    resource,
    { metadata, ...CONTENT[kind](name) } as Draft<KubeObject>,
  );
  if (kind !== "volume") return;
  const secret = { metadata: named(`of-volume-${name}`) };
  await local.create(secrets, secret).catch(ignore);
}

async function remove(
  { local }: FeedFixture,
  kind: Written,
  name: string,
): Promise<void> {
  const place = kind === "volume" || kind === "node" ? { name } : named(name);
  await local.delete<KubeObject>(RESOURCES[kind], place);
}

const RESOURCES: Readonly<Record<Written, AnyResource>> = {
  secret: secrets,
  map: configMaps,
  service: services,
  volume: persistentVolumes,
  node: nodes,
};

const CONTENT = {
  secret: () => ({}),
  map: () => ({}),
  service: () => ({ spec: { ports: [{ port: 80 }] } }),
  node: () => ({}),
  volume: (name: string) => ({
    spec: {
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "1Gi" },
      claimRef: { namespace: "default", name },
      csi: {
        driver: "d",
        volumeHandle: "h",
        nodeStageSecretRef: { namespace: "default", name: `of-volume-${name}` },
      },
    },
  }),
};
