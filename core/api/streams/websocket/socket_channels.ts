import { ByteQueue, type ByteSink, type ByteSource } from "../../../lib/byte_queue.ts";
import { base64Of, Base64Reader } from "./base64_stream.ts";
import { OPCODE } from "../../../lib/websocket/frames.ts";
import type { MessagePiece, WebSocket } from "./web_socket.ts";

/** What waits for the readers of all channels: while it is more, nothing is read from the socket. */
const WAITING_BYTES_MAX = 256 * 1024;
/** In front of the number of a channel: no more will come on it. */
const STREAM_CLOSE = 255;
const DIGIT_ZERO = 0x30;

export interface ChannelOptions {
  count: number;
  /** Channels that are read here; what comes on others is dropped. */
  reads: readonly number[];
  /** Messages are text: a digit and base64. */
  isBase64: boolean;
  /** The client can end one channel alone: version 5. */
  halfCloses: boolean;
}

/**
 * Several streams of bytes on one WebSocket, as Kubernetes has them: the first byte of a message is the number of its
 * channel (apimachinery `pkg/util/httpstream/wsstream/conn.go`).
 */
export class SocketChannels {
  readonly #socket: WebSocket;
  readonly #options: ChannelOptions;
  readonly #queues: ReadonlyMap<number, ByteQueue>;
  /** Of the message that is coming in; `undefined`: its first byte has not come. */
  #channel: number | undefined;
  #base64 = new Base64Reader();

  constructor(socket: WebSocket, options: ChannelOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#queues = new Map(options.reads.map((channel) => [channel, new ByteQueue()]));
  }

  source(channel: number): ByteSource {
    return this.#queues.get(channel)!;
  }

  /** Its end says nothing to the client: the protocol has no word for it. */
  sink(channel: number): ByteSink {
    return {
      write: (bytes) => bytes.length === 0 ? Promise.resolve() : this.send(channel, bytes),
      end: () => Promise.resolve(),
    };
  }

  send(channel: number, bytes: Uint8Array): Promise<void> {
    if (!this.#options.isBase64) {
      return this.#socket.send(OPCODE.binary, Uint8Array.of(channel), bytes);
    }
    return this.#socket.send(OPCODE.text, Uint8Array.of(DIGIT_ZERO + channel), base64Of(bytes));
  }

  /** The connection is gone: nothing more comes. */
  abandon(): void {
    for (const queue of this.#queues.values()) queue.end();
  }

  /** Reads until the client has closed or the connection is gone; then all channels have ended. */
  async run(): Promise<void> {
    try {
      for (let piece; (piece = await this.#socket.read()) !== undefined;) {
        if (!await this.#take(piece)) break;
      }
    } catch {
      // The connection is gone while a ping was being answered.
    } finally {
      this.abandon();
    }
  }

  /** False when the client does not keep to the protocol. */
  async #take({ bytes, startsMessage, endsMessage }: MessagePiece): Promise<boolean> {
    if (startsMessage) {
      this.#channel = undefined;
      this.#base64 = new Base64Reader();
    }
    let data = bytes;
    if (this.#channel === undefined) {
      if (data.length === 0) return true;
      this.#channel = data[0]! - (this.#options.isBase64 ? DIGIT_ZERO : 0);
      data = data.subarray(1);
    }
    if (this.#options.halfCloses && this.#channel === STREAM_CLOSE) {
      return this.#halfClose(data, endsMessage);
    }
    const queue = this.#queues.get(this.#channel);
    if (!queue) return true;
    const decoded = this.#options.isBase64 ? this.#base64.push(data) : data;
    if (decoded === undefined) return true; // as Kubernetes, which goes on with the next message
    queue.push(decoded);
    await queue.room(WAITING_BYTES_MAX);
    return true;
  }

  #halfClose(channels: Uint8Array, endsMessage: boolean): boolean {
    const [channel] = channels;
    if (channel === undefined) return !endsMessage;
    if (channels.length > 1 || channel >= this.#options.count) return false;
    this.#queues.get(channel)?.end();
    return true;
  }
}
