import type { KubeObject } from "../resources/resource.ts";

/**
 * Whether the first object has precedence over the second, as a number for sorting: the older one, then the one whose
 * `namespace/name` comes first. https://gateway-api.sigs.k8s.io/guides/api-design/#conflicts
 */
export function olderFirst({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number {
  if (a.creationTimestamp !== b.creationTimestamp) {
    return a.creationTimestamp < b.creationTimestamp ? -1 : 1;
  }
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
}
