import assert from "node:assert/strict";
import { MutableCatalog } from "../../resources/catalog.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import type { AnyResource } from "../../resources/resource.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { keyOf, loopOf } from "../runtime/controller.ts";
import { namespaceController } from "./namespaces.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { TestCluster } from "../test_cluster.ts";

const KINDS = [configMaps, deployments, nodes];
const controller = namespaceController(new MutableCatalog(KINDS));
const SHOP = { namespace: "shop" };

/** A cluster with a namespace that is being deleted. */
function clusterOf(...contents: [AnyResource, object][]): TestCluster {
  const cluster = new TestCluster();
  cluster.put(namespaces, {
    metadata: { name: "shop", deletionTimestamp: timestamp(cluster.nowMs) },
    spec: { finalizers: ["kubernetes"] },
  });
  for (const [resource, metadata] of contents) {
    cluster.put(resource, { metadata: { ...SHOP, ...metadata }, spec: SPECS[resource.kind] });
  }
  return cluster;
}

const LABELS = { app: "web" };
const SPECS: Readonly<Record<string, unknown>> = {
  Pod: { containers: [{ name: "web", image: "web" }] },
  Deployment: {
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS },
      spec: { containers: [{ name: "web", image: "web" }] },
    },
  },
};

function settle(cluster: TestCluster): void {
  cluster.settle([controller]);
}

Deno.test("a namespace that is being deleted is emptied, and goes", () => {
  const cluster = clusterOf([configMaps, { name: "one" }], [deployments, { name: "web" }]);
  cluster.put(configMaps, { metadata: { name: "elsewhere", namespace: "default" } });
  settle(cluster);
  assert.deepEqual(cluster.list(configMaps).map(({ metadata }) => metadata.name), ["elsewhere"]);
  assert.equal(cluster.list(deployments).length, 0);
  assert.equal(cluster.get(namespaces, { name: "shop" }), undefined);
});

Deno.test("pods go first: what they use stays until the last of them has ended", () => {
  const kinds = namespaceController(new MutableCatalog([configMaps, pods]));
  const cluster = clusterOf(
    [configMaps, { name: "used" }],
    [pods, { name: "busy", finalizers: ["example.com/busy"] }],
    [pods, { name: "idle" }],
  );
  cluster.settle([kinds]);
  const busy = () => cluster.get(pods, { ...SHOP, name: "busy" });
  assert.deepEqual(cluster.list(pods).map(({ metadata }) => metadata.name), ["busy"]);
  assert.ok(busy()?.metadata.deletionTimestamp);
  const { metadata } = cluster.get(configMaps, { ...SHOP, name: "used" })!;
  assert.equal(metadata.deletionTimestamp, undefined);
  cluster.take(pods, { ...SHOP, name: "busy" });
  cluster.settle([kinds]);
  assert.equal(cluster.get(namespaces, { name: "shop" }), undefined);
});

Deno.test("a namespace whose contents do not go says what holds it, in the words of Kubernetes", () => {
  const held = { finalizers: ["example.com/busy"] };
  const cluster = clusterOf(
    [configMaps, { name: "one", ...held }],
    [configMaps, { name: "two", ...held }],
    [deployments, { name: "web", ...held }],
    [deployments, { name: "free" }],
  );
  settle(cluster);
  const { status } = cluster.get(namespaces, { name: "shop" })!;
  assert.equal(status.phase, "Terminating");
  const message = (type: string) => conditionOf(status.conditions, type)?.message;
  assert.equal(
    message("NamespaceContentRemaining"),
    "Some resources are remaining: configmaps. has 2 resource instances, " +
      "deployments.apps has 1 resource instances",
  );
  assert.equal(
    message("NamespaceFinalizersRemaining"),
    "Some content in the namespace has finalizers remaining: example.com/busy in 3 resource instances",
  );
  cluster.take(deployments, { ...SHOP, name: "web" });
  for (const name of ["one", "two"]) cluster.take(configMaps, { ...SHOP, name });
  settle(cluster);
  assert.equal(cluster.get(namespaces, { name: "shop" }), undefined);
});

Deno.test("a namespace that nobody deletes is left alone, and so is one that others still hold", () => {
  const cluster = new TestCluster();
  cluster.put(namespaces, { metadata: { name: "shop" }, spec: { finalizers: ["kubernetes"] } });
  cluster.put(configMaps, { metadata: { ...SHOP, name: "one" } });
  settle(cluster);
  assert.equal(cluster.list(configMaps).length, 1);
  assert.equal(cluster.get(namespaces, { name: "shop" })?.status.phase, "Active");
  const held = clusterOf();
  held.put(namespaces, {
    metadata: held.get(namespaces, { name: "shop" })!.metadata,
    spec: { finalizers: ["example.com/mine"] },
  });
  const [before] = held.list(namespaces);
  settle(held);
  assert.equal(held.get(namespaces, { name: "shop" }), before, "it is not written in vain");
});

Deno.test("what happens in a namespace concerns it only while it is being deleted", () => {
  const heard = (cluster: TestCluster, act: () => void) => {
    const keys: string[] = [];
    const run = loopOf(controller).start(cluster, (key) => keys.push(key));
    keys.length = 0;
    act();
    run.stop();
    return keys;
  };
  const going = clusterOf();
  const put = (cluster: TestCluster) => () =>
    cluster.put(configMaps, { metadata: { ...SHOP, name: "one" } });
  assert.deepEqual(heard(going, put(going)), [keyOf({ name: "shop" })]);
  const staying = new TestCluster();
  staying.put(namespaces, { metadata: { name: "shop" }, spec: { finalizers: ["kubernetes"] } });
  assert.deepEqual(heard(staying, put(staying)), []);
  const unknown = new TestCluster();
  assert.deepEqual(heard(unknown, put(unknown)), []);
});

Deno.test("one look deletes 500 objects, and the next one follows at once when there are more", () => {
  for (const [count, deletes, after] of [[500, 500, undefined], [501, 500, 0]] as const) {
    const names = Array.from({ length: count }, (_, number) => ({ name: `c${number}` }));
    const cluster = clusterOf(...names.map((name): [AnyResource, object] => [configMaps, name]));
    const made = cluster.planOf(controller, { name: "shop" });
    assert.equal(made.writes.filter(({ verb }) => verb === "delete").length, deletes);
    assert.equal(made.againAfterMs, after);
  }
});

Deno.test("without finalizers that remain, the condition says so", () => {
  const cluster = clusterOf([configMaps, { name: "one" }]);
  const made = cluster.planOf(controller, { name: "shop" });
  cluster.perform({ ...made, writes: made.writes.filter(({ verb }) => verb === "updateStatus") });
  const { conditions } = cluster.get(namespaces, { name: "shop" })!.status;
  const { status, reason, message } = conditionOf(conditions, "NamespaceFinalizersRemaining")!;
  assert.deepEqual([status, reason, message], [
    "False",
    "ContentHasNoFinalizers",
    "All content-preserving finalizers finished",
  ]);
});

Deno.test("a namespace is emptied of kinds that have come, and does not wait for those that have gone", () => {
  const held = { finalizers: ["example.com/busy"] };
  const cluster = clusterOf([secrets, { name: "late" }], [configMaps, { name: "kept", ...held }]);
  const catalog = new MutableCatalog(KINDS);
  const controller = namespaceController(catalog);
  cluster.settle([controller]);
  assert.deepEqual(cluster.list(secrets).length, 1);
  catalog.put(secrets);
  cluster.settle([controller]);
  assert.equal(cluster.list(secrets).length, 0);
  assert.ok(cluster.get(namespaces, { name: "shop" }));
  catalog.remove("configmaps");
  cluster.settle([controller]);
  assert.equal(cluster.get(namespaces, { name: "shop" }), undefined);
  assert.equal(cluster.list(configMaps).length, 1);
});
