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

/** With dots in place of the `@` in the clients' Accept header, which Go's MIME parser refuses. */
export const OPENAPI_V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** The OpenAPI v3 documents, one per group and version; each is built at its first use and after its kinds have changed. */
export class Openapi {
  readonly #kinds: ServedKinds;
  readonly #version: string;
  readonly #all: () => Promise<ReadonlyMap<string, OpenapiDocument>>;
  readonly #v2: () => Promise<OpenapiDocument>;
  readonly #v2Protobuf: () => Promise<OpenapiDocument>;
  readonly #v2Parts = new V2Parts();
  #made: ReadonlyMap<string, Made> = new Map();

  constructor(kinds: ServedKinds, version: string) {
    this.#kinds = kinds;
    this.#version = version;
    this.#all = builtFrom(kinds, () => this.#build());
    this.#v2 = builtFrom(kinds, () => this.#buildV2());
    this.#v2Protobuf = builtFrom(kinds, async () => protobufOf(await this.#v2()));
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

  /** The same in protobuf, of type {@linkcode OPENAPI_V2_TYPE}: for kubectl before 1.27 and for libraries in Go. */
  v2Protobuf(): Promise<OpenapiDocument> {
    return this.#v2Protobuf();
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

async function protobufOf(document: OpenapiDocument): Promise<OpenapiDocument> {
  const [{ openapiV2Protobuf }, { default: protobuf }] = await Promise.all([
    import("./openapi_v2_protobuf.ts"),
    import("protobufjs/minimal.js"),
  ]);
  const parsed: unknown = JSON.parse(new TextDecoder().decode(unzipped(document)));
  return documentOf(openapiV2Protobuf(parsed, protobuf.Writer.create()));
}

function documentOf(text: string | Uint8Array): OpenapiDocument {
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
