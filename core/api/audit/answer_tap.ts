import type { HttpBindings } from "@hono/node-server";
import { concat } from "../../lib/bytes.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import type { AuditedRequest } from "./audited_request.ts";
import { BODY_BYTES_MAX } from "./event.ts";

type Outgoing = NonNullable<HttpBindings["outgoing"]>;

/** Tells of an answer while it is written to its socket, which happens as without. */
export function tapAnswer(outgoing: Outgoing, record: AuditedRequest): void {
  const { write, end, writeHead } = outgoing;
  let pieces: Uint8Array[] | undefined;
  let length = 0;
  let type = "";
  const keep = (piece: unknown) => {
    if (!pieces || !(piece instanceof Uint8Array || typeof piece === "string")) return;
    const bytes = typeof piece === "string" ? encoder.encode(piece) : piece.slice();
    length += bytes.length;
    if (length > BODY_BYTES_MAX) pieces = [];
    else pieces.push(bytes);
  };
  outgoing.writeHead = function (...given: unknown[]) {
    const result = Reflect.apply(writeHead, outgoing, given);
    record.started(outgoing.statusCode);
    type = mediaTypeIn(given.at(-1)) ?? String(outgoing.getHeader("content-type") ?? "");
    if (record.wantsAnswer(outgoing.statusCode)) pieces = [];
    return result;
  } as typeof writeHead;
  outgoing.write = function (...given: unknown[]) {
    keep(given[0]);
    return Reflect.apply(write, outgoing, given);
  } as typeof write;
  outgoing.end = function (...given: unknown[]) {
    keep(given[0]);
    if (pieces) {
      const isWhole = length <= BODY_BYTES_MAX;
      record.answered({ type: type.split(";")[0]!, bytes: isWhole ? concat(pieces) : undefined });
      pieces = undefined;
    }
    return Reflect.apply(end, outgoing, given);
  } as typeof end;
}
const encoder = new TextEncoder();

/** Headers that are given with the code are not told of by `getHeader`. */
function mediaTypeIn(headers: unknown): string | undefined {
  if (!isJsonObject(headers)) return undefined;
  const type = headers["content-type"];
  return typeof type === "string" ? type : undefined;
}
