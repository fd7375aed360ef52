import type { Secret } from "../../resources/core/secrets.ts";
import type { ImageBlob, SentImage } from "./node_images.ts";

/** The stream of one request for the images of a node: {@linkcode ImageRequest}. */
export const IMAGES = "images";

/** What the server asks; the bytes of `write` follow it. */
export type ImageRequest =
  | { do: "missing"; blobs: readonly ImageBlob[] }
  | { do: "write"; blob: ImageBlob; offset: number; bytes: number }
  | { do: "load"; image: SentImage }
  | { do: "pull"; image: string; secrets: readonly Secret[] };

/** How long an agent may take to fetch an image: as long as for a pod. */
export const PULL_MS_MAX = 60 * 60_000;
/** How long an agent may take to unpack an image: large ones on slow flash. */
export const LOAD_MS_MAX = 15 * 60_000;
