import type { JsonObject } from "../../lib/json/json_value.ts";

/** A group and version that somebody else serves. */
export interface RemoteVersion {
  group: string;
  version: string;
  /** As its APIResourceList has them; `undefined`: it does not answer. */
  resources: readonly JsonObject[] | undefined;
}

/** The same in aggregated discovery. */
export function aggregatedRemote({ group, version, resources }: RemoteVersion): unknown {
  if (!resources) return { version, freshness: "Stale" };
  const whole = resources.filter(({ name }) => !String(name).includes("/"));
  return {
    version,
    resources: whole.map((resource) => ({
      resource: resource["name"],
      responseKind: kindOf(resource, { group, version }),
      scope: resource["namespaced"] ? "Namespaced" : "Cluster",
      singularResource: resource["singularName"],
      verbs: resource["verbs"],
      ...pick(resource, "shortNames"),
      ...pick(resource, "categories"),
      ...subresourcesOf(resource, resources, { group, version }),
    })),
    freshness: "Current",
  };
}

function subresourcesOf(
  { name }: JsonObject,
  resources: readonly JsonObject[],
  own: { group: string; version: string },
): object {
  const prefix = `${name}/`;
  const found = resources.filter((one) => String(one["name"]).startsWith(prefix));
  if (found.length === 0) return {};
  return {
    subresources: found.map((one) => ({
      subresource: String(one["name"]).slice(prefix.length),
      responseKind: kindOf(one, own),
      verbs: one["verbs"],
    })),
  };
}

function kindOf(resource: JsonObject, own: { group: string; version: string }): object {
  const { group = own.group, version = own.version, kind } = resource;
  return { group, version, kind };
}

function pick(resource: JsonObject, field: string): object {
  return resource[field] === undefined ? {} : { [field]: resource[field] };
}
