import { ownField } from "../../core/lib/own_field.ts";
import type { KubeObject } from "../../core/resources/resource.ts";

/** Fields that tell when somebody was last heard of, or who wrote: they change though nothing has happened. */
const VOLATILE = new Set([
  "resourceVersion",
  "managedFields",
  "lastHeartbeatTime",
  "lastProbeTime",
  "lastUpdateTime",
  "renewTime",
]);
/** Where such fields are: what users write is never passed over. */
const PLACES = ["metadata", "status"];
const NOTHING: ReadonlySet<string> = new Set();

/** Whether an object differs from what it was only in times that change by themselves. Pure. */
export function isVolatileChange(before: KubeObject, after: KubeObject): boolean {
  return isSame(withoutPlaces(before), withoutPlaces(after), NOTHING) &&
    PLACES.every((place) =>
      isSame(
        ownField(before as unknown as Record<string, unknown>, place),
        ownField(after as unknown as Record<string, unknown>, place),
        VOLATILE,
      )
    );
}

function withoutPlaces(object: KubeObject): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !PLACES.includes(name)));
}

/** As `isEqual`, whatever is in the fields that `ignored` names. */
function isSame(one: unknown, other: unknown, ignored: ReadonlySet<string>): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return false;
  }
  if (Array.isArray(one) || Array.isArray(other)) {
    return Array.isArray(one) && Array.isArray(other) && one.length === other.length &&
      one.every((item, index) => isSame(item, other[index], ignored));
  }
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .every((name) =>
      ignored.has(name) || isSame(ownField(left, name), ownField(right, name), ignored)
    );
}
