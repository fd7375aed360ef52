import { CHUNKED, UNTIL_CLOSE } from "./body_framing.ts";
import { CR, HEX, IS_FIELD_VALUE, LF, SPACE, ZERO } from "./characters.ts";
import { needMore, parseFields } from "./fields.ts";
import { type Head, LENGTH_ABSENT, NEED_MORE, parseVersion, refused } from "./head.ts";

/** Parses a response head (RFC 9112 §4). Returns as `parseRequest` does; refusals are 502. */
export function parseResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
  head: Head,
  isHeadRequest: boolean,
): number {
  head.start = start;
  head.skippable = undefined;
  head.isResponse = true;
  const version = parseVersion(bytes, start, end, head);
  if (version <= 0) return version === NEED_MORE ? NEED_MORE : -502;
  let p = version;
  if (end - p < 5) return NEED_MORE;
  head.status = (bytes[p + 1]! - ZERO) * 100 + (bytes[p + 2]! - ZERO) * 10 + bytes[p + 3]! - ZERO;
  const afterStatus = bytes[p + 4]!;
  const isStatus = bytes[p] === SPACE && head.status >= 100 && head.status < 600 &&
    HEX[bytes[p + 2]!]! < 10 && HEX[bytes[p + 3]!]! < 10;
  if (!isStatus || (afterStatus !== SPACE && afterStatus !== CR)) {
    return refused(head, 502, "a bad status line");
  }
  p += 4;
  while (p < end && IS_FIELD_VALUE[bytes[p]!] === 1) p++;
  if (p >= end) return needMore(head, IS_FIELD_VALUE);
  if (p + 1 >= end) return NEED_MORE;
  if (bytes[p] !== CR || bytes[p + 1] !== LF) return refused(head, 502, "a bad status line");
  const headEnd = parseFields(bytes, p + 2, end, head);
  if (headEnd <= 0) return headEnd === NEED_MORE ? NEED_MORE : -502;
  if (head.isChunked && head.length !== LENGTH_ABSENT) {
    return refused(head, 502, "two body lengths");
  }
  if (head.isChunked) head.length = CHUNKED;
  if (head.isChunked && head.minorVersion === 0) head.closes = true; // RFC 9112 §6.1: faulty framing
  const { status } = head;
  const hasNoBody = status === 204 || status < 200;
  head.hasStrayFraming = hasNoBody && head.length !== LENGTH_ABSENT;
  if (isHeadRequest || hasNoBody || status === 304) head.length = 0;
  else if (head.length === LENGTH_ABSENT) head.length = UNTIL_CLOSE;
  return headEnd;
}
