import { type ImageBlob, type SentImage } from "../../../core/client/images/node_images.ts";
import { tarEnd, tarHeader, tarPadding } from "../../runtimes/podman/tar_archive.ts";

const MODE = 0o644;
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
    yield tarHeader({ name: path, mode: MODE, size: bytes.length });
    yield bytes;
    yield tarPadding(bytes.length);
  }
  for (const { blob: { digest, size }, path } of blobs) {
    yield tarHeader({ name: `blobs/${digest.replace(":", "/")}`, mode: MODE, size });
    const file = await Deno.open(path);
    yield* file.readable;
    yield tarPadding(size);
  }
  yield tarEnd();
}
