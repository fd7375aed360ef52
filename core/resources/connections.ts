import type { Subresource, SubresourceVerb } from "./subresource.ts";

/** Of a subresource that passes ordinary requests on. */
const PROXY_VERBS: readonly SubresourceVerb[] = ["create", "delete", "get", "patch", "update"];

/** A subresource that connects to what runs: its answer is a stream. `kind`: of its options, which stand in the query. */
export function connection(
  name: string,
  kind: string,
): Pick<Subresource<unknown>, "name" | "verbs" | "body" | "isConnection"> {
  return {
    name,
    isConnection: true,
    verbs: name === "proxy" ? PROXY_VERBS : ["create", "get"],
    body: { group: "", version: "v1", kind },
  };
}
