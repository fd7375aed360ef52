import { gunzipSync, gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { notFound } from "./discovery.ts";
import { pathsOf } from "./openapi_paths.ts";
import { OpenapiSchemas } from "./openapi_schemas.ts";
import { V2Parts } from "./openapi_v2.ts";
import { type Descriptor, protobufDecoder } from "../http/protobuf.ts";
import { builtFrom } from "../../resources/catalog.ts";
import type { ServedKind, ServedKinds } from "./served_kinds.ts";

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
  readonly #v2: () => Promise<OpenapiDocument>;
  readonly #v2Parts = new V2Parts();
  #made: ReadonlyMap<string, Made> = new Map();

  constructor(kinds: ServedKinds, version: string) {
    this.#kinds = kinds;
    this.#version = version;
    this.#all = builtFrom(kinds, () => this.#build());
    this.#v2 = builtFrom(kinds, () => this.#buildV2());
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

  /** GET /openapi/v2: all kinds in one document. */
  v2(): Promise<OpenapiDocument> {
    return this.#v2();
  }

  async #buildV2(): Promise<OpenapiDocument> {
    const { descriptor } = await protobufDecoder();
    const groups = [...this.#kinds.byGroup().values()].flatMap((
      versions,
    ) => [...versions.values()]);
    const info = { title: "Kubernetes", version: this.#version };
    return documentOf(this.#v2Parts.text(info, groups, descriptor));
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
    return documentOf(text);
  }
}

function documentOf(text: string): OpenapiDocument {
  const hash = createHash("sha256").update(text).digest("hex").toUpperCase();
  return { gzip: gzipSync(text), hash };
}

/** A document and the kinds that it describes. */
interface Made {
  kinds: readonly ServedKind[];
  document: OpenapiDocument;
}

export function unzipped({ gzip }: OpenapiDocument): Uint8Array {
  return gunzipSync(gzip);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
