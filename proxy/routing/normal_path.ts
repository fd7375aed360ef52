import { ascii, HEX, QUESTION_MARK, SEMICOLON, SLASH, textOf } from "../messages/characters.ts";

/** Spellings of a path that are refused unless a listener's settings allow them. */
export interface AllowedSpellings {
  /** `%2F` */
  readonly allowsEncodedSlash: boolean;
  /** `\` and `%5C` */
  readonly allowsBackslash: boolean;
  /** `%00` */
  readonly allowsEncodedNull: boolean;
}
export const ALL_SPELLINGS: AllowedSpellings = {
  allowsEncodedSlash: true,
  allowsBackslash: true,
  allowsEncodedNull: true,
};

const PERCENT = 37, DOT = 46, BACKSLASH = 92;

/** 0: stays as it is in a normal path. */
const NEEDS_NORMALISING = new Uint8Array(256).fill(1);
const PLAIN = "-._~!$&'()*+,=:@/0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
for (const c of ascii(PLAIN)) NEEDS_NORMALISING[c] = 0;

const DIGITS = ascii("0123456789ABCDEF");
const ROOT = ascii("/");

/** A path, in some form. */
export interface PathBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * The path of a request in the form in which it is compared with routes. Whatever a backend may take for the same
 * path has the same form, so that a route for `/admin` cannot be bypassed by another spelling of it:
 *
 * - percent-encoding: what may stand for itself does, other triplets are in capitals (RFC 3986 §6.2.2.1, §6.2.2.2; more
 *   is decoded than the unreserved characters, as backends do);
 * - dot segments are removed (§6.2.2.3), after what else is done to a segment;
 * - `//` counts as `/`;
 * - parameters of a segment (`;x`) do not count;
 * - where they are allowed, `%2F`, `\` and `%5C` count as `/`, and what follows `%00` in a segment does not count.
 *
 * A form for comparing: what is forwarded are the bytes as they came. One object serves all requests of a thread.
 */
export class NormalPath implements PathBytes {
  bytes: Uint8Array = ROOT;
  start = 0;
  end = 1;
  /** Whether the path came in its normal form. */
  isUnchanged = true;
  /** Why the path is refused. */
  problem = "";
  #space = new Uint8Array(256);

  /** Reads the path that starts at `start` and ends before a `?` or at `end`. False: `problem` says why not. */
  read(bytes: Uint8Array, start: number, end: number, allowed: AllowedSpellings): boolean {
    let p = start, needsNormalising = 0;
    for (; p < end; p++) {
      const c = bytes[p]!;
      if (c === QUESTION_MARK) break;
      needsNormalising |= NEEDS_NORMALISING[c]!;
      if (c === SLASH && p + 1 < end) {
        const next = bytes[p + 1]!;
        if (next === SLASH || next === DOT) needsNormalising = 1;
      }
    }
    if (p === start) return this.#set(ROOT, 0, 1);
    if (needsNormalising === 0 || bytes[start] !== SLASH) return this.#set(bytes, start, p);
    return this.#normalise(bytes, start, p, allowed);
  }

  #set(bytes: Uint8Array, start: number, end: number): true {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isUnchanged = true;
    return true;
  }

  #normalise(bytes: Uint8Array, start: number, end: number, allowed: AllowedSpellings): boolean {
    const needed = (end - start) * 3 + 1; // an encoded byte takes three
    if (this.#space.length < needed) this.#space = new Uint8Array(needed);
    const length = writeNormal(bytes, start, end, this.#space, { allowed, keepsParameters: false });
    if (typeof length === "string") {
      this.problem = length;
      return false;
    }
    this.#set(this.#space, 0, length);
    this.isUnchanged = false;
    return true;
  }
}

/**
 * The normal form with the parameters of its segments, for routes that name some. `normal`: without them, of the path that
 * starts at `start` and ends before a `?` or at `end`.
 */
export function pathWithParameters(
  normal: NormalPath,
  bytes: Uint8Array,
  start: number,
  end: number,
): PathBytes {
  if (normal.isUnchanged) return normal;
  const [path = ""] = textOf(bytes, start, end).split("?");
  const text = normalPathOf(path, { keepsParameters: true });
  return { bytes: ascii(text), start: 0, end: text.length };
}

interface WriteOptions {
  allowed: AllowedSpellings;
  /** Whether the parameters of segments are written. They never say which segment it is. */
  keepsParameters: boolean;
}

/** Writes the normal form of `[start, end)`, which starts with `/`. Returns its length, or why there is none. */
function writeNormal(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  { allowed, keepsParameters }: WriteOptions,
): number | string {
  const segments = new Segments(out, keepsParameters);
  for (let p = start; p < end; p++) {
    let c = bytes[p]!;
    const isEncoded = c === PERCENT;
    if (isEncoded) {
      c = p + 2 < end ? HEX[bytes[p + 1]!]! * 16 + HEX[bytes[p + 2]!]! : 256;
      if (c > 255) return "a percent sign that is not followed by two hexadecimal digits";
      if (isOverlong(c, bytes, p + 3, end)) return "a character in an encoding that is too long";
      p += 2;
    }
    if (c === 0) {
      if (!allowed.allowsEncodedNull) return "%00 in the path";
      segments.skip(c);
    } else if (c === BACKSLASH) {
      if (!allowed.allowsBackslash) return "a backslash in the path";
      segments.next();
    } else if (c === SLASH) {
      if (isEncoded && !allowed.allowsEncodedSlash) return "%2F in the path";
      segments.next();
    } else if (c === SEMICOLON && !isEncoded) segments.skip(c);
    else segments.add(c);
  }
  return segments.end();
}

/** Whether a byte starts a character that has a shorter encoding (RFC 3629 §3): some readers take it for `/` or `.`. */
function isOverlong(lead: number, bytes: Uint8Array, p: number, end: number): boolean {
  if (lead !== 0xc0 && lead !== 0xc1 && lead !== 0xe0 && lead !== 0xf0) return false;
  if (p + 2 >= end || bytes[p] !== PERCENT) return false;
  const second = HEX[bytes[p + 1]!]! * 16 + HEX[bytes[p + 2]!]!;
  if (second < 0x80 || second > 0xbf) return false;
  return lead < 0xe0 || second < (lead === 0xe0 ? 0xa0 : 0x90);
}

/** The segments of a path, as they are written: dot segments and empty ones go again when they end. */
class Segments {
  readonly #out: Uint8Array;
  readonly #keepsParameters: boolean;
  #at = 1;
  /** Where the segment that is being written starts, and where its name ends; -1: it has not ended. */
  #start = 1;
  #nameEnd = -1;

  constructor(out: Uint8Array, keepsParameters: boolean) {
    this.#out = out;
    this.#keepsParameters = keepsParameters;
    out[0] = SLASH;
  }

  add(c: number): void {
    if (this.#nameEnd >= 0 && !this.#keepsParameters) return;
    this.#write(c);
  }

  /** The name of the segment is over: what follows does not say which one it is. */
  skip(c: number): void {
    if (this.#nameEnd < 0) this.#nameEnd = this.#at;
    if (!this.#keepsParameters) return;
    if (c === SEMICOLON) this.#out[this.#at++] = c;
    else this.#write(c);
  }

  next(): void {
    if (this.#endSegment()) this.#out[this.#at++] = SLASH;
    this.#start = this.#at;
    this.#nameEnd = -1;
  }

  /** The length of the whole. */
  end(): number {
    this.#endSegment();
    return this.#at;
  }

  #write(c: number): void {
    const out = this.#out;
    if (NEEDS_NORMALISING[c] === 0) out[this.#at++] = c;
    else {
      out[this.#at++] = PERCENT;
      out[this.#at++] = DIGITS[c >> 4]!;
      out[this.#at++] = DIGITS[c & 15]!;
    }
  }

  /** Ends a segment; removes an empty one or a dot segment again. Whether it stays. */
  #endSegment(): boolean {
    const out = this.#out, start = this.#start;
    const length = (this.#nameEnd < 0 ? this.#at : this.#nameEnd) - start;
    const isDots = length <= 2 && (length < 1 || out[start] === DOT) &&
      (length < 2 || out[start + 1] === DOT);
    if (!isDots) return true;
    this.#at = start;
    if (length === 2 && start > 1) {
      let before = start - 1;
      while (out[before - 1] !== SLASH) before--;
      this.#at = before;
    }
    return false;
  }
}

/** The normal form of a path of a route, or of a target: all spellings count as allowed. Without `?` and what follows. */
export function normalPathOf(path: string, { keepsParameters = false } = {}): string {
  const bytes = ascii(path), out = new Uint8Array(bytes.length * 3 + 1);
  if (bytes[0] !== SLASH) return path;
  const options = { allowed: ALL_SPELLINGS, keepsParameters };
  const length = writeNormal(bytes, 0, bytes.length, out, options);
  return typeof length === "string" ? path : textOf(out, 0, length);
}

/**
 * What follows `prefix`, which the normal form of `path` starts with: `""`, or from a `/` on. As it came, unless dot
 * segments of the path cross the end of the prefix.
 */
export function pathAfter(path: string, prefix: string): string {
  const wanted = normalPathOf(prefix).replace(/\/+$/, "");
  if (wanted === "") return path;
  const count = wanted.split("/").length;
  const rest = afterSegments(path, count);
  const before = path.slice(0, path.length - rest.length);
  const isApart = normalPathOf(before) === wanted && !/^\/[/\\]/.test(rest) &&
    normalPathOf(path) === wanted + (rest === "" ? "" : normalPathOf(rest));
  return isApart ? rest : afterSegments(normalPathOf(path, { keepsParameters: true }), count);
}

/** `count` includes the empty one before the first `/`. */
function afterSegments(path: string, count: number): string {
  const rest = path.split("/").slice(count);
  return rest.length === 0 ? "" : `/${rest.join("/")}`;
}
