/** The frames of WebSocket as a server reads and writes them, without I/O: RFC 6455, section 5. */

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

/** Reads the frames of a client, wherever the stream is cut into parts. */
export class FrameReader {
  readonly #head = new Uint8Array(HEAD_BYTES_MAX);
  #headUsed = 0;
  #frame: OpenFrame | undefined;
  /** Whether a message has begun whose last frame has not come. */
  #isInMessage = false;

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
    if (this.#headUsed === 2) checkHead(first, second, this.#isInMessage);
    const length = second & 0x7f;
    const lengthBytes = length === LENGTH_64 ? 8 : length === LENGTH_16 ? 2 : 0;
    if (this.#headUsed < 2 || this.#headUsed < 6 + lengthBytes) return undefined;
    this.#headUsed = 0;
    const opcode = first & 0x0f;
    const frame: OpenFrame = {
      opcode,
      isFinal: (first & FINAL) !== 0,
      left: lengthBytes === 0 ? length : longLength(this.#head, lengthBytes),
      mask: this.#head.slice(2 + lengthBytes, 6 + lengthBytes),
      maskAt: 0,
      startsMessage: opcode !== OPCODE.continuation,
      control: [],
    };
    return frame;
  }

  *#payload(frame: OpenFrame, piece: Uint8Array): Generator<FrameEvent> {
    unmask(piece, frame);
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

function checkHead(first: number, second: number, isInMessage: boolean): void {
  const opcode = first & 0x0f;
  if (first & RESERVED) throw new FrameError("a reserved bit is set");
  if (!(second & MASKED)) throw new FrameError("a frame is not masked");
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
  const { mask } = frame;
  let at = frame.maskAt;
  for (let i = 0; i < piece.length; i++, at = (at + 1) & 3) piece[i]! ^= mask[at]!;
  frame.maskAt = at;
}

/** One whole frame, not masked, as servers send them. */
export function frameOf(opcode: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const headBytes = length < LENGTH_16 ? 2 : length <= 0xffff ? 4 : 10;
  const frame = new Uint8Array(headBytes + length);
  frame[0] = FINAL | opcode;
  const view = new DataView(frame.buffer);
  if (headBytes === 2) frame[1] = length;
  else if (headBytes === 4) {
    frame[1] = LENGTH_16;
    view.setUint16(2, length);
  } else {
    frame[1] = LENGTH_64;
    view.setUint32(6, length);
  }
  let at = headBytes;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
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
