import assert from "node:assert/strict";
import { type ConfigMap, configMaps } from "../../resources/core/config_maps.ts";
import { MutableCatalog } from "../../resources/catalog.ts";
import { leases } from "../../resources/coordination/leases.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../../resources/resource.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { services } from "../../resources/core/services/services.ts";
import type { Plan } from "../runtime/controller.ts";
import type { LoopRun } from "../runtime/controller.ts";
import { garbageCollector } from "./garbage_collection.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { TestCluster } from "../test_cluster.ts";

const RESOURCES = [configMaps, secrets, nodes, leases];

/** The collector at work: it looks at what it is fed, until nothing is left to do. */
class Run {
  readonly cluster = new TestCluster();
  readonly catalog = new MutableCatalog(RESOURCES);
  readonly #keys = new Set<string>();
  #run = this.#start();

  /** Knows no more than a collector that has just been started. */
  restart(): void {
    this.#keys.clear();
    this.#run.stop();
    this.#run = this.#start();
  }

  collect(): void {
    while (this.#keys.size > 0) {
      const keys = [...this.#keys];
      this.#keys.clear();
      for (const key of keys) {
        this.cluster.perform(this.#run.reconcile(key, this.cluster.moment));
      }
    }
  }

  /** What is decided on a ConfigMap. */
  look(name: string): Plan {
    return this.#run.reconcile(`configmaps/default/${name}`, this.cluster.moment);
  }

  map(name: string, owners: readonly object[] = [], metadata: object = {}): ConfigMap {
    const ownerReferences = owners.length > 0 ? { ownerReferences: owners as never } : {};
    return this.cluster.put(configMaps, { metadata: { name, ...ownerReferences, ...metadata } });
  }

  /** Marks an object for deletion as a delete with a finalizer would. */
  mark({ metadata }: ConfigMap, finalizer: string): void {
    this.map(metadata.name, metadata.ownerReferences, {
      ...metadata,
      deletionTimestamp: timestamp(this.cluster.nowMs),
      finalizers: [finalizer],
    });
  }

  #start(): LoopRun {
    return garbageCollector(this.catalog).start(this.cluster, (key) => this.#keys.add(key));
  }

  get names(): string[] {
    return this.cluster.list(configMaps).map(({ metadata }) => metadata.name);
  }
}

function owner(resource: AnyResource, { metadata }: KubeObject, more: object = {}): object {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: metadata.name,
    uid: metadata.uid,
    ...more,
  };
}

Deno.test("what its owner has left behind goes, and what that owned", () => {
  const run = new Run();
  const top = run.map("top");
  const middle = run.map("middle", [owner(configMaps, top)]);
  run.map("leaf", [owner(configMaps, middle)]);
  run.collect();
  assert.equal(run.names.length, 3);
  run.cluster.take(configMaps, top.metadata);
  run.collect();
  assert.deepEqual(run.names, []);
});

Deno.test("what was left behind before it was started goes too, and what was marked", () => {
  const run = new Run();
  const parent = run.map("parent");
  run.map("child", [owner(configMaps, parent)]);
  run.map("free");
  const marked = run.map("marked");
  run.map("of-marked", [owner(configMaps, marked, { blockOwnerDeletion: true })]);
  run.cluster.take(configMaps, parent.metadata);
  run.mark(marked, "foregroundDeletion");
  run.mark(run.map("marked-alone"), "foregroundDeletion");
  run.restart();
  run.collect();
  assert.deepEqual(run.names, ["free"]);
});

Deno.test("an owner of the same name with another uid is not the owner", () => {
  const run = new Run();
  const first = run.map("top");
  run.map("leaf", [owner(configMaps, first)]);
  run.cluster.take(configMaps, first.metadata);
  run.map("top");
  run.collect();
  assert.deepEqual(run.names, ["top"]);
});

Deno.test("with one of several owners left it stays, and forgets those that are gone", () => {
  const run = new Run();
  const [one, two] = [run.map("one"), run.map("two")];
  run.map("leaf", [owner(configMaps, one), owner(configMaps, two)]);
  run.cluster.take(configMaps, one.metadata);
  run.collect();
  const leaf = run.cluster.get(configMaps, { namespace: "default", name: "leaf" })!;
  assert.deepEqual(leaf.metadata.ownerReferences?.map(({ name }) => name), ["two"]);
});

Deno.test("an owner of a kind that is not served might still be there", () => {
  const run = new Run();
  run.map("leaf", [{ apiVersion: "example.com/v1", kind: "Thing", name: "x", uid: "x" }]);
  run.collect();
  assert.deepEqual(run.names, ["leaf"]);
});

Deno.test("owners without namespace are found from any namespace", () => {
  const run = new Run();
  const node = run.cluster.put(nodes, { metadata: { name: "n1" } });
  run.cluster.put(leases, {
    metadata: {
      name: "n1",
      namespace: "kube-node-lease",
      ownerReferences: [owner(nodes, node) as never],
    },
  });
  run.collect();
  assert.equal(run.cluster.list(leases).length, 1);
  run.cluster.take(nodes, { name: "n1" });
  run.collect();
  assert.equal(run.cluster.list(leases).length, 0);
});

Deno.test("what has no namespace is not deleted for an owner that has one: nobody can tell where it is", () => {
  const run = new Run();
  const map = run.map("top");
  const metadata = { name: "n1", ownerReferences: [owner(configMaps, map) as never] };
  run.cluster.put(nodes, { metadata });
  run.collect();
  assert.equal(run.cluster.list(nodes).length, 1);
});

Deno.test("in the foreground the owner goes after the dependents that block it, at any depth", () => {
  const run = new Run();
  const blocks = { blockOwnerDeletion: true };
  const top = run.map("top");
  const middle = run.map("middle", [owner(configMaps, top, blocks)]);
  run.map("leaf", [owner(configMaps, middle, blocks)], { finalizers: ["example.com/busy"] });
  run.mark(top, "foregroundDeletion");
  run.collect();
  assert.deepEqual(run.names, ["leaf", "middle", "top"], "the leaf is still busy");
  run.cluster.take(configMaps, { namespace: "default", name: "leaf" });
  run.collect();
  assert.deepEqual(run.names, []);
});

Deno.test("a dependent with another owner stays, and lets the one go that waits for its dependents", () => {
  const run = new Run();
  const [going, staying] = [run.map("going"), run.map("staying")];
  const blocks = { blockOwnerDeletion: true };
  run.map("leaf", [owner(configMaps, going, blocks), owner(configMaps, staying, blocks)]);
  run.mark(going, "foregroundDeletion");
  run.collect();
  run.restart(); // the owner is looked at again
  run.collect();
  assert.deepEqual(run.names, ["leaf", "staying"]);
  const leaf = run.cluster.get(configMaps, { namespace: "default", name: "leaf" })!;
  assert.deepEqual(leaf.metadata.ownerReferences?.map(({ name }) => name), ["staying"]);
});

Deno.test("owners in a circle do not wait for each other for ever", () => {
  const run = new Run();
  const blocks = { blockOwnerDeletion: true };
  const one = run.map("one");
  const other = run.map("other", [owner(configMaps, one, blocks)]);
  run.map("one", [owner(configMaps, other, blocks)], one.metadata);
  run.mark(run.cluster.get(configMaps, one.metadata)!, "foregroundDeletion");
  run.collect();
  run.restart(); // the first is looked at again
  run.collect();
  assert.deepEqual(run.names, []);
});

Deno.test("a dependent that does not block lets its owner go first, and follows", () => {
  const run = new Run();
  const top = run.map("top");
  run.map("leaf", [owner(configMaps, top)], { finalizers: ["example.com/busy"] });
  run.mark(top, "foregroundDeletion");
  run.collect();
  assert.deepEqual(run.names, ["leaf"]);
  const leaf = run.cluster.get(configMaps, { namespace: "default", name: "leaf" })!;
  assert.ok(leaf.metadata.deletionTimestamp);
});

Deno.test("what is left behind goes as it was seen, and as its own finalizers want", () => {
  const run = new Run();
  const gone = run.map("gone");
  run.cluster.take(configMaps, gone.metadata);
  const finalizers = { orphan: "Orphan", foregroundDeletion: "Foreground", other: "Background" };
  for (const [finalizer, propagationPolicy] of Object.entries(finalizers)) {
    const name = finalizer.toLowerCase();
    const { metadata } = run.map(name, [owner(configMaps, gone)], { finalizers: [finalizer] });
    const { uid, resourceVersion } = metadata;
    assert.deepEqual(
      run.look(name).writes.map((write) => write.verb === "delete" && write.options),
      [
        { propagationPolicy, preconditions: { uid, resourceVersion } },
      ],
    );
  }
});

Deno.test("orphaned dependents stay without their owner", () => {
  const run = new Run();
  const top = run.map("top");
  run.map("leaf", [owner(configMaps, top)]);
  run.mark(top, "orphan");
  run.collect();
  assert.deepEqual(run.names, ["leaf"]);
  const leaf = run.cluster.get(configMaps, { namespace: "default", name: "leaf" })!;
  assert.equal(leaf.metadata.ownerReferences, undefined);
});

Deno.test("what has an owner of a kind that is not there stays, and goes when the kind has come and the owner has not", () => {
  const run = new Run();
  const there = run.cluster.put(services, { metadata: { name: "there" }, spec: {} });
  run.map("orphan", [{ apiVersion: "v1", kind: "Service", name: "gone", uid: "uid-gone" }]);
  run.map("child", [owner(services, there)]);
  run.collect();
  assert.deepEqual(run.names, ["child", "orphan"]);
  run.catalog.put(services);
  run.collect();
  assert.deepEqual(run.names, ["child"]);
  run.cluster.take(services, there.metadata);
  run.collect();
  assert.deepEqual(run.names, []);
});

Deno.test("of a kind that has gone nothing is collected, and what it owned stays", () => {
  const run = new Run();
  const secret = run.cluster.put(secrets, { metadata: { name: "owner" } });
  run.map("child", [owner(secrets, secret)]);
  const map = run.map("top");
  run.cluster.put(secrets, {
    metadata: { name: "dependent", ownerReferences: [owner(configMaps, map)] as never },
  });
  run.collect();
  run.catalog.remove("secrets");
  run.cluster.take(configMaps, map.metadata);
  run.cluster.take(secrets, secret.metadata);
  run.map("child", [owner(secrets, secret)], { labels: { seen: "again" } });
  run.collect();
  assert.deepEqual(run.names, ["child"]);
  assert.equal(run.cluster.list(secrets).length, 1);
  run.catalog.put(secrets);
  run.collect();
  assert.deepEqual(run.names, []);
  assert.equal(run.cluster.list(secrets).length, 0);
});
