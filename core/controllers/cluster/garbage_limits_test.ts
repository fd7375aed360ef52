import assert from "node:assert/strict";
import { MutableCatalog } from "../../resources/catalog.ts";
import { type ConfigMap, configMaps } from "../../resources/core/config_maps.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../../resources/resource.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";
import { garbageCollector } from "./garbage_collection.ts";

const FOREGROUND = "foregroundDeletion", ORPHAN = "orphan";

function started(cluster: TestCluster, kinds: AnyResource[] = [configMaps, nodes]) {
  const catalog = new MutableCatalog(kinds);
  const keys: string[] = [];
  const run = garbageCollector(catalog).start(cluster, (key) => keys.push(key));
  return {
    heard: () => [...new Set(keys.splice(0))].map((key) => key.split("/").at(-1)!).sort(),
    look: (name: string) => run.reconcile(`configmaps/default/${name}`, cluster.moment),
    planOf: (key: string) => run.reconcile(key, cluster.moment),
    stop: () => run.stop(),
  };
}

function reference(
  resource: AnyResource,
  { metadata: { name, uid } }: KubeObject,
  more: object = {},
): object {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name, uid, ...more };
}

function map(
  cluster: TestCluster,
  name: string,
  owners: object[] = [],
  metadata: object = {},
): ConfigMap {
  const ownerReferences = owners.length > 0 ? { ownerReferences: owners as never } : {};
  return cluster.put(configMaps, {
    metadata: { name, uid: name, ...ownerReferences, ...metadata },
  });
}

function going(cluster: TestCluster, finalizers: string[]): object {
  return { deletionTimestamp: timestamp(cluster.nowMs), finalizers };
}

Deno.test("500 dependents are let go at once, the rest follows at once, and then the owner loses its finalizer", () => {
  const rows: [count: number, updates: number, againAfterMs: number | undefined][] = [
    [500, 501, undefined],
    [501, 500, 0],
  ];
  for (const [count, updates, againAfterMs] of rows) {
    const cluster = new TestCluster();
    const owner = map(cluster, "owner", [], going(cluster, [ORPHAN, "x/y"]));
    for (let i = 0; i < count; i++) map(cluster, `d${i}`, [reference(configMaps, owner)]);
    const made = started(cluster).look("owner");
    assert.deepEqual([made.writes.length, made.againAfterMs], [updates, againAfterMs]);
  }
});

Deno.test("the finalizers of others stay, and no empty list is left", () => {
  const rows: [before: string[], after: string[] | undefined][] = [
    [[ORPHAN], undefined],
    [[ORPHAN, "x/y"], ["x/y"]],
    [[FOREGROUND], undefined],
    [["x/y", FOREGROUND, "z/w"], ["x/y", "z/w"]],
  ];
  for (const [before, after] of rows) {
    const cluster = new TestCluster();
    map(cluster, "owner", [], going(cluster, before));
    const [write] = started(cluster).look("owner").writes;
    assert.ok(write?.verb === "update");
    assert.deepEqual(write.object.metadata.finalizers, after);
    assert.equal("finalizers" in write.object.metadata, after !== undefined);
  }
});

Deno.test("an owner waits for those dependents that block it, and looks again after 30 s", () => {
  const cluster = new TestCluster();
  const owner = map(cluster, "owner", [], going(cluster, [FOREGROUND]));
  const other = map(cluster, "other");
  const isBlocked = (...dependents: object[][]) => {
    dependents.forEach((owners, i) => map(cluster, `d${i}`, owners));
    const { writes, againAfterMs } = started(cluster).look("owner");
    assert.equal(againAfterMs, writes.length === 0 ? 30_000 : undefined);
    dependents.forEach((_, i) => cluster.take(configMaps, { namespace: "default", name: `d${i}` }));
    return writes.length === 0;
  };
  const blocks = { blockOwnerDeletion: true };
  const lets = reference(configMaps, owner);
  assert.equal(isBlocked(), false);
  assert.equal(isBlocked([lets]), false);
  assert.equal(isBlocked([reference(configMaps, owner, blocks)]), true);
  assert.equal(isBlocked([lets], [reference(configMaps, owner, blocks)]), true);
  assert.equal(isBlocked([lets, reference(configMaps, other, blocks)]), false);
  assert.equal(
    isBlocked([reference(configMaps, owner, blocks), reference(configMaps, other)]),
    true,
  );
});

Deno.test("what is looked at: what has owners, what is ending with finalizers, and dependents of what waits", () => {
  const cluster = new TestCluster();
  const { heard, stop } = started(cluster);
  const owner = map(cluster, "owner");
  assert.deepEqual(heard(), [], "nobody owns it");
  map(cluster, "dependent", [reference(configMaps, owner)]);
  assert.deepEqual(heard(), ["dependent"]);
  map(cluster, "ended", [], going(cluster, []));
  assert.deepEqual(heard(), []);
  map(cluster, "ending", [], going(cluster, ["x/y"]));
  assert.deepEqual(heard(), ["ending"]);
  map(cluster, "owner", [], { uid: "owner", ...going(cluster, [FOREGROUND]) });
  assert.deepEqual(heard(), ["dependent", "owner"]);
  map(cluster, "owner", [], { uid: "owner", ...going(cluster, [ORPHAN]) });
  assert.deepEqual(heard(), ["owner"]);
  cluster.take(configMaps, { namespace: "default", name: "dependent" });
  assert.deepEqual(heard(), ["owner"], "it may have waited");
  stop();
  map(cluster, "late", [reference(configMaps, owner)]);
  assert.deepEqual(heard(), []);
});

Deno.test("an object goes with its last owner, in the foreground only when an owner waits for that", () => {
  const cluster = new TestCluster();
  const waiting = map(cluster, "waiting", [], going(cluster, [FOREGROUND]));
  const gone = { apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "gone" };
  const policyOf = (...owners: object[]) => {
    const middle = map(cluster, "middle", owners);
    map(cluster, "leaf", [reference(configMaps, middle)]);
    const [write] = started(cluster).look("middle").writes;
    assert.ok(write?.verb === "delete");
    return write.options.propagationPolicy;
  };
  assert.equal(policyOf(gone), "Background");
  assert.equal(policyOf(reference(configMaps, waiting)), "Foreground");
  assert.equal(policyOf(gone, reference(configMaps, waiting)), "Foreground");
});

Deno.test("owners are told apart by their group, and what cannot be found needs nothing", () => {
  const cluster = new TestCluster();
  const kept = map(cluster, "kept", [{
    apiVersion: "pps/v1",
    kind: "ConfigMap",
    name: "x",
    uid: "x",
  }]);
  const { look, planOf } = started(cluster);
  assert.deepEqual(look("kept").writes, [], "of a kind that is not served");
  assert.equal(kept.metadata.name, "kept");
  assert.deepEqual(look("none"), { writes: [] });
  assert.deepEqual(planOf("unknown.example.com/default/a"), { writes: [] });
  map(cluster, "free");
  assert.deepEqual(look("free"), { writes: [] });
});
