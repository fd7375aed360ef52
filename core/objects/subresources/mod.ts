import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { Subresource } from "../../resources/subresource.ts";
import { scale } from "./scale.ts";
import { status } from "./status.ts";

/**
 * What any kind can have: each says what it is for a kind, or `undefined` for one that does not have it. Another such
 * subresource is one file and one line here; one of a single kind is declared with that kind.
 */
const OF_ANY_KIND: readonly ((resource: AnyResource) => Subresource<KubeObject> | undefined)[] = [
  scale,
  status,
];

const found = new WeakMap<AnyResource, readonly Subresource<KubeObject>[]>();

/** All subresources of a kind, in the order of their names. */
export function subresourcesOf(resource: AnyResource): readonly Subresource<KubeObject>[] {
  const known = found.get(resource);
  if (known) return known;
  const all = [
    ...resource.subresources,
    ...OF_ANY_KIND.map((of) => of(resource)).filter((each) => each !== undefined),
  ].sort((a, b) => a.name < b.name ? -1 : 1);
  if (resource.reading) all.reverse(); // of custom resources: status, then scale, as Kubernetes lists them
  found.set(resource, all);
  return all;
}

export function subresourceOf(
  resource: AnyResource,
  name: string,
): Subresource<KubeObject> | undefined {
  return subresourcesOf(resource).find((each) => each.name === name);
}
