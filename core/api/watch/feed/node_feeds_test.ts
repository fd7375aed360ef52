import assert from "node:assert/strict";
import type { Draft } from "../../../client/client.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { namespaces } from "../../../resources/core/namespaces.ts";
import { type Gateway, gateways } from "../../../resources/gateway/gateways.ts";
import {
  type ReferenceGrant,
  referenceGrants,
} from "../../../resources/gateway/reference_grants.ts";
import { type Ingress, ingresses } from "../../../resources/networking/ingresses.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import {
  persistentVolumes,
} from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { secrets } from "../../../resources/core/secrets.ts";
import { services } from "../../../resources/core/services/services.ts";
import { leases } from "../../../resources/coordination/leases.ts";
import { endpointSlices } from "../../../resources/discovery/endpoint_slices.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import { assertInStep } from "./followed_state_fixture.ts";
import { FeedFixture, FollowingNode, SOURCES } from "./feed_fixture.ts";

const NAMESPACE = "default";

function podOf(name: string, nodeName: string, refers: { secret?: string; map?: string } = {}) {
  const envFrom = [
    ...(refers.secret ? [{ secretRef: { name: refers.secret } }] : []),
    ...(refers.map ? [{ configMapRef: { name: refers.map } }] : []),
  ];
  return {
    metadata: { namespace: NAMESPACE, name },
    spec: { nodeName, containers: [{ name: "c", image: "i", envFrom }] },
  } as Draft<Pod>;
}

function named(name: string) {
  return { namespace: NAMESPACE, name };
}

/** Two nodes, each with a pod, its Secret and its ConfigMap. */
async function cluster(): Promise<FeedFixture> {
  const fixture = await FeedFixture.start();
  const { local } = fixture;
  for (const name of ["edge", "other"]) {
    await local.create(nodes, {
      metadata: { name },
      spec: { podCIDR: `10.42.${name.length}.0/24` },
    });
    await local.create(secrets, { metadata: named(`${name}-secret`), data: { k: "c2VjcmV0" } });
    await local.create(configMaps, { metadata: named(`${name}-map`), data: { k: name } });
    const refers = { secret: `${name}-secret`, map: `${name}-map` };
    await local.create(pods, podOf(name, name, refers));
  }
  return fixture;
}

async function following(
  fixture: FeedFixture,
  name = "edge",
  options: ConstructorParameters<typeof FollowingNode>[2] = {},
): Promise<FollowingNode> {
  const node = new FollowingNode(fixture, name, options);
  await node.start();
  await node.caughtUp();
  return node;
}

Deno.test("a node is told of its pods and what they refer to, and of nothing that others' pods refer to", async () => {
  const fixture = await cluster();
  const edge = await following(fixture);
  assertInStep(edge);
  const namesOf = (resource: AnyResource) =>
    edge.mirror.list<KubeObject>(resource).map(({ metadata }) => metadata.name);
  assert.deepEqual(namesOf(pods), ["edge"]);
  assert.deepEqual(namesOf(secrets), ["edge-secret"]);
  assert.deepEqual(namesOf(configMaps), ["edge-map"]);
  assert.equal(edge.asked.length, 1, "one request for all kinds");
  await edge.stop();
});

Deno.test("who manages which fields is not told, and what is shown is what digests are made of", async () => {
  const fixture = await cluster();
  const apply = `/api/v1/namespaces/default/services/applied?fieldManager=me`;
  const answer = await fixture.api.ask("PATCH", apply, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "applied" },
    spec: { ports: [{ port: 80 }] },
  }, { "content-type": "application/apply-patch+yaml" });
  assert.equal(answer.status, 201);
  const edge = await following(fixture);
  const shown = edge.mirror.get(services, named("applied"))!;
  const { managedFields, ...metadata } = fixture.local.get(services, named("applied"))!.metadata;
  assert.equal(managedFields?.length, 1);
  assert.deepEqual(shown.metadata, metadata);
  const kept = structuredClone(edge.saved());
  await edge.stop();
  const again = new FollowingNode(fixture, "edge");
  again.mirror.restore({ position: {}, objects: kept });
  await again.start();
  await again.caughtUp();
  assert.ok(again.bytes.down < 1_000, `${again.bytes.down}`);
  await again.stop();
});

Deno.test("what pods refer to comes before them and goes after them", async () => {
  const fixture = await cluster();
  const { local } = fixture;
  const edge = await following(fixture);
  const told: string[] = [];
  edge.mirror.onChange((resource, { type, object }) => {
    told.push(`${type} ${resource.singular} ${object.metadata.name}`);
  });
  await local.create(secrets, { metadata: named("late"), data: {} });
  await fixture.settle();
  assert.deepEqual(told, []);
  const pod = await local.create(
    pods,
    podOf("second", "edge", { secret: "late", map: "edge-map" }),
  );
  await fixture.settle();
  assert.deepEqual(told.splice(0), ["ADDED secret late", "ADDED pod second"]);
  const secret = local.get(secrets, named("late"))!;
  await local.update(secrets, { ...secret, data: { k: "bmV3" } });
  await local.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
  await fixture.settle();
  assert.deepEqual(told.splice(0), [
    "MODIFIED secret late",
    "DELETED pod second",
    "DELETED secret late",
  ]);
  await local.update(secrets, { ...local.get(secrets, named("late"))!, data: {} });
  await fixture.settle();
  assert.deepEqual(told, []);
  assertInStep(edge);
  await edge.stop();
});

Deno.test("an object that a pod waits for comes when it is made; a debug container's comes with it", async () => {
  const fixture = await cluster();
  const { local } = fixture;
  const edge = await following(fixture);
  await local.create(pods, podOf("waiting", "edge", { secret: "missing" }));
  await fixture.settle();
  assert.equal(edge.mirror.get(secrets, named("missing")), undefined);
  await local.create(secrets, { metadata: named("missing"), data: {} });
  await local.create(configMaps, { metadata: named("debug"), data: {} });
  const pod = local.get(pods, named("edge"))!;
  const debugger_ = {
    name: "debugger",
    image: "i",
    envFrom: [{ configMapRef: { name: "debug" } }],
    ...{ terminationMessagePath: "/x", imagePullPolicy: "Always" },
  };
  const path = `/api/v1/namespaces/default/pods/edge/ephemeralcontainers`;
  const answer = await fixture.api.ask("PATCH", path, {
    spec: { ephemeralContainers: [debugger_] },
  }, { "content-type": "application/strategic-merge-patch+json" });
  assert.equal(answer.status, 200, await answer.text());
  assert.equal(pod.spec.ephemeralContainers, undefined);
  await fixture.settle();
  assertInStep(edge);
  assert.ok(edge.mirror.get(secrets, named("missing")));
  assert.ok(edge.mirror.get(configMaps, named("debug")));
  await edge.stop();
});

Deno.test("volumes come with the claims of pods, whoever is first; a folder of the node's own stays until it is removed", async () => {
  const fixture = await cluster();
  const { local } = fixture;
  const edge = await following(fixture);
  const other = await following(fixture, "other");
  const pod = podOf("stateful", "edge");
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
  await local.create(pods, { ...pod, spec: { ...pod.spec, volumes } } as Draft<Pod>);
  const spec = {
    accessModes: ["ReadWriteOnce"],
    capacity: { storage: "1Gi" },
    claimRef: { namespace: NAMESPACE, name: "data" },
  };
  const csi = {
    driver: "d",
    volumeHandle: "h",
    nodeStageSecretRef: { namespace: NAMESPACE, name: "other-secret" },
  };
  await local.create(persistentVolumes, { metadata: { name: "bound" }, spec: { ...spec, csi } });
  await local.create(persistentVolumes, {
    metadata: {
      name: "folder",
      annotations: {
        "pv.kubernetes.io/provisioned-by": "coracle.dev/local-path",
        "coracle.dev/local-path-node": "edge",
      },
    },
    spec: {
      ...{ ...spec, claimRef: { namespace: NAMESPACE, name: "of-nobody" } },
      local: { path: "/folder" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{
            matchExpressions: [{
              key: "kubernetes.io/hostname",
              operator: "In",
              values: ["edge"],
            }],
          }],
        },
      },
    },
  } as never);
  await fixture.settle();
  assertInStep(edge);
  assertInStep(other);
  assert.equal(edge.mirror.list(persistentVolumes).length, 2);
  assert.ok(edge.mirror.get(secrets, named("other-secret")), "the volume needs it");
  await local.delete(pods, named("stateful"), { gracePeriodSeconds: 0 });
  await fixture.settle();
  assertInStep(edge);
  assert.deepEqual(
    edge.mirror.list(persistentVolumes).map(({ metadata }) => metadata.name),
    ["folder"],
  );
  assert.equal(edge.mirror.get(secrets, named("other-secret")), undefined);
  await Promise.all([edge.stop(), other.stop()]);
});

Deno.test("of other nodes a node is told where they are; heartbeats and renewals are told to nobody else", async () => {
  const fixture = await cluster();
  const { local } = fixture;
  const edge = await following(fixture);
  const before = edge.bytes.down;
  const other = local.get(nodes, { name: "other" })!;
  const conditions = (second: number) =>
    [{
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "m",
      lastHeartbeatTime: `2026-01-01T00:00:0${second}Z`,
      lastTransitionTime: "2026-01-01T00:00:00Z",
    }] as never;
  await local.updateStatus(nodes, {
    ...other,
    status: { ...other.status, conditions: conditions(1) },
  });
  await fixture.settle();
  const shown = edge.mirror.get(nodes, { name: "other" })!;
  assert.deepEqual(shown.status.conditions, [{ type: "Ready", status: "True" }]);
  assert.equal(shown.spec.podCIDR, other.spec.podCIDR);
  const told = edge.bytes.down;
  assert.ok(told > before);
  for (let second = 2; second < 6; second++) {
    const seen = local.get(nodes, { name: "other" })!;
    await local.updateStatus(nodes, {
      ...seen,
      status: { ...seen.status, conditions: conditions(second) },
    });
  }
  await fixture.settle();
  assert.equal(edge.bytes.down, told, "nothing that it may know has changed");
  const lease = { namespace: "kube-node-lease", name: "edge" };
  const spec = { holderIdentity: "edge", leaseDurationSeconds: 40 };
  await local.create(leases, { metadata: lease, spec });
  await fixture.settle();
  assert.ok(edge.mirror.get(leases, lease), "its own lease, when it is made");
  const quiet = edge.bytes.down;
  for (let second = 0; second < 5; second++) {
    const seen = local.get(leases, lease)!;
    const renewTime = `2026-01-01T00:00:0${second}.000000Z`;
    await local.update(leases, { ...seen, spec: { ...seen.spec, renewTime } });
  }
  await local.create(leases, { metadata: { ...lease, name: "other" }, spec });
  await fixture.settle();
  assert.equal(edge.bytes.down, quiet);
  await edge.stop();
});

Deno.test("a resync of an unchanged node with a thousand objects costs less than 4 KiB both ways, restart or not", async () => {
  const fixture = await cluster();
  const { local } = fixture;
  for (let i = 0; i < 10; i++) {
    const refers = { secret: `s${i}`, map: `m${i}` };
    await local.create(secrets, { metadata: named(refers.secret), data: { k: "c2VjcmV0" } });
    await local.create(configMaps, { metadata: named(refers.map), data: { k: "x".repeat(2000) } });
    await local.create(pods, podOf(`p${i}`, "edge", refers));
  }
  for (let i = 0; i < 480; i++) {
    const ports = [{ port: 80 }];
    await local.create(services, { metadata: named(`web-${i}`), spec: { ports } });
    await local.create(endpointSlices, {
      metadata: named(`web-${i}-x`),
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.42.1.2"] }],
      ports: [{ port: 80 }],
    } as never);
  }
  const edge = await following(fixture);
  assertInStep(edge);
  const first = edge.bytes.down;
  const resync = async (between: () => Promise<void>): Promise<number> => {
    edge.cut();
    await between();
    const before = edge.bytes.up + edge.bytes.down;
    edge.heal();
    await edge.caughtUp();
    assertInStep(edge);
    return edge.bytes.up + edge.bytes.down - before;
  };
  const afterCut = await resync(() => fixture.settle());
  const afterRestart = await resync(() => fixture.startServer());
  const one = await resync(async () => {
    const service = fixture.local.get(services, named("web-7"))!;
    const metadata = { ...service.metadata, labels: { a: "b" } };
    await fixture.local.update(services, { ...service, metadata });
  });
  const oneAfterRestart = await resync(async () => {
    const service = fixture.local.get(services, named("web-7"))!;
    await fixture.local.update(services, {
      ...service,
      metadata: { ...service.metadata, labels: {} },
    });
    await fixture.startServer();
  });
  assert.ok(first > 200_000, `${first}`);
  assert.ok(afterCut < 4096, `${afterCut} after a cut`);
  assert.ok(afterRestart < 4096, `${afterRestart} after a restart`);
  assert.ok(one < 6_000, `${one} with one change`);
  assert.ok(oneAfterRestart < 12_000, `${oneAfterRestart} with one change and a restart`);
  await edge.stop();
});

Deno.test("a restored backup that gives a revision a second time is seen, whatever the node has kept", async () => {
  const fixture = await cluster();
  await fixture.local.create(services, {
    metadata: named("web"),
    spec: { ports: [{ port: 80 }] },
  });
  const backup = structuredClone([...fixture.disk.rows]);
  const { revision } = fixture.disk;
  await fixture.startServer(); // each start leaves out the same number of revisions
  const edge = await following(fixture);
  const changed = async (k: string) => {
    const map = fixture.local.get(configMaps, named("edge-map"))!;
    await fixture.local.update(configMaps, { ...map, data: { k } });
    const labels = { k };
    const { metadata, ...service } = fixture.local.get(services, named("web"))!;
    await fixture.local.update(services, { ...service, metadata: { ...metadata, labels } });
  };
  await changed("before");
  await fixture.settle();
  const version = edge.mirror.get(configMaps, named("edge-map"))!.metadata.resourceVersion;
  edge.cut();
  Object.assign(fixture.disk, { revision, rows: new Map(backup) });
  await fixture.startServer();
  await changed("after");
  const asked = edge.asked.length;
  edge.heal();
  await edge.caughtUp();
  assert.equal(edge.asked.length, asked + 1, "at the first go");
  assertInStep(edge);
  assert.equal(edge.mirror.get(configMaps, named("edge-map"))!.data?.["k"], "after");
  assert.equal(edge.mirror.get(configMaps, named("edge-map"))!.metadata.resourceVersion, version);
  await edge.stop();
});

Deno.test("a node that was cut off hears of what was deleted, and of old objects that are its own since", async () => {
  const fixture = await cluster();
  const { local } = fixture;
  await local.create(secrets, { metadata: named("older"), data: { k: "b2xk" } });
  const edge = await following(fixture);
  edge.cut();
  await local.delete(configMaps, named("edge-map"));
  await local.create(pods, podOf("later", "edge", { secret: "older" }));
  const asked = edge.asked.length;
  edge.heal();
  await edge.caughtUp();
  assert.equal(edge.asked.length, asked + 1, "by one answer");
  assert.equal(edge.mirror.get(configMaps, named("edge-map")), undefined);
  assert.ok(edge.mirror.get(secrets, named("older")), "though nobody has written it since");
  assertInStep(edge);
  await edge.stop();
});

Deno.test("what was kept without its newest changes is healed after a restart of the node", async () => {
  const fixture = await cluster();
  const before = await following(fixture);
  const objects = SOURCES.flatMap(({ resource }) => before.mirror.list<KubeObject>(resource));
  const position = before.mirror.position();
  await before.stop();
  const forgotten = objects.filter(({ kind }) => kind !== "Secret");
  const outdated = forgotten.map((object) =>
    object.kind === "ConfigMap" ? { ...object, data: { k: "old" } } as KubeObject : object
  );
  const edge = new FollowingNode(fixture, "edge");
  edge.mirror.restore({ position, objects: outdated });
  await edge.start();
  assert.equal(edge.mirror.list(pods).length, 1, "at once");
  await edge.caughtUp();
  assertInStep(edge);
  await edge.stop();
});

Deno.test("where the server has no feeds, each kind is watched; a newer server is found", async () => {
  const fixture = await cluster();
  for (const code of [403, 404]) {
    let isOld = true;
    const refuse = (path: string) =>
      isOld && path.includes("/follow")
        ? Response.json({
          kind: "Status",
          status: "Failure",
          code,
          reason: "NotFound",
          message: "m",
        }, {
          status: code,
        })
        : undefined;
    const sources = [{ resource: services }, {
      resource: pods,
      fieldSelector: "spec.nodeName=edge",
    }];
    const edge = new FollowingNode(fixture, "edge", { sources, refuse });
    await edge.start();
    assert.deepEqual(edge.mirror.list(pods).map(({ metadata }) => metadata.name), ["edge"]);
    assert.equal(edge.mirror.isInStep, false);
    isOld = false;
    await fixture.clock.advance(301_000);
    await edge.caughtUp();
    const asked = edge.asked.length;
    await fixture.local.create(services, {
      metadata: named(`new-${code}`),
      spec: { ports: [{ port: 80 }] },
    });
    await fixture.settle();
    assert.ok(edge.mirror.get(services, named(`new-${code}`)));
    assert.equal(edge.asked.length, asked, "nothing but the feed is left");
    await edge.stop();
  }
});

Deno.test("what only newer servers tell of does not keep a node from following an older one", async () => {
  const fixture = await cluster();
  let isOld = true;
  const forbidden = { kind: "Status", status: "Failure", code: 403, reason: "Forbidden" };
  const refuse = (path: string) =>
    isOld && /\/follow|referencegrants/.test(path)
      ? Response.json({ ...forbidden, message: "m" }, { status: 403 })
      : undefined;
  const sources = [{ resource: services }, {
    resource: referenceGrants,
    isOnlyFed: true as const,
  }];
  await fixture.local.create(referenceGrants, {
    metadata: named("g"),
    spec: { from: [{ group: "", kind: "A", namespace: "a" }], to: [{ group: "", kind: "B" }] },
  } as Draft<ReferenceGrant>);
  const edge = new FollowingNode(fixture, "edge", { sources, refuse });
  await edge.start();
  assert.deepEqual(edge.mirror.list(referenceGrants), []);
  isOld = false;
  await fixture.clock.advance(301_000);
  await edge.caughtUp();
  assert.equal(edge.mirror.list(referenceGrants).length, 1);
  await edge.stop();
});

Deno.test("a newer follower of a node takes the place of the older, and nobody follows for another", async () => {
  const fixture = await cluster();
  const first = await following(fixture);
  const second = await following(fixture);
  await fixture.until(() => !first.mirror.isInStep || first.asked.length > 1);
  await first.stop();
  await second.caughtUp();
  assertInStep(second);
  await second.stop();
  const { app } = fixture.api.api;
  const ask = async (node: string, as: string, query = "kinds=pods") => {
    const headers = { authorization: `Bearer ${as}` };
    const answer = await app.request(`/api/v1/nodes/${node}/follow?${query}`, { headers });
    void answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await ask("other", "edge"), 403);
  assert.equal(await ask("edge", "edge"), 200);
  assert.equal(await ask("edge", "edge", "kinds=pods&known=0.x"), 400);
  assert.equal(await ask("edge", "edge", "kinds=pods&known=9.AAAAAAAA"), 200);
  assert.equal(await ask("edge", "edge", `kinds=${"a,".repeat(70)}`), 400);
  assert.equal(await ask("edge", "edge", "kinds=pods&since=x"), 400);
});

Deno.test("whoever reads slowly is told the newest state of each object, and holds up nobody", async () => {
  const fixture = await cluster();
  const { local } = fixture;
  const edge = await following(fixture);
  const headers = { authorization: "Bearer other" };
  const path = "/api/v1/nodes/other/follow?kinds=services,configmaps";
  const answer = await fixture.api.api.app.request(path, { headers });
  const reader = answer.body!.getReader();
  const text = async () => new TextDecoder().decode((await reader.read()).value);
  assert.match(await text(), /"START"/);
  for (let i = 0; i < 50; i++) {
    const service = local.get(services, named("web"));
    const annotations = { large: `${i} ${"x".repeat(20_000)}` };
    if (!service) {
      await local.create(services, {
        metadata: { ...named("web"), annotations },
        spec: { ports: [{ port: 80 }] },
      });
    } else {
      await local.update(services, { ...service, metadata: { ...service.metadata, annotations } });
    }
  }
  await fixture.settle();
  assertInStep(edge);
  let all = "";
  let reads = 0;
  for (; !all.includes('"large":"49 '); reads++) all += await text();
  const lines = all.split("\n").filter((line) => line.includes('"large"'));
  assert.ok(lines.length < 20, `${lines.length} of 50`);
  void reader.cancel();
  await edge.stop();
});

Deno.test("a node is told the certificates of the Gateways and Ingresses that are on it, and of no others", async () => {
  const fixture = await FeedFixture.start();
  const { local } = fixture;
  const secret = (name: string, namespace = NAMESPACE) =>
    local.create(secrets, { metadata: { namespace, name }, data: { k: "c2VjcmV0" } });
  for (const name of ["berlin", "all", "front", "unused"]) await secret(name);
  await local.create(namespaces, { metadata: { name: "shop" } });
  await secret("far", "shop");
  await local.create(nodes, { metadata: { name: "edge" } });
  const listener = (certificate: object) => ({
    ...{ name: "https", port: 443, protocol: "HTTPS" },
    tls: { certificateRefs: [certificate] },
  });
  const gateway = (name: string, certificate: object, site?: string) =>
    local.create(gateways, {
      metadata: named(name),
      spec: {
        gatewayClassName: "coracle",
        listeners: [listener(certificate)],
        ...(site && { infrastructure: { labels: { "coracle.dev/nodes": site } } }),
      },
    } as Draft<Gateway>);
  await gateway("berlin", { name: "berlin" }, "berlin");
  await gateway("far", { name: "far", namespace: "shop" });
  const edge = await following(fixture);
  const seen = async () => {
    await edge.caughtUp();
    await fixture.settle();
    assertInStep(edge);
    return edge.mirror.list(secrets).map(({ metadata }) => metadata.name).sort();
  };
  assert.deepEqual(await seen(), []);
  await gateway("all", { name: "all" });
  assert.deepEqual(await seen(), ["all"]);
  const label = async (site: string) => {
    const node = local.get(nodes, { name: "edge" })!;
    const labels = { "coracle.dev/nodes": site };
    await local.update(nodes, { ...node, metadata: { ...node.metadata, labels } });
  };
  await label("berlin");
  assert.deepEqual(await seen(), ["all", "berlin"]);
  await label("paris");
  assert.deepEqual(await seen(), ["all"]);
  await local.create(ingresses, {
    metadata: named("front"),
    spec: {
      ingressClassName: "coracle",
      tls: [{ secretName: "front" }],
      defaultBackend: { service: { name: "web", port: { number: 80 } } },
    },
  } as Draft<Ingress>);
  assert.deepEqual(await seen(), ["all", "front"]);
  await local.create(referenceGrants, {
    metadata: { namespace: "shop", name: "g" },
    spec: {
      from: [{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: NAMESPACE }],
      to: [{ group: "", kind: "Secret" }],
    },
  } as Draft<ReferenceGrant>);
  assert.deepEqual(await seen(), ["all", "far", "front"]);
  await local.delete(referenceGrants, { namespace: "shop", name: "g" });
  await local.delete(gateways, named("all"));
  assert.deepEqual(await seen(), ["front"]);
  await edge.stop();
});
