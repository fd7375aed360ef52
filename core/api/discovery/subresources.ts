import type { AnyResource } from "../../resources/resource.ts";

/** What a subresource speaks: its verbs and, where it is not the object itself, its kind. */
interface Subresource {
  verbs: readonly string[];
  group?: string;
  version?: string;
  kind?: string;
}

/** The subresources that a path may end in, as discovery names them. */
export const SUBRESOURCE_KINDS: Readonly<Record<string, Subresource>> = {
  status: { verbs: ["get", "patch", "update"] },
  scale: { verbs: ["get", "patch", "update"], group: "autoscaling", version: "v1", kind: "Scale" },
  log: { verbs: ["get"] },
  binding: { verbs: ["create"], group: "", version: "v1", kind: "Binding" },
  eviction: { verbs: ["create"], group: "policy", version: "v1", kind: "Eviction" },
  finalize: { verbs: ["update"] },
};

/** All subresources of a kind, in the order of their names. */
export function subresourcesOf(resource: AnyResource): string[] {
  const names = new Set(resource.subresources);
  if (resource.hasStatus) names.add("status");
  if (resource.scale) names.add("scale");
  return [...names].filter((name) => name in SUBRESOURCE_KINDS).sort();
}
