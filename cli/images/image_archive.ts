import { createHash } from "node:crypto";
import {
  DIGEST,
  DOCUMENT_BYTES_MAX,
  type ImageBlob,
} from "../../core/client/images/node_images.ts";
import { isJsonObject } from "../../core/lib/json/json_value.ts";
import { CommandError } from "../../server/command_error.ts";
import { type Readable, TarError, type TarFile, tarIndex } from "./tar_index.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEXES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
/** An index in an index, and so on. */
const DEPTH_MAX = 3;
const READ_BYTES = 1024 * 1024;

/** A file of an image, and who has its bytes. */
export interface ArchivedBlob extends ImageBlob {
  read(start: number, length: number): Promise<Uint8Array>;
}

export interface ArchivedImage {
  /** As pods name it. */
  names: readonly string[];
  /** The manifest for machines of an architecture, such as `arm64`, with all that it names; `undefined`: there is none. */
  filesFor(architecture: string): Promise<ImageFiles | undefined>;
}

export interface ImageFiles {
  manifest: ArchivedBlob;
  /** With the manifest. */
  all: readonly ArchivedBlob[];
}

/**
 * The images of an archive, as `podman save`, `docker save`, `skopeo` and `buildah` write them: an OCI layout, or Docker's own
 * format. Throws a {@linkcode CommandError} that says why it is none.
 */
export async function readImageArchive(archive: Readable, path: string): Promise<ArchivedImage[]> {
  try {
    const files = await tarIndex(archive);
    const reader = new ArchiveFiles(archive, files);
    const images = files.has("index.json")
      ? await imagesOfLayout(reader)
      : files.has("manifest.json")
      ? await imagesOfDocker(reader)
      : [];
    if (images.length > 0) return images;
    throw new TarError("it has no image (neither an OCI layout nor Docker's format)");
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw new CommandError(`Cannot read images from "${path}": ${error.message}`);
  }
}

class ArchiveFiles {
  constructor(
    readonly archive: Readable,
    readonly files: ReadonlyMap<string, TarFile>,
  ) {}

  async json(path: string): Promise<unknown> {
    const file = this.#file(path);
    if (file.size > DOCUMENT_BYTES_MAX) throw new TarError(`"${path}" is too large`);
    return jsonOf(await this.archive.read(file.start, file.size), path);
  }

  has(path: string): boolean {
    return this.files.has(path);
  }

  /** A file by the digest that is its name. */
  blob({ digest, size }: ImageBlob): ArchivedBlob {
    const file = this.#file(`blobs/${digest.replace(":", "/")}`);
    if (file.size !== size) {
      throw new TarError(`${digest} has ${file.size} bytes instead of ${size}`);
    }
    return { digest, size, read: (start, length) => this.#read(file, start, length) };
  }

  /** A file of any name, whose digest is worked out. */
  async hashed(path: string): Promise<ArchivedBlob> {
    const file = this.#file(path);
    const hash = createHash("sha256");
    for (let at = 0; at < file.size; at += READ_BYTES) {
      hash.update(await this.#read(file, at, READ_BYTES));
    }
    const digest = `sha256:${hash.digest("hex")}`;
    return {
      digest,
      size: file.size,
      read: (start, length) => this.#read(file, start, length),
    };
  }

  async #read({ start, size }: TarFile, from: number, length: number): Promise<Uint8Array> {
    return await this.archive.read(start + from, Math.min(length, size - from));
  }

  #file(path: string): TarFile {
    const file = this.files.get(path);
    if (file === undefined) throw new TarError(`"${path}" is missing`);
    return file;
  }
}

async function imagesOfLayout(files: ArchiveFiles): Promise<ArchivedImage[]> {
  const entries = listOf(await files.json("index.json"), "manifests");
  const docker = files.has("manifest.json")
    ? await dockerNames(files)
    : new Map<string, string[]>();
  return await Promise.all(entries.map(async (entry): Promise<ArchivedImage> => {
    const annotations = isJsonObject(entry["annotations"]) ? entry["annotations"] : {};
    const own = annotations["io.containerd.image.name"] ??
      annotations["org.opencontainers.image.ref.name"];
    const config = await configOf(files, entry);
    const names = docker.get(config ?? "") ?? (typeof own === "string" ? [own] : []);
    return { names, filesFor: (architecture) => filesIn(files, entry, { architecture, depth: 0 }) };
  }));
}

/** The digest of the configuration that a manifest names; `undefined` for an index. */
async function configOf(files: ArchiveFiles, entry: Entry): Promise<string | undefined> {
  if (INDEXES.includes(String(entry["mediaType"]))) return undefined;
  const { config } = objectIn(await documentOf(files.blob(blobIn(entry))));
  return isJsonObject(config) ? String(config["digest"]) : undefined;
}

/** Docker writes the names of images beside an OCI layout, by their configurations. */
async function dockerNames(files: ArchiveFiles): Promise<Map<string, string[]>> {
  const entries = listIn(await files.json("manifest.json"));
  return new Map(entries.map(({ Config: config, RepoTags: tags }) => [
    `sha256:${String(config).replace(/^blobs\/sha256\//, "").replace(/\.json$/, "")}`,
    Array.isArray(tags) ? tags.map(String) : [],
  ]));
}

type Entry = Readonly<Record<string, unknown>>;

async function filesIn(
  files: ArchiveFiles,
  entry: Entry,
  { architecture, depth }: { architecture: string; depth: number },
): Promise<ImageFiles | undefined> {
  const manifest = files.blob(blobIn(entry));
  const content = objectIn(await documentOf(manifest));
  if (Array.isArray(content["manifests"])) {
    if (depth === DEPTH_MAX) throw new TarError("its indexes lead nowhere");
    const fitting = listOf(content, "manifests").find(({ platform }) => {
      const { architecture: own, os } = isJsonObject(platform) ? platform : {};
      return own === architecture && os === "linux";
    });
    return fitting && await filesIn(files, fitting, { architecture, depth: depth + 1 });
  }
  const { config } = content;
  const named = [config, ...listOf(content, "layers")].map((one) => files.blob(blobIn(one)));
  return { manifest, all: [manifest, ...named] };
}

async function imagesOfDocker(files: ArchiveFiles): Promise<ArchivedImage[]> {
  const entries = listIn(await files.json("manifest.json"));
  return await Promise.all(entries.map(async ({ Config, RepoTags, Layers }) => {
    const config = await files.hashed(String(Config));
    const paths = Array.isArray(Layers) ? Layers.map(String) : [];
    const layers: { mediaType: string; blob: ArchivedBlob }[] = [];
    for (const path of paths) {
      const blob = await files.hashed(path);
      const isZipped = isGzip(await blob.read(0, 2));
      const mediaType = `application/vnd.oci.image.layer.v1.tar${isZipped ? "+gzip" : ""}`;
      layers.push({ mediaType, blob });
    }
    const manifest = madeManifest(config, layers);
    const all = [manifest, config, ...layers.map(({ blob }) => blob)];
    const { architecture: own } = objectIn(await documentOf(config));
    const names = Array.isArray(RepoTags) ? RepoTags.map(String) : [];
    return {
      names,
      filesFor: (architecture: string) =>
        Promise.resolve(own === architecture ? { manifest, all } : undefined),
    };
  }));
}

function madeManifest(
  config: ArchivedBlob,
  layers: readonly { mediaType: string; blob: ArchivedBlob }[],
): ArchivedBlob {
  const content = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      ...descriptorOf(config),
    },
    layers: layers.map(({ mediaType, blob }) => ({ mediaType, ...descriptorOf(blob) })),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  return {
    digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    size: bytes.length,
    read: (start, length) => Promise.resolve(bytes.subarray(start, start + length)),
  };
}

export function descriptorOf({ digest, size }: ImageBlob): ImageBlob {
  return { digest, size };
}

export function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}

async function documentOf(blob: ArchivedBlob): Promise<unknown> {
  if (blob.size > DOCUMENT_BYTES_MAX) throw new TarError(`${blob.digest} is too large`);
  return jsonOf(await blob.read(0, blob.size), blob.digest);
}

function jsonOf(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new TarError(`"${path}" is no JSON`);
  }
}

function blobIn(value: unknown): ImageBlob {
  const { digest, size } = isJsonObject(value) ? value : {};
  if (typeof digest === "string" && DIGEST.test(digest) && typeof size === "number") {
    return { digest, size };
  }
  throw new TarError("a descriptor in it has no SHA-256 digest or no size");
}

function objectIn(value: unknown): Entry {
  return isJsonObject(value) ? value : {};
}

function listOf(value: unknown, member: string): Entry[] {
  return listIn(objectIn(value)[member]);
}

function listIn(value: unknown): Entry[] {
  return Array.isArray(value) ? value.map(objectIn) : [];
}
