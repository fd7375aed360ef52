import { subresourcesOf } from "../../objects/subresources/mod.ts";
import type { Json } from "./openapi_schemas.ts";
import type { ServedKind } from "./served_kinds.ts";

/** The paths of a kind, as OpenAPI v3 has them. `component`: the name of its schema. */
export function pathsOf(kind: ServedKind, component: string): Json {
  const { group, version, resource } = kind;
  const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const collection = `${base}${
    resource.namespaced ? "/namespaces/{namespace}" : ""
  }/${resource.plural}`;
  const operation = operationsOf(kind, component);
  const one = {
    get: operation("get", "get"),
    put: operation("put", "put"),
    patch: operation("patch", "patch"),
    delete: operation("delete", "delete"),
    parameters: [
      pathParameter("name"),
      ...(resource.namespaced ? [pathParameter("namespace")] : []),
    ],
  };
  const subresources = subresourcesOf(resource).filter(({ body, decide }) => !body && decide);
  return {
    [collection]: { get: operation("get", "list"), post: operation("post", "post") },
    [`${collection}/{name}`]: one,
    ...(resource.namespaced
      ? { [`${base}/${resource.plural}`]: { get: operation("get", "list") } }
      : {}),
    ...Object.fromEntries(subresources.map(({ name, verbs }) => [`${collection}/{name}/${name}`, {
      ...(verbs.includes("get") ? { get: one.get } : {}),
      ...(verbs.includes("update") ? { put: one.put } : {}),
      ...(verbs.includes("patch") ? { patch: one.patch } : {}),
    }])),
  };
}

/** kubectl reads the kind of an operation, and whether PATCH has a parameter `fieldValidation`. */
function operationsOf({ group, version, resource }: ServedKind, component: string) {
  const content = { "application/json": { schema: { $ref: `#/components/schemas/${component}` } } };
  const gvk = { group, version, kind: resource.kind };
  return (method: "get" | "put" | "post" | "patch" | "delete", action: string): Json => ({
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
    parameters: method === "get" || method === "delete" ? [] : WRITE_PARAMETERS,
    ...(method === "put" || method === "post" ? { requestBody: { content, required: true } } : {}),
    responses: { [method === "post" ? "201" : "200"]: { description: "OK", content } },
  });
}

const WRITE_PARAMETERS = [
  queryParameter("dryRun", "`All`: everything but the storing."),
  queryParameter("fieldManager", "Name under which the fields are managed."),
  queryParameter("fieldValidation", "What to do about unknown fields: Ignore, Warn or Strict."),
];

function queryParameter(name: string, description: string): Json {
  return { name, in: "query", description, schema: { type: "string", uniqueItems: true } };
}

function pathParameter(name: string): Json {
  return { name, in: "path", required: true, schema: { type: "string", uniqueItems: true } };
}
