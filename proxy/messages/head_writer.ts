import { ascii, COLON, CR, LF, SLASH, SMALL, SPACE, textOf, ZERO } from "./characters.ts";
import { type Head, HOST_BYTES_MAX } from "./head.ts";

/** Most bytes that forwarding adds to a head, `X-Forwarded-*` included. */
export const ADDED_BYTES_MAX = 2 * HOST_BYTES_MAX + 1024;

const HOST = ascii("Host: "), ASTERISK = 42;
const TAKES_TRAILERS = ascii("Connection: TE\r\nTE: trailers\r\n");
const FORWARDED_HOST = ascii("X-Forwarded-Host: ");
const CONNECTION_UPGRADE = ascii("Connection: Upgrade\r\n");
const CONNECTION_CLOSE = ascii("Connection: close\r\n");
const UPGRADE = ascii("upgrade"), CONNECTION = ascii("connection");
const FRAMING = [ascii("content-length"), ascii("transfer-encoding")];
/** Shorter runs are cheaper to copy byte by byte than by a call. */
const COPY_BYTES_MIN = 48;

/**
 * Writes the request head `[head.start, headEnd)` as the next hop is to see it into `out`: without hop-by-hop fields,
 * target in origin form, with who the client is. `forwarded`: complete lines. Returns the length.
 */
export function writeRequestHead(
  bytes: Uint8Array,
  headEnd: number,
  head: Head,
  forwarded: Uint8Array,
  out: Uint8Array,
): number {
  let at = 0;
  if (head.pathStart !== head.targetStart) {
    at = copy(bytes, head.start, head.targetStart, out, at);
    if (bytes[head.pathStart] !== SLASH) out[at++] = rootOf(bytes, head);
    at = copyWithoutDropped(bytes, head.pathStart, headEnd - 2, head, out, at);
  } else at = copyWithoutDropped(bytes, head.start, headEnd - 2, head, out, at);
  if (head.targetNamesHost) at = writeHost(HOST, bytes, head, out, at);
  at = copy(forwarded, 0, forwarded.length, out, at);
  if (head.hasHost && !head.hasForwardedHost) {
    at = writeHost(FORWARDED_HOST, bytes, head, out, at);
  }
  if (head.takesTrailers) at = copy(TAKES_TRAILERS, 0, TAKES_TRAILERS.length, out, at);
  if (head.upgrades) at = copy(CONNECTION_UPGRADE, 0, CONNECTION_UPGRADE.length, out, at);
  out[at++] = CR;
  out[at++] = LF;
  return at;
}

/** What stands for an empty path in a target of absolute form (RFC 9112 §3.2.1, §3.2.4). */
function rootOf(bytes: Uint8Array, { start, methodEnd, pathStart, targetEnd }: Head): number {
  const isOptions = textOf(bytes, start, methodEnd) === "OPTIONS";
  return isOptions && pathStart === targetEnd ? ASTERISK : SLASH;
}

function writeHost(
  name: Uint8Array,
  bytes: Uint8Array,
  { hostStart, hostEnd }: Head,
  out: Uint8Array,
  outStart: number,
): number {
  let at = copy(name, 0, name.length, out, outStart);
  at = copy(bytes, hostStart, hostEnd, out, at);
  out[at++] = CR;
  out[at++] = LF;
  return at;
}

/** Writes a response head without hop-by-hop fields. `closes`: the connection ends after it. Returns the length. */
export function writeResponseHead(
  bytes: Uint8Array,
  headEnd: number,
  head: Head,
  closes: boolean,
  out: Uint8Array,
): number {
  let at = copyWithoutDropped(bytes, head.start, headEnd - 2, head, out, 0);
  out[7] = ZERO + 1;
  if (closes) at = copy(CONNECTION_CLOSE, 0, CONNECTION_CLOSE.length, out, at);
  out[at++] = CR;
  out[at++] = LF;
  return at;
}

/** Whether a request has hop-by-hop fields that the parser has not marked as dropped. */
export function hasMoreToDrop(head: Head): boolean {
  return head.listsFields || (head.hasUpgrade && !head.upgrades);
}

/**
 * Marks as dropped also what the parser leaves: fields that `Connection` lists, `Upgrade` when nothing is upgraded, and
 * framing where there can be no body (RFC 9110 §8.6, RFC 9112 §6.1). Otherwise framing fields are never dropped, nor is
 * Host, whatever `Connection` says. False: too many of them.
 */
export function dropListedFields(bytes: Uint8Array, headEnd: number, head: Head): boolean {
  const names = listedNames(bytes, head);
  if (!head.upgrades) names.push(UPGRADE);
  if (head.hasStrayFraming) names.push(...FRAMING);
  let at = 0, forwardedBits = 0;
  const lines: number[] = [];
  for (let line = head.fieldsStart; line < headEnd - 2;) {
    let lineEnd = line;
    while (bytes[lineEnd] !== LF) lineEnd++;
    lineEnd++;
    const isDropped = at < head.droppedCount && head.dropped[at * 2] === line;
    const isForwardedField = isDropped && (head.forwardedBits & 1 << at) !== 0;
    if (isDropped) at++;
    const isListed = names.some((name) => isNamed(bytes, line, name));
    if (isForwardedField && !isListed) forwardedBits |= 1 << lines.length / 2;
    if (isDropped || isListed) lines.push(line, lineEnd);
    line = lineEnd;
  }
  if (lines.length > head.dropped.length) return false;
  head.dropped.set(lines);
  head.droppedCount = lines.length / 2;
  head.forwardedBits = forwardedBits;
  return true;
}

const KEPT = new Set(["host", "content-length", "transfer-encoding", "upgrade", "close"]);

function listedNames(bytes: Uint8Array, head: Head): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let i = 0; i < head.droppedCount; i++) {
    const start = head.dropped[i * 2]!;
    if (!isNamed(bytes, start, CONNECTION)) continue;
    const value = textOf(bytes, start + CONNECTION.length + 1, head.dropped[i * 2 + 1]!);
    for (const word of value.toLowerCase().split(",")) {
      const name = word.trim();
      if (name !== "" && !KEPT.has(name)) names.push(ascii(name));
    }
  }
  return names;
}

function isNamed(bytes: Uint8Array, line: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (SMALL[bytes[line + i]!] !== name[i]) return false;
  return bytes[line + name.length] === COLON;
}

function copyWithoutDropped(
  bytes: Uint8Array,
  start: number,
  end: number,
  head: Head,
  out: Uint8Array,
  outStart: number,
): number {
  let from = start, at = outStart;
  for (let i = 0; i < head.droppedCount; i++) {
    at = copy(bytes, from, head.dropped[i * 2]!, out, at);
    from = head.dropped[i * 2 + 1]!;
  }
  return copy(bytes, from, end, out, at);
}

function copy(
  from: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
): number {
  const length = end - start;
  if (length > COPY_BYTES_MIN) out.set(from.subarray(start, end), outStart);
  else for (let i = 0; i < length; i++) out[outStart + i] = from[start + i]!;
  return outStart + length;
}

/** Where the value of the first field of that name is, without the space around it; `undefined`: not there. */
export function valueRangeOf(
  bytes: Uint8Array,
  headEnd: number,
  head: Head,
  name: Uint8Array,
): { start: number; end: number } | undefined {
  for (let line = head.fieldsStart; line < headEnd - 2;) {
    let end = line;
    while (bytes[end] !== LF) end++;
    const next = end + 1;
    if (isNamed(bytes, line, name)) {
      let start = line + name.length + 1;
      while (bytes[start] === SPACE) start++;
      while (end > start && (bytes[end - 1] === CR || bytes[end - 1] === SPACE)) end--;
      return { start, end: Math.max(start, end) };
    }
    line = next;
  }
  return undefined;
}

/**
 * Value of a field, lines of the same name joined by commas; `undefined`: not there. What is not handed on does not count:
 * what strangers say of themselves chooses no route. Allocates.
 */
export function fieldOf(
  bytes: Uint8Array,
  headEnd: number,
  head: Head,
  name: Uint8Array,
): string | undefined {
  let value: string | undefined, at = 0;
  for (let line = head.fieldsStart; line < headEnd - 2;) {
    let lineEnd = line;
    while (bytes[lineEnd] !== LF) lineEnd++;
    const isDropped = at < head.droppedCount && head.dropped[at * 2] === line;
    if (isDropped) at++;
    if (!isDropped && isNamed(bytes, line, name)) {
      let start = line + name.length + 1;
      while (bytes[start] === SPACE) start++;
      const text = textOf(bytes, start, lineEnd - 1).trim();
      value = value === undefined ? text : `${value},${text}`;
    }
    line = lineEnd + 1;
  }
  return value;
}
