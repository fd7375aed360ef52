/** The frames of WebSocket as either end reads and writes them, without I/O: RFC 6455, section 5. */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export type DataOpcode = typeof OPCODE.text | typeof OPCODE.binary;

/** Close codes: RFC 6455, section 7.4.1. */
export const CLOSE_CODE = { normal: 1000, goingAway: 1001, protocolError: 1002 } as const;

/** What came. The pieces of a message's data are given as they come, so that no message has to fit into memory. */
export type FrameEvent =
  | { type: "data"; bytes: Uint8Array; startsMessage: boolean; endsMessage: boolean }
  | { type: "ping" | "pong" | "close"; bytes: Uint8Array };

/** The peer does not keep to the protocol. */
export class FrameError extends Error {
  override name = "FrameError";
}

const CONTROL_BYTES_MAX = 125;
const HEAD_BYTES_MAX = 14;
const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

interface OpenFrame {
  opcode: number;
  isFinal: boolean;
  left: number;
  mask: Uint8Array;
  maskAt: number;
  /** Whether no data of the message has been given yet. */
  startsMessage: boolean;
  /** Of a control frame. */
  control: number[];
}

/** Reads the frames of a client, or of a server, wherever the stream is cut into parts. */
export class FrameReader {
  readonly #maskBytes: number;
  readonly #head = new Uint8Array(HEAD_BYTES_MAX);
  #headUsed = 0;
  #frame: OpenFrame | undefined;
  /** Whether a message has begun whose last frame has not come. */
  #isInMessage = false;

  constructor({ from = "client" }: { from?: "client" | "server" } = {}) {
    this.#maskBytes = from === "client" ? 4 : 0;
  }

  /** What the next part of the stream brings. Unmasks in place. Throws a {@linkcode FrameError}. */
  *push(part: Uint8Array): Generator<FrameEvent> {
    for (let at = 0; at < part.length;) {
      if (!this.#frame) {
        this.#head[this.#headUsed++] = part[at++]!;
        this.#frame = this.#openFrame();
        if (!this.#frame || this.#frame.left > 0) continue;
      }
      const frame = this.#frame;
      const piece = part.subarray(at, at + Math.min(frame.left, part.length - at));
      at += piece.length;
      yield* this.#payload(frame, piece);
    }
  }

  #openFrame(): OpenFrame | undefined {
    const [first, second] = this.#head as unknown as [number, number];
    const maskBytes = this.#maskBytes;
    if (this.#headUsed === 2) {
      checkMask(second, maskBytes > 0);
      checkHead(first, second, this.#isInMessage);
    }
    const length = second & 0x7f;
    const lengthBytes = length === LENGTH_64 ? 8 : length === LENGTH_16 ? 2 : 0;
    if (this.#headUsed < 2 || this.#headUsed < 2 + maskBytes + lengthBytes) return undefined;
    this.#headUsed = 0;
    const opcode = first & 0x0f;
    const frame: OpenFrame = {
      opcode,
      isFinal: (first & FINAL) !== 0,
      left: lengthBytes === 0 ? length : longLength(this.#head, lengthBytes),
      mask: this.#head.slice(2 + lengthBytes, 2 + maskBytes + lengthBytes),
      maskAt: 0,
      startsMessage: opcode !== OPCODE.continuation,
      control: [],
    };
    return frame;
  }

  *#payload(frame: OpenFrame, piece: Uint8Array): Generator<FrameEvent> {
    if (this.#maskBytes > 0) unmask(piece, frame);
    frame.left -= piece.length;
    const isWhole = frame.left === 0;
    if (isWhole) this.#frame = undefined;
    if (frame.opcode >= OPCODE.close) {
      frame.control.push(...piece);
      if (!isWhole) return;
      const type = frame.opcode === OPCODE.close
        ? "close"
        : frame.opcode === OPCODE.ping
        ? "ping"
        : "pong";
      yield { type, bytes: Uint8Array.from(frame.control) };
      return;
    }
    const { startsMessage } = frame;
    frame.startsMessage = false;
    const endsMessage = isWhole && frame.isFinal;
    this.#isInMessage = !endsMessage;
    yield { type: "data", bytes: piece, startsMessage, endsMessage };
  }
}

function checkMask(second: number, isDue: boolean): void {
  if (((second & MASKED) !== 0) === isDue) return;
  throw new FrameError(isDue ? "a frame is not masked" : "a frame of a server is masked");
}

function checkHead(first: number, second: number, isInMessage: boolean): void {
  const opcode = first & 0x0f;
  if (first & RESERVED) throw new FrameError("a reserved bit is set");
  if (opcode >= OPCODE.close) {
    if (opcode > OPCODE.pong) throw new FrameError("an unknown opcode");
    if (!(first & FINAL)) throw new FrameError("a control frame is fragmented");
    if ((second & 0x7f) > CONTROL_BYTES_MAX) throw new FrameError("a control frame is too long");
    return;
  }
  if (opcode > OPCODE.binary) throw new FrameError("an unknown opcode");
  if ((opcode === OPCODE.continuation) !== isInMessage) {
    throw new FrameError("a message is out of order");
  }
}

function longLength(head: Uint8Array, bytes: number): number {
  const view = new DataView(head.buffer, head.byteOffset);
  if (bytes === 2) {
    const length = view.getUint16(2);
    if (length < LENGTH_16) throw new FrameError("a length is not minimal");
    return length;
  }
  const high = view.getUint32(2);
  const low = view.getUint32(6);
  if (high > 0x1fffff) throw new FrameError("a length is too large");
  const length = high * 2 ** 32 + low;
  if (length <= 0xffff) throw new FrameError("a length is not minimal");
  return length;
}

function unmask(piece: Uint8Array, frame: OpenFrame): void {
  frame.maskAt = applyMask(piece, frame.mask, frame.maskAt);
}

/** Masks or unmasks in place, from the `at`th byte of the mask on. Returns at which byte the next piece goes on. */
export function applyMask(piece: Uint8Array, mask: Uint8Array, at: number): number {
  const { length } = piece;
  // Four bytes at once from the first multiple of four in the buffer on: ten times as fast.
  const head = Math.min(length, -piece.byteOffset & 3);
  for (let i = 0; i < head; i++) piece[i]! ^= mask[(at + i) & 3]!;
  const words = (length - head) >> 2;
  if (words > 0) {
    const turned = Uint8Array.from(mask, (_, i) => mask[(at + head + i) & 3]!);
    const word = new Uint32Array(turned.buffer)[0]!;
    const all = new Uint32Array(piece.buffer, piece.byteOffset + head, words);
    for (let i = 0; i < words; i++) all[i]! ^= word;
  }
  for (let i = head + words * 4; i < length; i++) piece[i]! ^= mask[(at + i) & 3]!;
  return (at + length) & 3;
}

/** One whole frame, not masked, as servers send them. */
export function frameOf(opcode: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const headBytes = headBytesFor(length);
  const frame = new Uint8Array(headBytes + length);
  writeHead(frame, 0, opcode, length);
  let at = headBytes;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** What a frame needs at most in front of its data. */
export const FRAME_RESERVE_BYTES = HEAD_BYTES_MAX;

/**
 * Makes a frame of what stands behind {@linkcode FRAME_RESERVE_BYTES} free bytes, in place. With a mask: as clients send
 * them. Returns the part of the bytes that is the frame.
 */
export function frameInPlace(
  bytes: Uint8Array<ArrayBuffer>,
  opcode: number,
  mask?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const length = bytes.length - FRAME_RESERVE_BYTES;
  const maskBytes = mask ? 4 : 0;
  const from = FRAME_RESERVE_BYTES - maskBytes - headBytesFor(length);
  writeHead(bytes, from, opcode, length);
  if (mask) {
    bytes[from + 1]! |= MASKED;
    bytes.set(mask, FRAME_RESERVE_BYTES - maskBytes);
    applyMask(bytes.subarray(FRAME_RESERVE_BYTES), mask, 0);
  }
  return bytes.subarray(from);
}

function headBytesFor(length: number): number {
  return length < LENGTH_16 ? 2 : length <= 0xffff ? 4 : 10;
}

function writeHead(frame: Uint8Array, at: number, opcode: number, length: number): void {
  const headBytes = headBytesFor(length);
  frame[at] = FINAL | opcode;
  const view = new DataView(frame.buffer, frame.byteOffset + at);
  if (headBytes === 2) frame[at + 1] = length;
  else if (headBytes === 4) {
    frame[at + 1] = LENGTH_16;
    view.setUint16(2, length);
  } else {
    frame[at + 1] = LENGTH_64;
    view.setUint32(2, Math.floor(length / 2 ** 32));
    view.setUint32(6, length >>> 0);
  }
}

/** A close frame with a code and a short reason in ASCII. */
export function closeFrame(code: number, reason = ""): Uint8Array {
  const text = new TextEncoder().encode(reason).subarray(0, CONTROL_BYTES_MAX - 2);
  return frameOf(OPCODE.close, Uint8Array.of(code >> 8, code & 0xff), text);
}

/** The code of a close frame, where it is one that may be sent back: RFC 6455, section 7.4. */
export function closeCodeOf(payload: Uint8Array): number {
  if (payload.length < 2) return CLOSE_CODE.normal;
  const code = payload[0]! << 8 | payload[1]!;
  const isSendable = (code >= 1000 && code <= 1011 && code !== 1004 && code !== 1005 &&
    code !== 1006) || (code >= 3000 && code < 5000);
  return isSendable ? code : CLOSE_CODE.protocolError;
}
