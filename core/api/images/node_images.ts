import { ApiError } from "../../client/api_error.ts";
import {
  BLOBS_MAX,
  DIGEST,
  type ImageBlob,
  type NodeImages,
  PIECE_BYTES_MAX,
} from "../../client/images/node_images.ts";
import { UnreachableNode } from "../../client/nodes/unreachable_node.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { type JsonLimits, parseJson } from "../../lib/json/json_text.ts";
import { sendJson } from "../http/answer.ts";
import type { Stream } from "../streams/stream.ts";
import { methodNotAllowed, nameOf, type ObjectRequest } from "../verbs/request.ts";
import { entryOf } from "../verbs/verbs.ts";

/** For as many files as an image may have. */
const LIMITS: JsonLimits = { depthMax: 8, valuesMax: 8 * BLOBS_MAX };

/** The agents that can be reached, by the names of their nodes. */
export interface ImagesOfNodes {
  get(node: string): NodeImages | undefined;
}

/**
 * NODE/images: images without a registry.
 *
 * - `POST images` with `{"blobs":[{"digest","size"}]}` answers `{"missing":{DIGEST:OFFSET}}`,
 * - `PUT images/DIGEST?size=N&offset=N` takes a piece and answers `{"written":N}`,
 * - `POST images/load` with `{"name","manifest":{"digest","size"}}` answers `{"names":[…]}`.
 */
export function nodeImages(images: ImagesOfNodes): Stream {
  return {
    subresource: "images",
    undeclaredOf: "nodes",
    takesPath: true,
    answer: (request) => answer(request, images),
  };
}

async function answer(request: ObjectRequest, images: ImagesOfNodes): Promise<Response> {
  const { c, path: { rest } } = request;
  const { name } = nameOf(request);
  entryOf(request);
  const [what, more] = rest;
  if (more !== undefined) {
    throw new ApiError("NotFound", "the server could not find the requested resource");
  }
  try {
    const found = images.get(name);
    if (!found) throw UnreachableNode.notConnected(name);
    return sendJson(c, 200, await done(request, what, found));
  } catch (error) {
    if (!(error instanceof UnreachableNode)) throw error;
    throw new ApiError("ServiceUnavailable", error.message);
  }
}

async function done(
  request: ObjectRequest,
  what: string | undefined,
  images: NodeImages,
): Promise<object> {
  const { c } = request;
  const { method } = c.req;
  if (what !== undefined && DIGEST.test(what)) {
    if (method !== "PUT") throw methodNotAllowed();
    return { written: await write(request, what, images) };
  }
  if (method !== "POST") throw methodNotAllowed();
  const asked = await documentOf(request);
  if (what === undefined) {
    const { blobs } = asked;
    if (!Array.isArray(blobs)) throw new ApiError("BadRequest", '"blobs" is missing');
    return { missing: await images.missing(blobs.map(blobOf)) };
  }
  if (what !== "load") {
    throw new ApiError("NotFound", "the server could not find the requested resource");
  }
  const { name, manifest } = asked;
  if (typeof name !== "string") throw new ApiError("BadRequest", '"name" is missing');
  return { names: await images.load({ name, manifest: blobOf(manifest) }) };
}

async function write({ c }: ObjectRequest, digest: string, images: NodeImages): Promise<number> {
  const [size, offset] = [numberOf(c.req.query("size")), numberOf(c.req.query("offset"))];
  if (size === undefined || offset === undefined) {
    throw new ApiError("BadRequest", '"size" and "offset" are needed, in bytes');
  }
  const bytes = await c.get("readBody")();
  if (bytes.length > PIECE_BYTES_MAX) {
    throw new ApiError("BadRequest", `a piece has at most ${PIECE_BYTES_MAX} bytes`);
  }
  return await images.write({ digest, size }, offset, bytes);
}

async function documentOf({ c }: ObjectRequest): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value = parseJson(await c.get("readBody")(), LIMITS);
    return isJsonObject(value) ? value : {};
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError("BadRequest", "the body is not JSON");
  }
}

function blobOf(value: unknown): ImageBlob {
  const { digest, size } = isJsonObject(value) ? value : {};
  if (typeof digest !== "string" || !DIGEST.test(digest) || !isCount(size)) {
    throw new ApiError("BadRequest", "a file of an image is {digest: sha256:…, size: bytes}");
  }
  return { digest, size };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
