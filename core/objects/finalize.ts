import type { ObjectName } from "../client/client.ts";
import { type Namespace, namespaces } from "../resources/core/namespaces.ts";
import { isJsonObject, objectIn } from "../lib/json/json_value.ts";
import type { Objects } from "./objects.ts";
import { badRequest, conflict } from "../client/refusals.ts";
import type { WriteOptions, Written } from "../client/write_options.ts";

/**
 * PUT namespaces/NAME/finalize: sets who must still finish before the namespace can go. With nobody left, a
 * namespace that is being deleted is gone.
 */
export function finalizeNamespace(
  objects: Objects,
  { name }: ObjectName,
  draft: unknown,
  options: WriteOptions = {},
): Promise<Written> {
  if (!isJsonObject(draft)) {
    throw badRequest("the object provided is unrecognized (must be of type Namespace)");
  }
  const seen = objectIn(draft, "metadata")["resourceVersion"];
  const given = objectIn(draft, "spec")["finalizers"];
  const finalizers = Array.isArray(given) ? given.map(String) : [];
  return objects.amend(namespaces, { name }, (current) => {
    if (seen && seen !== current.metadata.resourceVersion) throw conflict(namespaces, name);
    const namespace = current as Namespace;
    return { ...namespace, spec: { ...namespace.spec, finalizers } } as Namespace;
  }, options);
}
