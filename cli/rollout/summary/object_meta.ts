import { REVISION } from "../../../core/resources/argoproj/rollout_keys.ts";
import type { AnyObject, Metadata } from "../cluster/objects.ts";

/** Who an object is. */
export type ObjectMeta = Pick<Metadata, "name" | "namespace" | "creationTimestamp" | "uid">;

export function objectMetaOf({ metadata }: AnyObject): ObjectMeta {
  const { name, namespace, creationTimestamp, uid } = metadata;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    uid,
  };
}

export function isOwnedBy({ metadata }: AnyObject, uid: string): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
}

/** The revision of a rollout that an object belongs to; 0: none. */
export function revisionOf({ metadata }: AnyObject): number {
  const revision = Number(metadata.annotations?.[REVISION]);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** The oldest first; of the same time by name, upwards (1) or downwards (-1). */
export function byCreation(
  a: { objectMeta: ObjectMeta },
  b: { objectMeta: ObjectMeta },
  direction: 1 | -1,
): number {
  const [x, y] = [a.objectMeta, b.objectMeta];
  return compare(x.creationTimestamp ?? "", y.creationTimestamp ?? "") ||
    direction * compare(x.name, y.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
