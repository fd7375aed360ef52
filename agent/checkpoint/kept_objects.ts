import type { KeptView, SavedView } from "../../core/client/kept_view.ts";
import type { AnyResource, KubeObject } from "../../core/resources/resource.ts";
import { groupResourceOf } from "../../core/resources/resource.ts";
import type { Key } from "../../core/store/store.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { keyOf as pathKeyOf } from "../../core/store/kv/segment.ts";
import { OWN_KIND } from "./own_kinds.ts";
import { isVolatileChange } from "./volatile_change.ts";

/** What is used of a checkpoint here. */
export type KeptValues = Pick<
  Checkpoint,
  "isKept" | "position" | "get" | "values" | "follow" | "put" | "remove"
>;

/** What a checkpoint shows of the API; `undefined` when it is empty. */
export function savedViewOf(checkpoint: KeptValues): SavedView | undefined {
  if (!checkpoint.isKept) return undefined;
  const objects = [...checkpoint.values()].filter(([path]) => !path.startsWith(OWN_KIND))
    .map(([, value]) => value as KubeObject); // as `keepObjects` has put it
  return { position: checkpoint.position, objects };
}

/** Keeps all objects that a view shows now, and each change of them from then on. Returns the stop. */
export function keepObjects(
  view: KeptView,
  { resources, checkpoint }: { resources: readonly AnyResource[]; checkpoint: KeptValues },
): () => void {
  const kept = resources.filter((resource) => !resource.volatile);
  checkpoint.follow(() => view.position());
  removeGone(view, kept, checkpoint);
  for (const resource of kept) {
    for (const object of view.list(resource)) keep(checkpoint, resource, object);
  }
  return view.onChange((resource, { type, object }) => {
    if (resource.volatile) return;
    if (type === "DELETED") checkpoint.remove(keyOf(resource, object));
    else keep(checkpoint, resource, object);
  });
}

function keep(checkpoint: KeptValues, resource: AnyResource, object: KubeObject): void {
  const key = keyOf(resource, object);
  const before = checkpoint.get(key) as KubeObject | undefined; // as this function has put it
  if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
  const isUrgent = before === undefined || !isVolatileChange(before, object);
  checkpoint.put(key, withoutManagers(object), { isUrgent });
}

function removeGone(
  view: KeptView,
  resources: readonly AnyResource[],
  checkpoint: KeptValues,
): void {
  const known = new Map(resources.map((resource) => [groupResourceOf(resource), resource]));
  for (const [path, value] of [...checkpoint.values()]) {
    if (path.startsWith(OWN_KIND)) continue;
    const key = pathKeyOf(path);
    const resource = known.get(key[0]);
    const { metadata } = value as KubeObject; // as `keep` has put it
    if (resource === undefined || view.get(resource, metadata) === undefined) {
      checkpoint.remove(key);
    }
  }
}

/** Who manages which field is the server's alone: a write that does not say keeps it. */
function withoutManagers(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function keyOf(resource: AnyResource, { metadata: { namespace = "", name } }: KubeObject): Key {
  return [groupResourceOf(resource), namespace, name];
}
