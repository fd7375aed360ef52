import { apiVersionOf, type Resource } from "../resources/resource.ts";
import type { ObjectName } from "./client.ts";

type Placed = Pick<Resource, "group" | "version" | "plural" | "namespaced">;

/** The API path of the objects of a kind, in all namespaces or in one: `/apis/apps/v1/deployments`. */
export function collectionPath(resource: Placed, namespace?: string): string {
  const root = resource.group === "" ? "/api" : "/apis";
  const within = resource.namespaced && namespace ? `/namespaces/${segment(namespace)}` : "";
  return `${root}/${apiVersionOf(resource)}${within}/${resource.plural}`;
}

/** The API path of one object: `/api/v1/namespaces/default/pods/web`. */
export function objectPath(resource: Placed, { namespace, name }: ObjectName): string {
  return `${collectionPath(resource, namespace)}/${segment(name)}`;
}

function segment(text: string): string {
  return encodeURIComponent(text);
}
