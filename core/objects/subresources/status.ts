import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { Subresource } from "../../resources/subresource.ts";

/** `OBJECT/status` of kinds that have one: the object, of which only the status is written. */
export function status({ hasStatus }: AnyResource): Subresource<KubeObject> | undefined {
  return hasStatus ? STATUS : undefined;
}

const STATUS: Subresource<KubeObject> = {
  name: "status",
  verbs: ["get", "patch", "update"],
  admittedAs: "status",
  decide: (_current, sent) => ({ next: sent }),
};
