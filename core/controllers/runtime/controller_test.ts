import assert from "node:assert/strict";
import { type ConfigMap, configMaps } from "../../resources/core/config_maps.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { secrets } from "../../resources/core/secrets.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { TestCluster } from "../test_cluster.ts";
import {
  type ControllerWithMemory,
  create,
  earliest,
  keyOf,
  loopOf,
  nameOf,
  NOTHING,
  plan,
  remove,
  type WatchWithMemory,
} from "./controller.ts";

const MOMENT = { nowMs: 5, elapsedMs: 7 };

type Seen = ControllerWithMemory<ConfigMap, string>;

function controller(more: Partial<Seen>): Seen {
  return {
    name: "test",
    resource: configMaps,
    watches: [],
    workers: 1,
    reconcile: () => NOTHING,
    ...more,
  };
}

Deno.test("what a plan remembers is there at the next look of the run, until a plan forgets it; another run begins with none", () => {
  const cluster = new TestCluster();
  cluster.put(configMaps, { metadata: { name: "a" } });
  const seen: unknown[] = [];
  const loop = loopOf(controller({
    reconcile(_configMap, _view, nowMs, { memory, elapsedMs }) {
      seen.push([...memory], nowMs, elapsedMs);
      return memory.has("first")
        ? { writes: [], remember: [["first", undefined], ["second", "2"]] }
        : { writes: [], remember: [["first", "1"]] };
    },
    gone(name, _view, nowMs, { memory }) {
      seen.push(name, nowMs, [...memory]);
      return NOTHING;
    },
  }));
  const run = loop.start(cluster, () => {});
  run.reconcile("default/a", MOMENT);
  run.reconcile("default/a", MOMENT);
  run.reconcile("default/gone", MOMENT);
  assert.deepEqual(seen.splice(0), [
    ...[[], 5, 7],
    ...[[["first", "1"]], 5, 7],
    ...[{ namespace: "default", name: "gone" }, 5, [["second", "2"]]],
  ]);
  loop.start(cluster, () => {}).reconcile("default/a", MOMENT);
  assert.deepEqual(seen, [[], 5, 7]);
});

Deno.test("an object that is gone leads to nothing where that does not matter", () => {
  const run = loopOf(controller({})).start(new TestCluster(), () => {});
  assert.deepEqual(run.reconcile("default/gone", MOMENT), NOTHING);
});

Deno.test("a watch that includes former objects adds those that a change took off, once", () => {
  const cluster = new TestCluster();
  const target = (changed: unknown): string | undefined =>
    (changed as KubeObject).metadata.labels?.["for"];
  const watch: WatchWithMemory<string> = {
    resource: secrets,
    includesFormer: true,
    concerns: (changed) =>
      target(changed) === undefined ? [] : [{ namespace: "default", name: target(changed)! }],
  };
  const keys: string[] = [];
  const heard = () => [...new Set(keys.splice(0))].sort();
  const put = (name: string, of?: string) =>
    cluster.put(secrets, { metadata: { name, uid: name, labels: of ? { for: of } : {} } });
  put("s", "a");
  const run = loopOf(controller({ watches: [watch] })).start(cluster, (key) => keys.push(key));
  assert.deepEqual(heard(), ["default/a"], "what was there at the start");
  put("s", "b");
  assert.deepEqual(heard(), ["default/a", "default/b"]);
  put("s");
  assert.deepEqual(heard(), ["default/b"]);
  put("s");
  assert.deepEqual(heard(), []);
  put("s", "c");
  assert.deepEqual(heard(), ["default/c"]);
  cluster.take(secrets, { namespace: "default", name: "s" });
  assert.deepEqual(heard(), ["default/c"]);
  put("s");
  assert.deepEqual(heard(), [], "it is another object");
  run.stop();
  put("s", "d");
  assert.deepEqual(heard(), [], "nothing is added after the stop");
});

Deno.test("at the start, own objects are looked at, and others where objects that are gone matter", () => {
  const cluster = new TestCluster();
  cluster.put(configMaps, { metadata: { name: "own" } });
  cluster.put(secrets, { metadata: { name: "other" } });
  const watch = { resource: secrets, concerns: () => [{ namespace: "default", name: "named" }] };
  const keysOf = (more: Partial<Seen>) => {
    const keys: string[] = [];
    loopOf(controller({ watches: [watch], ...more })).start(cluster, (key) => keys.push(key));
    return keys;
  };
  assert.deepEqual(keysOf({}), ["default/own"]);
  assert.deepEqual(keysOf({ gone: () => NOTHING }), ["default/own", "default/named"]);
});

Deno.test("a watch may ask the memory", () => {
  const cluster = new TestCluster();
  const keys: string[] = [];
  const run = loopOf(controller({
    watches: [{
      resource: secrets,
      concerns: (_changed, _view, memory) => [...memory.keys()].map((name) => ({ name })),
    }],
    reconcile: () => ({ writes: [], remember: [["known", "x"]] }),
  })).start(cluster, (key) => keys.push(key));
  cluster.put(secrets, { metadata: { name: "s" } });
  assert.deepEqual(keys, []);
  cluster.put(configMaps, { metadata: { name: "a" } });
  run.reconcile("default/a", MOMENT);
  keys.length = 0;
  cluster.put(secrets, { metadata: { name: "s" } });
  assert.deepEqual(keys, ["/known"]);
});

Deno.test("keys and names are each other's inverse", () => {
  for (const name of [{ name: "a" }, { namespace: "b", name: "a" }]) {
    assert.deepEqual(nameOf(keyOf(name)), name);
  }
  assert.equal(keyOf({ name: "a" }), "/a");
});

Deno.test("the earlier of two times counts, and undefined is never", () => {
  const rows: (number | undefined)[][] = [
    [1, 2, 1],
    [2, 1, 1],
    [undefined, 3, 3],
    [3, undefined, 3],
    [undefined, undefined, undefined],
  ];
  for (const [a, b, expected] of rows) assert.equal(earliest(a, b), expected);
  assert.deepEqual(plan([]), { writes: [] });
  assert.deepEqual(plan([], 0), { writes: [], againAfterMs: 0 });
});

Deno.test("a deletion names this very object, and says nothing that was not given", () => {
  const cluster = new TestCluster();
  const configMap = cluster.put(configMaps, { metadata: { name: "a", uid: "u1" } });
  const namespace = cluster.put(namespaces, { metadata: { name: "n", uid: "u2" } });
  const event = { about: configMap, type: "Normal" as const, reason: "R", message: "m" };
  assert.deepEqual(remove(configMaps, configMap, { gracePeriodSeconds: 0, event }), {
    verb: "delete",
    resource: configMaps,
    name: { namespace: "default", name: "a" },
    options: { gracePeriodSeconds: 0, preconditions: { uid: "u1" } },
    event,
  });
  assert.deepEqual(remove(namespaces, namespace, { preconditions: { resourceVersion: "3" } }), {
    verb: "delete",
    resource: namespaces,
    name: { name: "n" },
    options: { preconditions: { uid: "u2", resourceVersion: "3" } },
  });
  const draft = { metadata: { name: "b" } };
  assert.deepEqual(create(configMaps, draft), { verb: "create", resource: configMaps, draft });
});
