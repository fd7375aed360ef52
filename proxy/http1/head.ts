import { CHUNKED, UNTIL_CLOSE } from "./body_framing.ts";
import {
  ascii,
  COLON,
  CR,
  HEX,
  IS_AUTHORITY,
  IS_FIELD_VALUE,
  IS_TOKEN,
  isExactly,
  isWord,
  LF,
  listHas,
  SLASH,
  SPACE,
  TAB,
  ZERO,
} from "./characters.ts";

/** Longest head of a message, its last empty line included. Longer ones are refused with 431. */
export const HEAD_BYTES_MAX = 16 * 1024;
const FIELDS_MAX = 128;
/** Lines of one head that may be dropped because they are for one hop only. */
const DROPPED_MAX = 32;
const LENGTH_DIGITS_MAX = 15;
const METHOD_BYTES_MAX = 32;
/** Longest value of Host: a name of 253 bytes, a port, and room. */
export const HOST_BYTES_MAX = 512;

/** No field says how long the body is. */
const UNSAID = -3;

/** What {@linkcode parseRequest} and {@linkcode parseResponse} return for a head that is not whole yet. */
export const NEED_MORE = 0;

/**
 * Where the parts of a message head are, as offsets into the bytes it was parsed from. One object serves
 * all messages of a thread: it holds good until the next head is parsed.
 */
export class Head {
  start = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Path and query: the target, or what follows the authority in a target of absolute form. */
  pathStart = 0;
  /** Where the first field line starts. */
  fieldsStart = 0;
  /** Value of the Host field, without the space around it. Equal ends: none. */
  hostStart = 0;
  hostEnd = 0;
  hasHost = false;
  status = 0;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minorVersion = 1;
  /** Of the body: bytes, {@linkcode CHUNKED} or {@linkcode UNTIL_CLOSE}. */
  length = 0;
  /** Whether this is the last message on its connection. */
  closes = false;
  /** Whether it asks for, or agrees to, another protocol. */
  upgrades = false;
  /** Whether `Connection` names fields of its own, which end here too. */
  nominates = false;
  isHead = false;
  /** A request that may be sent again when nothing is known of the first try (RFC 9110 §9.2.2). */
  isIdempotent = false;
  /** Lines that are for one hop only: start and end of each, in pairs. */
  readonly dropped = new Int32Array(DROPPED_MAX * 2);
  droppedCount = 0;
  /** Why the head was refused. */
  problem = "";

  /** What the fields said, while they are read. */
  isResponse = false;
  keepsAlive = false;
  hasUpgrade = false;
  isChunked = false;
  fieldsCount = 0;

  /** Forgets what the last fields said. */
  resetFields(): void {
    this.hostStart = this.hostEnd = 0;
    this.hasHost =
      this.closes =
      this.upgrades =
      this.nominates =
        false;
    this.keepsAlive = this.hasUpgrade = this.isChunked = false;
    this.length = UNSAID;
    this.droppedCount = this.fieldsCount = 0;
  }
}

const HTTP_1 = ascii("HTTP/1.");
const ABSOLUTE = ascii("http://");
const GET = ascii("GET"), PUT = ascii("PUT"), HEAD = ascii("HEAD");
const DELETE = ascii("DELETE"), OPTIONS = ascii("OPTIONS"), TRACE = ascii("TRACE");
const CONNECT = ascii("CONNECT");
const CLOSE = ascii("close"), KEEP_ALIVE = ascii("keep-alive"), UPGRADE = ascii("upgrade");
const CHUNKED_WORD = ascii("chunked"), H2C = ascii("h2c");

/**
 * Parses a request head (RFC 9112 §3) strictly: whatever two readers could understand differently is refused.
 * Returns the offset after the head, {@linkcode NEED_MORE}, or the status to refuse it with, negative;
 * `head.problem` says why. Looks at no byte past `end` and depends on nothing but the bytes.
 */
export function parseRequest(bytes: Uint8Array, start: number, end: number, head: Head): number {
  let p = start;
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
  while (p < end && bytes[p]! > SPACE && bytes[p]! < 127) p++;
  if (p >= end) return NEED_MORE;
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

/** Parses a response head (RFC 9112 §4). Returns as {@linkcode parseRequest}; refusals are 502. */
export function parseResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
  head: Head,
  answersHead: boolean,
): number {
  head.start = start;
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
  if (p + 1 >= end) return NEED_MORE;
  if (bytes[p] !== CR || bytes[p + 1] !== LF) return refused(head, 502, "a bad status line");
  const headEnd = parseFields(bytes, p + 2, end, head);
  if (headEnd <= 0) return headEnd === NEED_MORE ? NEED_MORE : -502;
  if (head.isChunked && head.length !== UNSAID) return refused(head, 502, "two body lengths");
  if (head.isChunked) head.length = CHUNKED;
  const { status } = head;
  if (answersHead || status === 204 || status === 304 || status < 200) head.length = 0;
  else if (head.length === UNSAID) head.length = UNTIL_CLOSE;
  return headEnd;
}

function refused(head: Head, status: number, problem: string): number {
  head.problem = problem;
  return -status;
}

/** Reads `HTTP/1.x` and returns the offset after it. */
function parseVersion(bytes: Uint8Array, start: number, end: number, head: Head): number {
  if (end - start < 8) return NEED_MORE;
  const minor = bytes[start + 7]! - ZERO;
  if (isExactly(bytes, start, HTTP_1) && (minor === 0 || minor === 1)) {
    head.minorVersion = minor;
    return start + 8;
  }
  const isHttp = isExactly(bytes, start, HTTP_1.subarray(0, 5));
  return isHttp && HEX[bytes[start + 5]!]! < 10
    ? refused(head, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    : refused(head, 400, "no HTTP version");
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

/** The field lines up to the empty one. Returns the offset after it. */
function parseFields(bytes: Uint8Array, start: number, end: number, head: Head): number {
  head.resetFields();
  head.fieldsStart = start;
  for (let p = start;;) {
    if (p >= end) return NEED_MORE;
    if (bytes[p] === CR) {
      if (p + 1 >= end) return NEED_MORE;
      if (bytes[p + 1] !== LF) return refused(head, 400, "a bare carriage return");
      settleConnection(head);
      return p + 2;
    }
    const nameStart = p;
    while (p < end && IS_TOKEN[bytes[p]!] === 1) p++;
    if (p >= end) return NEED_MORE;
    const nameLength = p - nameStart;
    if (bytes[p] !== COLON || nameLength === 0) return refused(head, 400, "a bad field name");
    if (++head.fieldsCount > FIELDS_MAX) return refused(head, 431, "too many fields");
    p++;
    while (p < end && (bytes[p] === SPACE || bytes[p] === TAB)) p++;
    const valueStart = p;
    while (p < end && IS_FIELD_VALUE[bytes[p]!] === 1) p++;
    if (p + 1 >= end) return NEED_MORE;
    if (bytes[p] !== CR || bytes[p + 1] !== LF) return refused(head, 400, "a bad field value");
    let valueEnd = p;
    p += 2;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    const status = noteField(bytes, nameStart, nameLength, valueStart, valueEnd, p, head);
    if (status !== 0) return -status;
  }
}

function isBlank(c: number): boolean {
  return c === SPACE || c === TAB;
}

const FIELD = {
  te: ascii("te"),
  host: ascii("host"),
  upgrade: UPGRADE,
  connection: ascii("connection"),
  keepAlive: KEEP_ALIVE,
  contentLength: ascii("content-length"),
  forwardedFor: ascii("x-forwarded-for"),
  forwardedHost: ascii("x-forwarded-host"),
  forwardedProto: ascii("x-forwarded-proto"),
  proxyConnection: ascii("proxy-connection"),
  transferEncoding: ascii("transfer-encoding"),
};

/** Notes what a field means for forwarding. Returns 0, or the status to refuse the message with. */
function noteField(
  bytes: Uint8Array,
  nameStart: number,
  nameLength: number,
  valueStart: number,
  valueEnd: number,
  lineEnd: number,
  head: Head,
): number {
  switch (nameLength) {
    case 2:
      return isWord(bytes, nameStart, FIELD.te) ? drop(head, nameStart, lineEnd) : 0;
    case 4:
      return isWord(bytes, nameStart, FIELD.host) ? noteHost(bytes, valueStart, valueEnd, head) : 0;
    case 7:
      if (!isWord(bytes, nameStart, FIELD.upgrade)) return 0;
      if (listHas(bytes, valueStart, valueEnd, H2C)) return drop(head, nameStart, lineEnd);
      head.hasUpgrade = true;
      return 0;
    case 10:
      if (isWord(bytes, nameStart, FIELD.connection)) {
        noteConnection(bytes, valueStart, valueEnd, head);
        return drop(head, nameStart, lineEnd);
      }
      return isWord(bytes, nameStart, FIELD.keepAlive) ? drop(head, nameStart, lineEnd) : 0;
    case 14:
      return isWord(bytes, nameStart, FIELD.contentLength)
        ? noteLength(bytes, valueStart, valueEnd, head)
        : 0;
    case 15:
    case 16:
      return isOfOneHop(bytes, nameStart, nameLength, head) ? drop(head, nameStart, lineEnd) : 0;
    case 17:
      if (isWord(bytes, nameStart, FIELD.transferEncoding)) {
        return noteTransferEncoding(bytes, valueStart, valueEnd, head);
      }
      return isOfOneHop(bytes, nameStart, nameLength, head) ? drop(head, nameStart, lineEnd) : 0;
    default:
      return 0;
  }
}

/** `X-Forwarded-*` of a request counts as of one hop: a client's own word for who it is is not believed. */
function isOfOneHop(bytes: Uint8Array, start: number, length: number, head: Head): boolean {
  if (length === 16 && isWord(bytes, start, FIELD.proxyConnection)) return true;
  if (head.isResponse) return false;
  const name = length === 15
    ? FIELD.forwardedFor
    : length === 16
    ? FIELD.forwardedHost
    : FIELD.forwardedProto;
  return isWord(bytes, start, name);
}

function drop(head: Head, lineStart: number, lineEnd: number): number {
  if (head.droppedCount === DROPPED_MAX) return -refused(head, 431, "too many fields for one hop");
  head.dropped[head.droppedCount * 2] = lineStart;
  head.dropped[head.droppedCount * 2 + 1] = lineEnd;
  head.droppedCount++;
  return 0;
}

function noteHost(bytes: Uint8Array, start: number, end: number, head: Head): number {
  if (head.hasHost) return -refused(head, 400, "two Host fields");
  if (end - start > HOST_BYTES_MAX) return -refused(head, 400, "a Host that is too long");
  for (let p = start; p < end; p++) {
    if (IS_AUTHORITY[bytes[p]!] === 0) return -refused(head, 400, "a bad Host field");
  }
  head.hasHost = true;
  head.hostStart = start;
  head.hostEnd = end;
  return 0;
}

function noteConnection(bytes: Uint8Array, start: number, end: number, head: Head): void {
  const closes = listHas(bytes, start, end, CLOSE);
  const keepsAlive = listHas(bytes, start, end, KEEP_ALIVE);
  const upgrades = listHas(bytes, start, end, UPGRADE);
  if (closes) head.closes = true;
  if (keepsAlive) head.keepsAlive = true;
  if (upgrades) head.upgrades = true;
  const said = (closes ? CLOSE.length : 0) + (keepsAlive ? KEEP_ALIVE.length : 0) +
    (upgrades ? UPGRADE.length : 0);
  if (said < end - start) head.nominates = true;
}

function noteLength(bytes: Uint8Array, start: number, end: number, head: Head): number {
  if (head.length !== UNSAID) return -refused(head, 400, "two Content-Length fields");
  if (end === start || end - start > LENGTH_DIGITS_MAX) {
    return -refused(head, 400, "a bad Content-Length");
  }
  let length = 0;
  for (let p = start; p < end; p++) {
    const digit = bytes[p]! - ZERO;
    if (digit < 0 || digit > 9) return -refused(head, 400, "a bad Content-Length");
    length = length * 10 + digit;
  }
  head.length = length;
  return 0;
}

function noteTransferEncoding(bytes: Uint8Array, start: number, end: number, head: Head): number {
  if (head.isChunked) return -refused(head, 400, "two Transfer-Encoding fields");
  if (end - start !== CHUNKED_WORD.length || !isWord(bytes, start, CHUNKED_WORD)) {
    return -refused(head, 501, "a transfer coding other than chunked");
  }
  head.isChunked = true;
  return 0;
}

function settleConnection(head: Head): void {
  if (!head.hasUpgrade || head.minorVersion === 0) head.upgrades = false;
  if (head.minorVersion === 0 && !head.keepsAlive) head.closes = true;
}

/** The rules that need the whole head. */
function checkedRequest(bytes: Uint8Array, headEnd: number, head: Head): number {
  if (head.isChunked) {
    if (head.length !== UNSAID) {
      return refused(head, 400, "both Content-Length and Transfer-Encoding");
    }
    if (head.minorVersion === 0) return refused(head, 400, "Transfer-Encoding in HTTP/1.0");
    head.length = CHUNKED;
  } else if (head.length === UNSAID) head.length = 0;
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

/** `http://host/path` (RFC 9112 §3.2.2): its authority must be the one that Host names. */
function checkedAbsoluteTarget(bytes: Uint8Array, headEnd: number, head: Head): number {
  const { targetStart, targetEnd, hostStart, hostEnd } = head;
  const authorityStart = targetStart + ABSOLUTE.length;
  if (targetEnd <= authorityStart || !isWord(bytes, targetStart, ABSOLUTE)) {
    return refused(head, 400, "a bad target");
  }
  let p = authorityStart;
  while (p < targetEnd && IS_AUTHORITY[bytes[p]!] === 1) p++;
  if (p === authorityStart || bytes[p] !== SLASH) return refused(head, 400, "a bad target");
  const authority = bytes.subarray(authorityStart, p);
  if (hostEnd - hostStart !== authority.length || !isExactly(bytes, hostStart, authority)) {
    return refused(head, 400, "a target for another host than Host names");
  }
  head.pathStart = p;
  return headEnd;
}
