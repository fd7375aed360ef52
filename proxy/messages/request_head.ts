import { CHUNKED } from "./body_framing.ts";
import {
  ascii,
  CR,
  HASH,
  IS_AUTHORITY,
  IS_TARGET,
  IS_TOKEN,
  isExactly,
  isWord,
  LF,
  QUESTION_MARK,
  SLASH,
  SPACE,
} from "./characters.ts";
import { needMore, parseFields } from "./fields.ts";
import {
  dropLine,
  type Head,
  HOST_BYTES_MAX,
  LENGTH_ABSENT,
  NEED_MORE,
  parseVersion,
  refused,
} from "./head.ts";

const METHOD_BYTES_MAX = 32;

const ABSOLUTE = ascii("http://"), ABSOLUTE_TLS = ascii("https://");
const GET = ascii("GET"), PUT = ascii("PUT"), HEAD = ascii("HEAD");
const DELETE = ascii("DELETE"), OPTIONS = ascii("OPTIONS"), TRACE = ascii("TRACE");
const CONNECT = ascii("CONNECT");

/**
 * Parses a request head (RFC 9112 §3) strictly: whatever two readers could understand differently is refused.
 * Returns the offset after the head, {@linkcode NEED_MORE}, or the status to refuse it with, negative;
 * `head.problem` says why. Looks at no byte past `end` and depends on nothing but the bytes.
 */
export function parseRequest(bytes: Uint8Array, start: number, end: number, head: Head): number {
  let p = start;
  head.skippable = undefined;
  if (p < end && bytes[p] === CR) { // one empty line before a request is allowed
    if (p + 1 >= end) return NEED_MORE;
    if (bytes[p + 1] !== LF) return refused(head, 400, "a bare carriage return");
    p += 2;
  }
  head.start = p;
  while (p < end && IS_TOKEN[bytes[p]!] === 1) p++;
  if (p - head.start > METHOD_BYTES_MAX) return refused(head, 400, "the method is too long");
  if (p >= end) return NEED_MORE;
  if (bytes[p] !== SPACE || p === head.start) return refused(head, 400, "no method");
  head.methodEnd = p++;
  head.targetStart = head.pathStart = p;
  while (p < end && IS_TARGET[bytes[p]!] === 1) p++;
  if (p >= end) return needMore(head, IS_TARGET);
  if (bytes[p] === HASH) return refused(head, 400, "a fragment in the target");
  if (bytes[p] !== SPACE || p === head.targetStart) return refused(head, 400, "no target");
  head.targetEnd = p++;
  const version = parseVersion(bytes, p, end, head);
  if (version <= 0) return version;
  p = version;
  if (p + 1 >= end) return NEED_MORE;
  if (bytes[p] !== CR || bytes[p + 1] !== LF) return refused(head, 400, "a bad request line");
  noteMethod(bytes, head);
  head.isResponse = false;
  const headEnd = parseFields(bytes, p + 2, end, head);
  return headEnd <= 0 ? headEnd : checkedRequest(bytes, headEnd, head);
}

function noteMethod(bytes: Uint8Array, head: Head): void {
  const { start } = head;
  const length = head.methodEnd - start;
  head.isHead = length === 4 && isExactly(bytes, start, HEAD);
  head.isIdempotent = head.isHead ||
    (length === 3 && (isExactly(bytes, start, GET) || isExactly(bytes, start, PUT))) ||
    (length === 6 && isExactly(bytes, start, DELETE)) ||
    (length === 7 && isExactly(bytes, start, OPTIONS)) ||
    (length === 5 && isExactly(bytes, start, TRACE));
}

/** The rules that need the whole head. */
function checkedRequest(bytes: Uint8Array, headEnd: number, head: Head): number {
  if (head.isChunked) {
    if (head.length !== LENGTH_ABSENT) {
      return refused(head, 400, "both Content-Length and Transfer-Encoding");
    }
    if (head.minorVersion === 0) return refused(head, 400, "Transfer-Encoding in HTTP/1.0");
    head.length = CHUNKED;
  } else if (head.length === LENGTH_ABSENT) head.length = 0;
  if (head.length !== 0) head.upgrades = false;
  if (!head.hasHost && head.minorVersion === 1) return refused(head, 400, "no Host field");
  const first = bytes[head.targetStart]!;
  if (first === SLASH) return headEnd;
  const methodLength = head.methodEnd - head.start;
  if (methodLength === 7 && isExactly(bytes, head.start, CONNECT)) {
    return refused(head, 501, "CONNECT is not supported");
  }
  const targetLength = head.targetEnd - head.targetStart;
  if (targetLength === 1 && bytes[head.targetStart] === 42 && methodLength === 7) return headEnd;
  return checkedAbsoluteTarget(bytes, headEnd, head);
}

/**
 * `http://host/path`: its authority takes the place of Host, whatever that says (RFC 9112 §3.2.2). One of `https` was not
 * meant for a connection without TLS (RFC 9110 §7.4).
 */
function checkedAbsoluteTarget(bytes: Uint8Array, headEnd: number, head: Head): number {
  const { targetStart, targetEnd } = head;
  const authorityStart = targetStart + ABSOLUTE.length;
  if (targetEnd > authorityStart && isWord(bytes, targetStart, ABSOLUTE_TLS)) {
    return refused(head, 421, "an https target on a connection without TLS");
  }
  if (targetEnd <= authorityStart || !isWord(bytes, targetStart, ABSOLUTE)) {
    return refused(head, 400, "a bad target");
  }
  let p = authorityStart;
  while (p < targetEnd && IS_AUTHORITY[bytes[p]!] === 1) p++;
  const isPath = p === targetEnd || bytes[p] === SLASH || bytes[p] === QUESTION_MARK;
  if (p === authorityStart || !isPath) return refused(head, 400, "a bad target");
  if (p - authorityStart > HOST_BYTES_MAX) return refused(head, 400, "a host that is too long");
  head.pathStart = p;
  return withHostOf(bytes, authorityStart, p, head) ? headEnd : refused(head, 431, TOO_MANY);
}

const TOO_MANY = "too many fields that are not for the next hop";

/** Puts the authority of a target in the place of Host. False: the line cannot be dropped. */
function withHostOf(bytes: Uint8Array, start: number, end: number, head: Head): boolean {
  const { hostStart, hostEnd, hasHost } = head;
  const isSame = hasHost && hostEnd - hostStart === end - start &&
    isExactly(bytes, hostStart, bytes.subarray(start, end));
  if (isSame) return true;
  head.hostStart = start;
  head.hostEnd = end;
  head.targetNamesHost = head.hasHost = true;
  return !hasHost || dropLine(head, head.hostLineStart, head.hostLineEnd);
}
