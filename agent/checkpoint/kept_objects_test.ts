import assert from "node:assert/strict";
import type { KeptView, SavedView } from "../../core/client/kept_view.ts";
import { MirroredKind } from "../../core/client/mirrored_kind.ts";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { leases } from "../../core/resources/coordination/leases.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import type { AnyResource, KubeObject, Resource } from "../../core/resources/resource.ts";
import { newSecretKey } from "../../core/store/encryption/secret_keys.ts";
import { Checkpoint } from "./checkpoint.ts";
import { FaultyDisk } from "./faulty_disk.ts";
import { keepObjects, savedViewOf } from "./kept_objects.ts";

const KEY = newSecretKey("2026-12-01T00:00:00Z");
const RESOURCES: AnyResource[] = [configMaps, leases];

Deno.test("all objects are kept, then each change; leases are not", async () => {
  const disk = new FaultyDisk();
  const [view, checkpoint] = [new ToyView(), await opened(disk)];
  view.put(configMaps, object("ConfigMap", "a", "1"));
  view.put(leases, object("Lease", "l", "2"));
  const stop = keepObjects(view, { resources: RESOURCES, checkpoint });
  view.put(configMaps, object("ConfigMap", "b", "3"));
  view.put(configMaps, object("ConfigMap", "a", "4"));
  view.put(leases, object("Lease", "l", "5"));
  await checkpoint.flush();
  view.remove(configMaps, object("ConfigMap", "b", "6"));
  await checkpoint.flush();
  stop();
  assert.deepEqual(savedViewOf(await opened(disk)), {
    position: { at: "6" },
    objects: [object("ConfigMap", "a", "4")],
  });
});

Deno.test("what is gone when a process begins is gone from what it keeps", async () => {
  const disk = new FaultyDisk();
  const checkpoint = await opened(disk);
  checkpoint.put(["configmaps", "default", "old"], object("ConfigMap", "old", "1"));
  checkpoint.put(["forgotten.example.com", "", "f"], object("Forgotten", "f", "1"));
  checkpoint.put(["~statuses", "", "u"], {});
  const view = new ToyView();
  view.put(configMaps, object("ConfigMap", "a", "2"));
  keepObjects(view, { resources: RESOURCES, checkpoint });
  await checkpoint.flush();
  const again = await opened(disk);
  assert.deepEqual([...again.values().keys()].sort(), ["configmaps/default/a", "~statuses//u"]);
});

Deno.test("a change of its managers alone is not written, and who manages what is not kept", async () => {
  const disk = new FaultyDisk();
  const [view, checkpoint] = [new ToyView(), await opened(disk)];
  view.put(configMaps, object("ConfigMap", "a", "1"));
  keepObjects(view, { resources: RESOURCES, checkpoint });
  await checkpoint.flush();
  const before = disk.writes;
  const managed = object("ConfigMap", "a", "2");
  view.put(configMaps, { ...managed, metadata: { ...managed.metadata, managedFields: [] } });
  await checkpoint.flush();
  assert.equal(disk.writes, before);
  view.put(configMaps, object("ConfigMap", "b", "3"));
  await checkpoint.flush();
  // A resume from the position would not tell it again.
  assert.deepEqual(savedViewOf(await opened(disk))?.objects[0], managed);
});

Deno.test("an empty checkpoint shows nothing to start with", async () => {
  assert.equal(savedViewOf(await opened(new FaultyDisk())), undefined);
});

class ToyView implements KeptView {
  readonly #kinds = new Map(RESOURCES.map((resource) => [resource, new MirroredKind(resource)]));
  #position = "0";

  put(resource: AnyResource, object: KubeObject): void {
    this.#kinds.get(resource)!.put(object);
    this.#position = object.metadata.resourceVersion;
  }
  remove(resource: AnyResource, object: KubeObject): void {
    this.#kinds.get(resource)!.remove(object);
    this.#position = object.metadata.resourceVersion;
  }
  restore(_: SavedView): void {}
  position(): unknown {
    return { at: this.#position };
  }
  onChange(listener: Parameters<KeptView["onChange"]>[0]): () => void {
    for (const [resource, kind] of this.#kinds) {
      kind.subscribe((event) => listener(resource, event));
    }
    return () => {};
  }
  get<T extends KubeObject>(resource: Resource<T>, name: KubeObject["metadata"]): T | undefined {
    return this.#of(resource).get(name);
  }
  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    return this.#of(resource).list(namespace);
  }
  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    return this.#of(resource).by(index, value);
  }
  subscribe(): () => void {
    return () => {};
  }
  #of<T extends KubeObject>(resource: Resource<T>): MirroredKind<T> {
    return this.#kinds.get(resource as unknown as AnyResource) as unknown as MirroredKind<T>;
  }
}

function object(kind: string, name: string, resourceVersion: string): KubeObject {
  const metadata = { name, namespace: "default", uid: `uid-${name}`, resourceVersion };
  return { apiVersion: "v1", kind, metadata } as unknown as KubeObject; // nothing else is read
}

async function opened(disk: FaultyDisk): Promise<Checkpoint> {
  const clock = new VirtualClock();
  return await Checkpoint.open({
    ...{ disk, key: KEY, cluster: "home", clock, log: silentLog(clock) },
    isSecret: () => false,
  });
}
