import { COLON, CR, HEX, IS_FIELD_VALUE, IS_TOKEN, LF, SEMICOLON, SMALL } from "./characters.ts";

/** Lengths of a body that are not a number of bytes. */
export const CHUNKED = -1;
export const UNTIL_CLOSE = -2;

/** Digits of a chunk size: a reader that counts in 32 bits understands as many as we do (RFC 9112 §7.1). */
const CHUNK_SIZE_DIGITS_MAX = 8;
const CHUNK_EXTENSION_BYTES_MAX = 256;
const TRAILER_BYTES_MAX = 8 * 1024;
/**
 * What may not stand in trailers (RFC 9110 §6.5.1): a reader that adds them to the head would frame or route the message
 * otherwise than we did, or believe what a client says of itself.
 */
const FORBIDDEN_TRAILERS =
  /^(content-length|transfer-encoding|host|connection|upgrade|te|trailer|x-forwarded-.*)$/;

const enum At {
  sizeStart,
  size,
  extension,
  sizeLineFeed,
  data,
  dataReturn,
  dataLineFeed,
  trailerStart,
  trailerName,
  trailerValue,
  trailerLineFeed,
  lastLineFeed,
}

/** Gets what a body says, out of its framing. */
export interface BodyReader {
  onContent(bytes: Uint8Array, start: number, end: number): void;
  /** Lines of trailers, whole or in parts. */
  onTrailers(bytes: Uint8Array, start: number, end: number): void;
}

/**
 * Finds the end of a message body in the bytes that come, without changing or keeping them (RFC 9112 §6, §7).
 * However the same bytes are split, the result is the same. A body until close has no end of its own.
 */
export class BodyFraming {
  /** Whether the body has been seen to its end. */
  isDone = true;
  #length = 0;
  #left = 0;
  #at: At = At.sizeStart;
  /** Digits of the size, bytes of the extension or of the trailers so far. */
  #count = 0;
  /** Of the trailer that is being read, in small letters. */
  #trailerName = "";
  #keepsTrailers = true;
  #reader: BodyReader | undefined;
  /** Trailers among the bytes that were fed last; -1: none. */
  #cutStart = -1;
  #cutEnd = -1;

  /** Where what is to be handed on ends, of the bytes that were fed last. */
  sendEnd = 0;

  /**
   * `length`: bytes to come, {@linkcode CHUNKED} or {@linkcode UNTIL_CLOSE}. `keepsTrailers`: whether trailers are handed
   * on, or taken out of the bytes. `reader`: who gets the content, and the trailers that are taken out.
   */
  start(
    length: number,
    { keepsTrailers = true, reader }: { keepsTrailers?: boolean; reader?: BodyReader } = {},
  ): void {
    this.#keepsTrailers = keepsTrailers;
    this.#reader = reader;
    this.#length = length;
    this.#left = length > 0 ? length : 0;
    this.#at = At.sizeStart;
    this.#count = 0;
    this.isDone = length === 0;
  }

  get endsWithConnection(): boolean {
    return this.#length === UNTIL_CLOSE;
  }

  /**
   * The offset after this body, or -1 when its framing is malformed. What is to be forwarded ends at `sendEnd`: where
   * trailers are taken out the bytes change.
   */
  feed(bytes: Uint8Array, start: number, end: number): number {
    if (this.#length === CHUNKED && !this.isDone) {
      this.#cutStart = -1;
      const bodyEnd = this.#feedChunks(bytes, start, end);
      this.sendEnd = this.#cutStart < 0 ? bodyEnd : this.#cut(bytes, bodyEnd);
      return bodyEnd;
    }
    const bodyEnd = this.sendEnd = this.#feedLength(start, end);
    if (bodyEnd > start) this.#reader?.onContent(bytes, start, bodyEnd);
    return bodyEnd;
  }

  #feedLength(start: number, end: number): number {
    if (this.isDone) return start;
    if (this.#length === UNTIL_CLOSE) return end;
    const have = end - start;
    if (have < this.#left) {
      this.#left -= have;
      return end;
    }
    const bodyEnd = start + this.#left;
    this.#left = 0;
    this.isDone = true;
    return bodyEnd;
  }

  #feedChunks(bytes: Uint8Array, start: number, end: number): number {
    let p = start;
    while (p < end) {
      if (this.#at === At.data) {
        const have = end - p;
        this.#reader?.onContent(bytes, p, Math.min(end, p + this.#left));
        if (have < this.#left) {
          this.#left -= have;
          return end;
        }
        p += this.#left;
        this.#left = 0;
        this.#at = At.dataReturn;
        continue;
      }
      if (!this.#keepsTrailers) this.#noteTrailer(bytes[p]!, p);
      const next = this.#at < At.data ? this.#sizeLine(bytes[p]!) : this.#afterData(bytes[p]!);
      if (next === undefined) return -1;
      p++;
      if (this.isDone) return p;
      this.#at = next;
    }
    return p;
  }

  #noteTrailer(c: number, p: number): void {
    const isWithin = this.#at >= At.trailerStart && this.#at <= At.trailerLineFeed;
    if (!isWithin || (this.#at === At.trailerStart && c === CR)) return;
    if (this.#cutStart < 0) this.#cutStart = p;
    this.#cutEnd = p + 1;
  }

  /** Moves the last line break to where the trailers were. Returns its new end. */
  #cut(bytes: Uint8Array, bodyEnd: number): number {
    if (bodyEnd < 0) return bodyEnd;
    this.#reader?.onTrailers(bytes, this.#cutStart, this.#cutEnd);
    bytes.copyWithin(this.#cutStart, this.#cutEnd, bodyEnd);
    return bodyEnd - (this.#cutEnd - this.#cutStart);
  }

  /** The state after one byte of a chunk's first line; `undefined`: it is malformed. */
  #sizeLine(c: number): At | undefined {
    switch (this.#at) {
      case At.sizeStart:
      case At.size:
        return this.#sizeDigit(c);
      case At.extension:
        if (c === CR) return At.sizeLineFeed;
        if (IS_FIELD_VALUE[c] === 0 || ++this.#count > CHUNK_EXTENSION_BYTES_MAX) return undefined;
        return At.extension;
      default:
        if (c !== LF) return undefined;
        this.#count = 0;
        return this.#left === 0 ? At.trailerStart : At.data;
    }
  }

  #sizeDigit(c: number): At | undefined {
    const digit = HEX[c]!;
    if (digit < 16) {
      this.#left = this.#left * 16 + digit;
      return ++this.#count > CHUNK_SIZE_DIGITS_MAX ? undefined : At.size;
    }
    if (this.#at === At.sizeStart) return undefined;
    this.#count = 0;
    if (c === CR) return At.sizeLineFeed;
    return c === SEMICOLON ? At.extension : undefined;
  }

  #afterData(c: number): At | undefined {
    switch (this.#at) {
      case At.dataReturn:
        return c === CR ? At.dataLineFeed : undefined;
      case At.dataLineFeed:
        this.#count = 0;
        return c === LF ? At.sizeStart : undefined;
      case At.lastLineFeed:
        this.isDone = c === LF;
        return c === LF ? At.sizeStart : undefined;
      default:
        return ++this.#count > TRAILER_BYTES_MAX ? undefined : this.#trailer(c);
    }
  }

  #trailer(c: number): At | undefined {
    switch (this.#at) {
      case At.trailerStart:
        if (c === CR) return At.lastLineFeed;
        this.#trailerName = "";
        return this.#trailerNameByte(c);
      case At.trailerName:
        if (c !== COLON) return this.#trailerNameByte(c);
        return FORBIDDEN_TRAILERS.test(this.#trailerName) ? undefined : At.trailerValue;
      case At.trailerValue:
        if (c === CR) return At.trailerLineFeed;
        return IS_FIELD_VALUE[c] === 1 ? At.trailerValue : undefined;
      default:
        return c === LF ? At.trailerStart : undefined;
    }
  }
  #trailerNameByte(c: number): At | undefined {
    if (IS_TOKEN[c] === 0) return undefined;
    this.#trailerName += String.fromCharCode(SMALL[c]!);
    return At.trailerName;
  }
}
