import type { Secret } from "../../resources/core/secrets.ts";

/** A file of an image, by its content. https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface ImageBlob {
  /** `sha256:` and 64 hex digits. */
  digest: string;
  /** In bytes. */
  size: number;
}

/** An image whose files have been sent. */
export interface SentImage {
  /** As pods name it. */
  name: string;
  /** Its manifest. */
  manifest: ImageBlob;
}

/** Takes images without a registry. Implemented by the agent, directly or through its tunnel. Refusals are `ApiError`s. */
export interface NodeImages {
  /** Of these files, those that the node lacks, and from which byte on. */
  missing(blobs: readonly ImageBlob[]): Promise<Readonly<Record<string, number>>>;
  /**
   * Takes the bytes of a file from `offset` on, where those before have come already. Resolves with how many there are now;
   * the last ones are refused when the whole is not what its digest says.
   */
  write(blob: ImageBlob, offset: number, bytes: Uint8Array): Promise<number>;
  /** Makes the image, of which nothing is missing, one that pods can have. Resolves with its names. */
  load(image: SentImage): Promise<readonly string[]>;
  /** Fetches an image from its registry, when it is not there, with the credentials of pull secrets. */
  pull(image: string, secrets: readonly Secret[]): Promise<void>;
}

/** Of one piece: as many as fit well into a request. */
export const PIECE_BYTES_MAX = 2 * 1024 * 1024;
/** Of one image: as many as the specification's registries have to take. */
export const BLOBS_MAX = 1_024;
/** Manifests, indexes and configurations: what registries take at least (OCI distribution specification). */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

export const DIGEST = /^sha256:[0-9a-f]{64}$/;
