import { type ImageBlob, type SentImage } from "../../../core/client/images/node_images.ts";

const BLOCK_BYTES = 512;
const encoder = new TextEncoder();

/**
 * An image as an archive of an OCI layout, as `podman load` takes it. Layers that the runtime has may be left out.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export function imageArchive(
  { name, manifest }: SentImage,
  blobs: readonly { blob: ImageBlob; path: string }[],
): ReadableStream<Uint8Array> {
  return ReadableStream.from(piecesOf(documentsOf({ name, manifest }), blobs));
}

function documentsOf({ name, manifest }: SentImage): [path: string, content: object][] {
  const descriptor = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    ...manifest,
    annotations: { "org.opencontainers.image.ref.name": name },
  };
  return [
    ["oci-layout", { imageLayoutVersion: "1.0.0" }],
    ["index.json", { schemaVersion: 2, manifests: [descriptor] }],
  ];
}

async function* piecesOf(
  documents: readonly [path: string, content: object][],
  blobs: readonly { blob: ImageBlob; path: string }[],
): AsyncGenerator<Uint8Array> {
  for (const [path, content] of documents) {
    const bytes = encoder.encode(JSON.stringify(content));
    yield headerOf(path, bytes.length);
    yield bytes;
    yield paddingOf(bytes.length);
  }
  for (const { blob: { digest, size }, path } of blobs) {
    yield headerOf(`blobs/${digest.replace(":", "/")}`, size);
    const file = await Deno.open(path);
    yield* file.readable;
    yield paddingOf(size);
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

/** Of a file in the ustar format (POSIX, pax); sizes beyond 8 GiB as GNU tar writes them. */
function headerOf(name: string, size: number): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  const text = (at: number, value: string) => header.set(encoder.encode(value), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  text(0, name);
  text(100, octal(0o644, 7));
  text(108, octal(0, 7));
  text(116, octal(0, 7));
  if (size < 8 ** 11) text(124, octal(size, 11));
  else {
    header[124] = 0x80;
    new DataView(header.buffer).setBigUint64(128, BigInt(size));
  }
  text(136, octal(0, 11));
  text(148, " ".repeat(8)); // the checksum counts itself as spaces
  text(156, "0");
  text(257, "ustar\x0000");
  text(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return header;
}

function paddingOf(size: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES);
}
