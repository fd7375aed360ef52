import {
  ascii,
  COLON,
  CR,
  IS_AUTHORITY,
  IS_FIELD_VALUE,
  IS_TOKEN,
  isWord,
  LF,
  listHas,
  SPACE,
  TAB,
  ZERO,
} from "./characters.ts";
import { DROPPED_MAX, type Head, HOST_BYTES_MAX, NEED_MORE, refused, UNSAID } from "./head.ts";

const FIELDS_MAX = 128;
const LENGTH_DIGITS_MAX = 15;

const CLOSE = ascii("close"), KEEP_ALIVE = ascii("keep-alive"), UPGRADE = ascii("upgrade");
const CHUNKED_WORD = ascii("chunked"), H2C = ascii("h2c");

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
