import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { concat } from "../../../lib/bytes.ts";
import { type LinkContext, rewrittenPage } from "./links.ts";

/** Of a page whose links are rewritten; a larger one is passed on as it is. */
const PAGE_BYTES_MAX = 1024 * 1024;

export function isPage(headers: IncomingHttpHeaders): boolean {
  return (headers["content-type"] ?? "").split(";")[0]!.trim() === "text/html" &&
    ["", "gzip", "deflate"].includes(headers["content-encoding"] ?? "");
}

/** The page with its links rewritten, or the message itself, with what was read of it, when it is too large. */
export async function pageWithLinks(
  message: IncomingMessage,
  links: LinkContext,
): Promise<Readable> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const iterator = message[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) break;
    parts.push(value);
    length += value.length;
    if (length > PAGE_BYTES_MAX) return asItWas(parts, iterator);
  }
  const whole = concat(parts);
  const page = rewritten(whole, message.headers["content-encoding"] ?? "", links);
  return Readable.from([page ?? whole], { objectMode: false });
}

function asItWas(parts: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): Readable {
  async function* all() {
    yield* parts;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  }
  return Readable.from(all(), { objectMode: false });
}

/** `undefined` for what cannot be decompressed, or becomes too large. */
function rewritten(
  bytes: Uint8Array,
  coding: string,
  links: LinkContext,
): Uint8Array | undefined {
  const limit = { maxOutputLength: PAGE_BYTES_MAX };
  try {
    const plain = coding === "gzip"
      ? gunzipSync(bytes, limit)
      : coding === "deflate"
      ? inflateRawSync(bytes, limit)
      : bytes;
    const page = new TextEncoder().encode(rewrittenPage(new TextDecoder().decode(plain), links));
    if (coding === "gzip") return gzipSync(page);
    return coding === "deflate" ? deflateRawSync(page) : page;
  } catch {
    return undefined; // damaged, or a bomb
  }
}
