import assert from "node:assert/strict";
import fc from "fast-check";
import type { LocalClient } from "../../core/objects/local_client.ts";
import type { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { isReady, NodeUnderTest } from "../agent_fixture.ts";
import { mirrorSteps } from "./mirror_steps.ts";
import { staticPodOf } from "./static_pod.ts";
import { StaticPods } from "./static_pods.ts";

const NODE = "node-a";
const NOW = Date.parse("2026-01-01T00:00:00Z");

Deno.test("a static pod is named, marked and bound as the kubelet does it, and its uid says what it is", () => {
  const pod = parsed(manifest());
  const { uid, annotations, ...metadata } = pod.metadata;
  assert.deepEqual(metadata, {
    namespace: "default",
    name: "web-node-a",
    resourceVersion: "0",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { app: "web" },
  });
  assert.match(uid, /^[0-9a-f]{32}$/);
  assert.deepEqual(annotations, {
    "kubernetes.io/config.hash": uid,
    "kubernetes.io/config.seen": "2026-01-01T00:00:00Z",
    "kubernetes.io/config.source": "file",
  });
  assert.deepEqual([pod.spec.nodeName, pod.status.phase], [NODE, "Pending"]);
  assert.deepEqual(pod.spec.tolerations, [{ operator: "Exists", effect: "NoExecute" }]);
  assert.equal(pod.spec.containers[0]!.imagePullPolicy, "Always");
  assert.equal(parsed(manifest(), { nowMs: NOW + 5_000 }).metadata.uid, uid);
  const others = [
    parsed(manifest({ image: "other" })),
    parsed(manifest(), { path: "/manifests/b.yaml" }),
    parsed(manifest(), { nodeName: "node-b" }),
  ];
  assert.equal(new Set([uid, ...others.map((each) => each.metadata.uid)]).size, 4);
});

Deno.test("what is no pod is refused, whatever it is, and quickly", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"].concat(
    ..."bcdefghi".split("").map((name, i) =>
      `${name}: &${name} [${`*${"abcdefgh"[i]},`.repeat(9)}]`
    ),
  ).join("\n");
  const hostile: [text: string | Uint8Array, why: RegExp][] = [
    ["", /it is empty/],
    ["just text", /./],
    ["{", /./],
    [new Uint8Array([0xff, 0xfe, 0, 1, 2]), /./],
    ["kind: ConfigMap\napiVersion: v1\n", /must be a v1 Pod/],
    [`${manifest()}---\n${manifest()}`, /more than 1 documents/],
    [bomb, /./],
    ["[".repeat(10_000), /./],
    [`${manifest()}# ${"x".repeat(1024 * 1024)}`, /./],
    [manifest({ name: "" }), /name is needed/],
    [manifest({ name: "../../etc" }), /metadata.name/],
    [manifest({ namespace: "../x" }), /metadata.namespace/],
    [manifest({ image: "" }), /image: Required value/],
    [manifest({ more: "  serviceAccountName: robot\n" }), /may not reference API objects/],
    [manifest({ more: "  volumes: [{name: a, secret: {secretName: s}}]\n" }), /its secret does/],
    [manifest({ more: "  volumes: [{name: a, configMap: {name: s}}]\n" }), /its configMap does/],
  ];
  for (const [text, why] of hostile) {
    const started = performance.now();
    assert.throws(
      () => parsed(text),
      { name: "StaticPodError", message: why },
      String(text).slice(0, 80),
    );
    assert.ok(performance.now() - started < 1_000, String(text).slice(0, 80));
  }
});

Deno.test("the mirrors are led to where they should be, in any order of what happens", () => {
  const node = { metadata: { name: NODE, uid: "node-uid" } } as Node;
  const version = fc.constantFrom("1", "2");
  const some = fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c"), version }), {
    selector: ({ name }) => name,
  });
  const mirrors = fc.uniqueArray(
    fc.record({ name: fc.constantFrom("a", "b", "c", "d"), version, isDeleted: fc.boolean() }),
    { selector: ({ name }) => name },
  );
  fc.assert(fc.property(some, mirrors, (wanted, before) => {
    const statics = wanted.map(({ name, version }) => parsed(manifest({ name, image: version })));
    let shown: Pod[] = before.map(({ name, version, isDeleted }) =>
      mirrorOf(parsed(manifest({ name, image: version })), isDeleted)
    );
    for (let round = 0; round < 3; round++) {
      for (const step of mirrorSteps(statics, shown, node)) {
        if (step.do === "delete") shown = shown.filter((mirror) => mirror !== step.mirror);
        else shown.push(step.draft as Pod);
      }
    }
    const uidOf = ({ metadata }: Pod) => metadata.annotations!["kubernetes.io/config.mirror"];
    assert.deepEqual(
      shown.map(uidOf).toSorted(),
      statics.map(({ metadata }) => metadata.uid).toSorted(),
    );
    assert.ok(shown.every(({ metadata }) => metadata.deletionTimestamp === undefined));
  }));
  assert.deepEqual(mirrorSteps([parsed(manifest())], [], undefined), []);
});

Deno.test("a static pod runs, is shown by its mirror, and comes back when somebody deletes that", async () => {
  await using node = await nodeWithStatics();
  const pod = parsed(manifest());
  node.statics.want([pod]);
  await node.until(() => isReady(node.pod("web-node-a")));
  const mirror = node.pod("web-node-a")!;
  assert.equal(mirror.metadata.annotations!["kubernetes.io/config.mirror"], pod.metadata.uid);
  assert.notEqual(mirror.metadata.uid, pod.metadata.uid);
  assert.deepEqual(mirror.metadata.ownerReferences!.map(({ kind, name }) => [kind, name]), [[
    "Node",
    NODE,
  ]]);
  assert.equal(mirror.spec.serviceAccountName, undefined);
  const [run] = node.runtime.containers;
  assert.equal(run!.podUid, pod.metadata.uid);
  await node.client.delete(pods, { namespace: "default", name: "web-node-a" });
  await node.until(() => {
    const next = node.pod("web-node-a");
    return next !== undefined && next.metadata.uid !== mirror.metadata.uid && isReady(next);
  });
  assert.deepEqual(node.runtime.containers.map(({ id, state }) => [id, state]), [[
    run!.id,
    "running",
  ]]);
  assert.equal(node.pod("web-node-a")!.status.startTime, mirror.status.startTime);
});

Deno.test("a file that says something else makes another pod, when the one before has ended", async () => {
  await using node = await nodeWithStatics();
  node.statics.want([parsed(manifest())]);
  await node.until(() => isReady(node.pod("web-node-a")));
  const next = parsed(manifest({ image: "app:2" }));
  node.runtime.images.set("app", { heedsSigterm: false });
  node.statics.want([next]);
  // It has two seconds to end.
  await assert.rejects(node.until(() => node.running().includes("app:2"), 1_500));
  const ending = node.statics.get(pods, { namespace: "default", name: "web-node-a" })!;
  assert.ok(ending.metadata.deletionTimestamp);
  assert.notEqual(ending.spec.containers[0]!.image, "app:2");
  await node.until(() =>
    isReady(node.pod("web-node-a")) && node.runtime.containers.length === 1 &&
    node.pod("web-node-a")!.spec.containers[0]!.image === "app:2", 10_000);
  assert.equal(node.runtime.containers[0]!.podUid, next.metadata.uid);
  node.statics.want([]);
  await node.until(
    () => node.pod("web-node-a") === undefined && node.runtime.containers.length === 0,
    10_000,
  );
});

Deno.test("static pods run, change and end while the API is out of reach", async () => {
  await using node = await nodeWithStatics();
  node.api.isAway = true;
  node.statics.want([parsed(manifest()), parsed(manifest({ name: "b" }), { path: "/b" })]);
  await node.until(() => node.running().length === 2);
  node.statics.want([parsed(manifest({ image: "app:2" }))]);
  await node.until(() => node.running().join() === "app:2", 10_000);
  assert.equal(node.pod("web-node-a"), undefined);
  node.api.isAway = false;
  await node.until(() => isReady(node.pod("web-node-a")), 60_000);
  assert.equal(node.pod("b-node-a"), undefined);
});

Deno.test("an agent that starts again goes on with its static pods, and takes away what shows none", async () => {
  await using node = await nodeWithStatics();
  const [web, gone] = [parsed(manifest()), parsed(manifest({ name: "gone" }))];
  node.statics.want([web, gone]);
  await node.until(() => isReady(node.pod("web-node-a")) && isReady(node.pod("gone-node-a")));
  const before = node.runtime.containers.find(({ podUid }) => podUid === web.metadata.uid)!;
  await node.begin([web]);
  await node.until(
    () => node.pod("gone-node-a") === undefined && node.runtime.containers.length === 1,
    60_000,
  );
  assert.equal(node.runtime.containers[0]!.id, before.id);
});

function manifest({ name = "web", namespace = "", image = "app", more = "" } = {}): string {
  return "apiVersion: v1\nkind: Pod\nmetadata:\n" +
    `  name: "${name}"\n  labels: {app: web}\n${namespace && `  namespace: ${namespace}\n`}` +
    `spec:\n  terminationGracePeriodSeconds: 2\n${more}  containers:\n  - {name: main, image: "${image}"}\n`;
}

function parsed(
  text: string | Uint8Array,
  change: { nowMs?: number; path?: string; nodeName?: string } = {},
): Pod {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return staticPodOf({
    text: bytes,
    path: "/manifests/a.yaml",
    nodeName: NODE,
    nowMs: NOW,
    ...change,
  });
}

function mirrorOf(pod: Pod, isDeleted: boolean): Pod {
  const annotations = { "kubernetes.io/config.mirror": pod.metadata.uid };
  const deleted = isDeleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {};
  return { ...pod, metadata: { ...pod.metadata, annotations, ...deleted } };
}

/** A node with an agent that sees static pods, and whose API can be out of reach. */
async function nodeWithStatics() {
  const node = await NodeUnderTest.start();
  const api = { isAway: false };
  const { client, clock } = node;
  let stop = new AbortController();
  const begin = async (wanted: readonly Pod[]) => {
    stop.abort();
    stop = new AbortController();
    const statics = new StaticPods({
      ...{ nodeName: NODE, view: client, clock, log: silentLog(clock) },
      client: reachable(client, api),
    });
    statics.want(wanted);
    void statics.keepMirrors(stop.signal);
    Object.assign(node, { statics });
    node.more = { client: statics, view: statics };
    await node.restart();
    return statics;
  };
  await begin([]);
  await node.until(() => client.get(nodes, { name: NODE }) !== undefined);
  return Object.assign(node as NodeUnderTest & { statics: StaticPods; clock: VirtualClock }, {
    api,
    begin,
    running: () =>
      node.runtime.containers.filter(({ state }) => state === "running").map(({ image }) => image)
        .toSorted(),
  });
}

function reachable(client: LocalClient, api: { isAway: boolean }): LocalClient {
  return new Proxy(client, {
    get: (_, name) => {
      const member: unknown = Reflect.get(client, name);
      if (typeof member !== "function") return member;
      const isWrite = ["create", "update", "updateStatus", "delete"].includes(String(name));
      return (...args: unknown[]) =>
        api.isAway && isWrite
          ? Promise.reject(new Error("out of reach"))
          : member.apply(client, args);
    },
  });
}
