import { contentOf, FLAG, FRAME, type Frame, frameBytes, FrameReader, PREFACE } from "./frames.ts";
import { encodedHeaders, type Header, HeaderDecoder } from "./hpack.ts";

/** The only stream of a connection. */
const STREAM = 1;
const BUFFER_BYTES = 4 * 1024;
/** Of all that a peer sends; the answer of a health service has some hundred. */
const ANSWER_BYTES_MAX = 128 * 1024;
/** A message has a byte that says whether it is compressed, and its length. */
const MESSAGE_HEAD_BYTES = 5;

/** What came of a call. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export interface CallAnswer {
  headers: readonly Header[];
  /** The bytes of its message; empty when there was none. */
  message: Uint8Array;
}

/** The peer is no HTTP/2 server, or ended the connection before it had said so. */
export class NotConnectedError extends Error {
  override name = "NotConnectedError";
}

/** The bytes that begin a connection and make one call with one message on it. */
export function callBytes(headers: readonly Header[], message: Uint8Array): Uint8Array {
  const block = encodedHeaders(headers);
  const body = new Uint8Array(MESSAGE_HEAD_BYTES + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, MESSAGE_HEAD_BYTES);
  const frames: Frame[] = [
    { type: FRAME.settings, flags: 0, stream: 0, payload: NO_PUSH },
    { type: FRAME.headers, flags: FLAG.endHeaders, stream: STREAM, payload: block },
    { type: FRAME.data, flags: FLAG.endStream, stream: STREAM, payload: body },
  ];
  const parts = [PREFACE, ...frames.map(frameBytes)];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** SETTINGS_ENABLE_PUSH = 0 */
const NO_PUSH = Uint8Array.of(0, 2, 0, 0, 0, 0);

/** The answer to a call, taken from the bytes of its connection as they come. */
export class AnswerReader {
  readonly #frames = new FrameReader();
  readonly #decoder = new HeaderDecoder();
  readonly #headers: Header[] = [];
  #body: number[] = [];
  #block: number[] = [];
  #endsWithBlock = false;
  #bytes = 0;
  #isDone = false;
  /** Whether the peer has said that it speaks HTTP/2. */
  isConnected = false;

  /** The answer once it is whole. Throws for what is no answer, and for a call that was refused. */
  push(bytes: Uint8Array): CallAnswer | undefined {
    this.#bytes += bytes.length;
    if (this.#bytes > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
    if (!this.isConnected && this.#bytes >= 4 && bytes[3] !== FRAME.settings) {
      throw new NotConnectedError();
    }
    for (const frame of this.#frames.push(bytes)) {
      this.#take(frame);
      if (this.#isDone) return this.#answer();
    }
    return undefined;
  }

  #take(frame: Frame): void {
    const { type, flags, stream } = frame;
    if (type === FRAME.settings) this.isConnected = true;
    if (type === FRAME.goAway) throw new Error("the server closed the connection");
    if (stream !== STREAM) return;
    if (type === FRAME.resetStream) throw new Error("stream terminated by RST_STREAM");
    if (type === FRAME.data) {
      this.#body.push(...contentOf(frame));
      this.#isDone = (flags & FLAG.endStream) !== 0;
    } else if (type === FRAME.headers) {
      this.#block = [...contentOf(frame)];
      this.#endsWithBlock = (flags & FLAG.endStream) !== 0;
      this.#endBlock(flags);
    } else if (type === FRAME.continuation) {
      this.#block.push(...frame.payload);
      this.#endBlock(flags);
    }
  }

  #endBlock(flags: number): void {
    if (!(flags & FLAG.endHeaders)) return;
    this.#headers.push(...this.#decoder.decode(Uint8Array.from(this.#block)));
    this.#isDone = this.#endsWithBlock;
  }

  #answer(): CallAnswer {
    const body = Uint8Array.from(this.#body);
    if (body.length > 0 && body[0] !== 0) throw new Error("the answer is compressed");
    return { headers: this.#headers, message: body.subarray(MESSAGE_HEAD_BYTES) };
  }
}

/** Reads until the answer is whole. Rejects as {@linkcode AnswerReader.push} throws. */
export async function readCallAnswer(
  reader: AnswerReader,
  read: (buffer: Uint8Array) => Promise<number | null>,
): Promise<CallAnswer> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (;;) {
    const length = await read(buffer);
    if (length === null) {
      throw reader.isConnected
        ? new Error("error reading from server: EOF")
        : new NotConnectedError();
    }
    const answer = reader.push(buffer.subarray(0, length));
    if (answer !== undefined) return answer;
  }
}
