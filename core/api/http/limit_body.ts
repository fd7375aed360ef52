import { concat } from "../../lib/bytes.ts";
import { ApiError } from "../../client/api_error.ts";
import type { ApiContext, ApiMiddleware } from "./api_context.ts";

/** As kube-apiserver's limit of a request. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/**
 * Refuses bodies that are too large, at once by `content-length`, else while they are read; and compressed ones
 * (RFC 9110 §8.4), whose decompressed size nothing would limit.
 */
export function limitBody(bytesMax: number = BODY_BYTES_MAX): ApiMiddleware {
  return async (c, next) => {
    if (!isPassedOn(c)) refuseLargeBody(c.req.header("content-length"), bytesMax);
    const coding = c.req.header("content-encoding") ?? "identity";
    c.set("readBody", () => {
      if (coding.toLowerCase() !== "identity") throw encoded(coding);
      return readWithin(c, bytesMax);
    });
    await next();
  };
}

/** What is proxied is not read here, and costs no more memory for being large. */
function isPassedOn(c: ApiContext): boolean {
  const info = c.get("info");
  return info?.isResource === true && info.subresource === "proxy";
}

/** Throws RequestEntityTooLarge when `content-length` says that the body is too large. */
export function refuseLargeBody(
  contentLength: string | undefined,
  bytesMax: number = BODY_BYTES_MAX,
): void {
  if (contentLength !== undefined && Number(contentLength) > bytesMax) throw tooLarge(bytesMax);
}

async function readWithin(c: ApiContext, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of chunksOf(c)) {
      length += chunk.length;
      if (length > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError("BadRequest", "the body of the request ended too early");
  }
  const announced = Number(c.req.header("content-length") ?? length);
  if (announced !== length) {
    throw new ApiError("BadRequest", "the body of the request ended too early");
  }
  return chunks.length === 1 ? chunks[0]! : concat(chunks);
}

/** Directly from the socket where there is one: a web stream in between would double the cost. */
async function* chunksOf(c: ApiContext): AsyncIterable<Uint8Array> {
  const incoming = c.env?.incoming;
  if (incoming) yield* incoming as AsyncIterable<Uint8Array>;
  else if (c.req.raw.body) yield* c.req.raw.body;
}

function encoded(coding: string): ApiError {
  return new ApiError(
    "UnsupportedMediaType",
    `the body of the request has the content-encoding ${JSON.stringify(coding)}; send it plain`,
  );
}

function tooLarge(bytesMax: number): ApiError {
  return new ApiError("RequestEntityTooLarge", `Request entity too large: limit is ${bytesMax}`);
}
