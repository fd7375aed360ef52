import { ApiError } from "../../../core/client/api_error.ts";
import { DIGEST, type ImageBlob } from "../../../core/client/images/node_images.ts";
import { isJsonObject } from "../../../core/lib/json/json_value.ts";
import { type JsonLimits, parseJson } from "../../../core/lib/json/json_text.ts";

/** An image has some ten layers, and each a few annotations. */
const DOCUMENT_LIMITS: JsonLimits = { depthMax: 16, valuesMax: 100_000 };

/**
 * The files that a manifest names. Throws BadRequest when it is none.
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md
 */
export function layersOf(bytes: Uint8Array): { config: ImageBlob; layers: ImageBlob[] } {
  const manifest = valueOf(bytes);
  const { config, layers } = isJsonObject(manifest) ? manifest : {};
  if (!Array.isArray(layers)) throw noManifest();
  return { config: blobOf(config), layers: layers.map(blobOf) };
}

function blobOf(value: unknown): ImageBlob {
  const { digest, size } = isJsonObject(value) ? value : {};
  if (typeof digest === "string" && DIGEST.test(digest) && typeof size === "number") {
    return { digest, size };
  }
  throw noManifest();
}

function valueOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes, DOCUMENT_LIMITS);
  } catch {
    throw noManifest();
  }
}

function noManifest(): ApiError {
  return new ApiError("BadRequest", "what was sent as the manifest of an image is none");
}
