import type { ImageBlob, SentImage } from "./node_images.ts";

/** The stream of one request for the images of a node: {@linkcode ImageRequest}. */
export const IMAGES = "images";

/** What the server asks; the bytes of `write` follow it. */
export type ImageRequest =
  | { do: "missing"; blobs: readonly ImageBlob[] }
  | { do: "write"; blob: ImageBlob; offset: number; bytes: number }
  | { do: "load"; image: SentImage };

/** How long an agent may take to unpack an image: large ones on slow flash. */
export const LOAD_MS_MAX = 15 * 60_000;
