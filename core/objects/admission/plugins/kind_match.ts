import type { AnyResource } from "../../../resources/resource.ts";

/** Whether `resource` is the kind: a server may serve it in another shape. */
export function isOfKind(
  resource: AnyResource,
  { group, plural }: Pick<AnyResource, "group" | "plural">,
): boolean {
  return resource.plural === plural && resource.group === group;
}
