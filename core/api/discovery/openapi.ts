import { gunzipSync, gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { notFound } from "./discovery.ts";
import { type Json, OpenapiSchemas } from "./openapi_schemas.ts";
import { type Descriptor, protobufDecoder } from "../http/protobuf.ts";
import { builtFrom } from "../../resources/catalog.ts";
import type { ServedKind, ServedKinds } from "./served_kinds.ts";
import { subresourcesOf } from "../../objects/subresources/mod.ts";

/** A document, kept compressed since nearly every client accepts gzip. */
export interface OpenapiDocument {
  gzip: Uint8Array;
  hash: string;
}

/**
 * What kubectl 1.27 and 1.28 read as OpenAPI v2: `{swagger: "2.0", info: {title: "K", version: "v1"}}` in
 * gnostic's protobuf. They only check that it exists, and then use v3.
 */
export const OPENAPI_V2: Uint8Array = new Uint8Array([
  ...[0x0a, 3, ...bytesOf("2.0")],
  ...[0x12, 7, 0x0a, 1, ...bytesOf("K"), 0x12, 2, ...bytesOf("v1")],
]);
/** With dots in place of the `@` in the clients' Accept header, which Go's MIME parser refuses. */
export const OPENAPI_V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** The OpenAPI v3 documents, one per group and version; each is built at its first use and after its kinds have changed. */
export class Openapi {
  readonly #kinds: ServedKinds;
  readonly #version: string;
  readonly #all: () => Promise<ReadonlyMap<string, OpenapiDocument>>;
  #made: ReadonlyMap<string, Made> = new Map();

  constructor(kinds: ServedKinds, version: string) {
    this.#kinds = kinds;
    this.#version = version;
    this.#all = builtFrom(kinds, () => this.#build());
  }

  /** GET /openapi/v3: the URL of each document, which contains its hash. */
  async index(): Promise<unknown> {
    const documents = await this.#all();
    return {
      paths: Object.fromEntries(
        [...documents].map(([path, { hash }]) => [
          path,
          { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` },
        ]),
      ),
    };
  }

  /** GET /openapi/v3/PATH. Throws NotFound. */
  async document(path: string): Promise<OpenapiDocument> {
    const document = (await this.#all()).get(path);
    if (!document) throw notFound();
    return document;
  }

  async #build(): Promise<ReadonlyMap<string, OpenapiDocument>> {
    const { descriptor } = await protobufDecoder();
    const made = new Map<string, Made>();
    for (const [group, versions] of this.#kinds.byGroup()) {
      for (const [version, kinds] of versions) {
        const path = group ? `apis/${group}/${version}` : `api/${version}`;
        const before = this.#made.get(path);
        const isSame = before?.kinds.length === kinds.length &&
          kinds.every((kind, index) => kind === before.kinds[index]);
        made.set(path, isSame ? before : { kinds, document: this.#document(kinds, descriptor) });
      }
    }
    this.#made = made;
    return new Map([...made].map(([path, { document }]) => [path, document]));
  }

  #document(kinds: readonly ServedKind[], descriptor: Descriptor): OpenapiDocument {
    const schemas = new OpenapiSchemas(descriptor);
    const text = JSON.stringify({
      openapi: "3.0.0",
      info: { title: "Kubernetes", version: this.#version },
      paths: Object.assign({}, ...kinds.map((kind) => pathsOf(kind, schemas.add(kind)))),
      components: { schemas: schemas.components },
    });
    const hash = createHash("sha256").update(text).digest("hex").toUpperCase();
    return { gzip: gzipSync(text), hash };
  }
}

/** A document and the kinds that it describes. */
interface Made {
  kinds: readonly ServedKind[];
  document: OpenapiDocument;
}

export function unzipped({ gzip }: OpenapiDocument): Uint8Array {
  return gunzipSync(gzip);
}

function pathsOf(kind: ServedKind, component: string): Json {
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

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
