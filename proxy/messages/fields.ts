import {
  ascii,
  COLON,
  CR,
  FIELD_NAME,
  IS_AUTHORITY,
  IS_FIELD_VALUE,
  isWord,
  LF,
  listHas,
  SMALL,
  SPACE,
  TAB,
  ZERO,
} from "./characters.ts";
import { dropLine, type Head, HOST_BYTES_MAX, LENGTH_ABSENT, NEED_MORE, refused } from "./head.ts";

const FIELDS_MAX = 128;
const LENGTH_DIGITS_MAX = 15;

const CLOSE = ascii("close"), KEEP_ALIVE = ascii("keep-alive"), UPGRADE = ascii("upgrade");
const CHUNKED_WORD = ascii("chunked"), H2C = ascii("h2c"), TRAILERS = ascii("trailers");

/**
 * Reads the field lines up to the empty one, and notes what they mean for forwarding. Returns the offset after it,
 * {@linkcode NEED_MORE}, or a status to refuse the message with, negative.
 */
export function parseFields(bytes: Uint8Array, start: number, end: number, head: Head): number {
  head.resetFields();
  head.fieldsStart = start;
  for (let p = start;;) {
    if (p >= end) return NEED_MORE;
    if (bytes[p] === CR) {
      if (p + 1 >= end) return NEED_MORE;
      if (bytes[p + 1] !== LF) return refused(head, 400, "a bare carriage return");
      resolveConnection(head);
      return p + 2;
    }
    const nameStart = p;
    let kinds = 0;
    for (let kind = 0; p < end && (kind = FIELD_NAME[bytes[p]!]!) !== 0; p++) kinds |= kind;
    if (p >= end) return needMore(head, FIELD_NAME);
    const nameLength = p - nameStart;
    if (bytes[p] !== COLON || nameLength === 0) return refused(head, 400, "a bad field name");
    if (++head.fieldsCount > FIELDS_MAX) return refused(head, 431, "too many fields");
    p++;
    while (p < end && (bytes[p] === SPACE || bytes[p] === TAB)) p++;
    const valueStart = p;
    while (p < end && IS_FIELD_VALUE[bytes[p]!] === 1) p++;
    if (p >= end) return needMore(head, IS_FIELD_VALUE);
    if (p + 1 >= end) return NEED_MORE;
    if (bytes[p] !== CR || bytes[p + 1] !== LF) return refused(head, 400, "a bad field value");
    let valueEnd = p;
    p += 2;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    const hasUnderscore = (kinds & 2) !== 0 && !head.isResponse;
    const status = hasUnderscore
      ? drop(head, nameStart, p)
      : noteField(bytes, nameStart, nameLength, valueStart, valueEnd, p, head);
    if (status !== 0) return -status;
  }
}

/** More is needed; bytes of the class `skippable` would leave it at that. */
export function needMore(head: Head, skippable: Uint8Array): number {
  head.skippable = skippable;
  return NEED_MORE;
}

function isBlank(c: number): boolean {
  return c === SPACE || c === TAB;
}

const FIELD = {
  te: ascii("te"),
  host: ascii("host"),
  proxy: ascii("proxy"), // a name that CGI turns into HTTP_PROXY (https://httpoxy.org)
  upgrade: UPGRADE,
  connection: ascii("connection"),
  keepAlive: KEEP_ALIVE,
  contentLength: ascii("content-length"),
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
  const first = SMALL[bytes[nameStart]!]!;
  if (
    (first === X || first === F || first === T) &&
    isForwardedField(bytes, nameStart, nameLength, head)
  ) {
    return dropForwardedField(head, nameStart, lineEnd);
  }
  switch (nameLength) {
    case 2:
      if (!isWord(bytes, nameStart, FIELD.te)) return 0;
      head.takesTrailers ||= listHas(bytes, valueStart, valueEnd, TRAILERS);
      return drop(head, nameStart, lineEnd);
    case 4:
      if (!isWord(bytes, nameStart, FIELD.host)) return 0;
      head.hostLineStart = nameStart;
      head.hostLineEnd = lineEnd;
      return noteHost(bytes, valueStart, valueEnd, head);
    case 5:
      return isWord(bytes, nameStart, FIELD.proxy) ? drop(head, nameStart, lineEnd) : 0;
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
    case 16:
      return isWord(bytes, nameStart, FIELD.proxyConnection) ? drop(head, nameStart, lineEnd) : 0;
    case 17:
      return isWord(bytes, nameStart, FIELD.transferEncoding)
        ? noteTransferEncoding(bytes, valueStart, valueEnd, head)
        : 0;
    default:
      return 0;
  }
}

const X = 120, F = 102, T = 116;
const FORWARDED_PREFIX = ascii("x-forwarded-");
/**
 * Fields besides `X-Forwarded-*` by which proxies say who the client is, what it speaks, or which path it meant, by the
 * length of the name.
 */
const CLIENT_FIELDS: readonly (readonly Uint8Array[])[] = [
  "forwarded",
  "x-real-ip",
  "x-client-ip",
  "true-client-ip",
  "x-cluster-client-ip",
  "x-original-url",
  "x-rewrite-url",
].reduce<Uint8Array[][]>((byLength, name) => {
  (byLength[name.length] ??= []).push(ascii(name));
  return byLength;
}, []);

/** Whether a field of a request says who the client is: only a trusted proxy is believed. */
function isForwardedField(bytes: Uint8Array, start: number, length: number, head: Head): boolean {
  if (head.isResponse) return false;
  if (length > FORWARDED_PREFIX.length && isWord(bytes, start, FORWARDED_PREFIX)) return true;
  const names = CLIENT_FIELDS[length];
  if (names === undefined) return false;
  for (const name of names) if (isWord(bytes, start, name)) return true;
  return false;
}

function dropForwardedField(head: Head, lineStart: number, lineEnd: number): number {
  const status = drop(head, lineStart, lineEnd);
  head.forwardedBits |= 1 << (head.droppedCount - 1);
  return status;
}

function drop(head: Head, lineStart: number, lineEnd: number): number {
  return dropLine(head, lineStart, lineEnd)
    ? 0
    : -refused(head, 431, "too many fields that are not for the next hop");
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
  if (said < end - start) head.listsFields = true;
}

function noteLength(bytes: Uint8Array, start: number, end: number, head: Head): number {
  if (head.length !== LENGTH_ABSENT) return -refused(head, 400, "two Content-Length fields");
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

function resolveConnection(head: Head): void {
  if (!head.hasUpgrade || head.minorVersion === 0) head.upgrades = false;
  if (head.minorVersion === 0 && !head.keepsAlive) head.closes = true;
}
