import { ascii, HEX, isExactly, ZERO } from "./characters.ts";

/** Longest value of Host: a name of 253 bytes, a port, and room. */
export const HOST_BYTES_MAX = 512;
/** Lines of one head that may be dropped because they are not for the next hop. */
export const DROPPED_MAX = 31;

/** Why a head is refused that exceeds its limit. */
export const TOO_LONG = "the head is too long";

/** Length of a body that no field gives. */
export const LENGTH_ABSENT = -3;

/** What the parsers return for a head that is not whole yet. */
export const NEED_MORE = 0;

/**
 * Where the parts of a message head are, as offsets into the bytes it was parsed from. One object serves
 * all messages of a thread: it is valid until the next head is parsed.
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
  /** Its whole line. */
  hostLineStart = 0;
  hostLineEnd = 0;
  hasHost = false;
  /** Whether the target names the host, in place of the Host field (RFC 9112 §3.2.2). */
  targetNamesHost = false;
  status = 0;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minorVersion = 1;
  /** Of the body: bytes, {@linkcode CHUNKED} or {@linkcode UNTIL_CLOSE}. */
  length = 0;
  /** Whether this is the last message on its connection. */
  closes = false;
  /** Whether it asks for, or agrees to, another protocol. */
  upgrades = false;
  /** Whether `Connection` lists further fields, which end here too. */
  listsFields = false;
  /** Whether an answer that can have no body has fields that frame one: some reader might wait for it. */
  hasStrayFraming = false;
  isHead = false;
  /** A request that may be sent again when nothing is known of the first try (RFC 9110 §9.2.2). */
  isIdempotent = false;
  /** Whether its sender takes trailers: `TE: trailers`. */
  takesTrailers = false;
  /** Lines that are not handed on: start and end of each, in pairs, by place. */
  readonly dropped = new Int32Array(DROPPED_MAX * 2);
  droppedCount = 0;
  /** Which of `dropped`, by bit, say who the client is: handed on when a trusted proxy has sent them. */
  forwardedBits = 0;
  /** Whether a trusted proxy has said which host was asked for. */
  hasForwardedHost = false;
  /** When more is needed: bytes of this class would leave it at that, so nothing has to be parsed before another one comes. */
  skippable: Uint8Array | undefined;
  /** Why the head was refused. */
  problem = "";

  /** What the fields said, while they are read. */
  isResponse = false;
  keepsAlive = false;
  hasUpgrade = false;
  isChunked = false;
  fieldsCount = 0;

  /** Resets what the last fields said. */
  resetFields(): void {
    this.hostStart = this.hostEnd = 0;
    this.hasHost =
      this.closes =
      this.upgrades =
      this.listsFields =
      this.hasStrayFraming =
      this.targetNamesHost =
      this.takesTrailers =
      this.hasForwardedHost =
        false;
    this.keepsAlive = this.hasUpgrade = this.isChunked = false;
    this.length = LENGTH_ABSENT;
    this.droppedCount = this.fieldsCount = this.forwardedBits = 0;
  }
}

/** Marks a line as not to be handed on, in its place among the others. False: too many of them. */
export function dropLine(head: Head, lineStart: number, lineEnd: number): boolean {
  if (head.droppedCount === DROPPED_MAX) return false;
  const { dropped } = head;
  let at = head.droppedCount++;
  for (; at > 0 && dropped[at * 2 - 2]! > lineStart; at--) {
    dropped[at * 2] = dropped[at * 2 - 2]!;
    dropped[at * 2 + 1] = dropped[at * 2 - 1]!;
  }
  dropped[at * 2] = lineStart;
  dropped[at * 2 + 1] = lineEnd;
  const before = (1 << at) - 1;
  head.forwardedBits = (head.forwardedBits & before) | ((head.forwardedBits & ~before) << 1);
  return true;
}

/** Notes why the head is refused. Returns the status to refuse it with, negative. */
export function refused(head: Head, status: number, problem: string): number {
  head.problem = problem;
  return -status;
}

const HTTP_1 = ascii("HTTP/1.");

/** Reads `HTTP/1.x` and returns the offset after it. */
export function parseVersion(bytes: Uint8Array, start: number, end: number, head: Head): number {
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
