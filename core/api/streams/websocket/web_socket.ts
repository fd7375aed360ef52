import type { ByteSink, ByteSource } from "../../../lib/byte_queue.ts";
import {
  CLOSE_CODE,
  closeCodeOf,
  closeFrame,
  type DataOpcode,
  FrameError,
  type FrameEvent,
  frameOf,
  FrameReader,
  OPCODE,
} from "../../../lib/websocket/frames.ts";

/** A piece of the data of a message. */
export type MessagePiece = Extract<FrameEvent, { type: "data" }>;

/** The server's side of a WebSocket. Answers pings and closings by itself; one reader. */
export class WebSocket {
  readonly #connection: ByteSource & ByteSink;
  readonly #frames = new FrameReader();
  #events: Generator<FrameEvent> | undefined;
  #isClosing = false;

  constructor(connection: ByteSource & ByteSink) {
    this.#connection = connection;
  }

  /** The next piece of a message; `undefined`: the peer has closed, or does not keep to the protocol. */
  async read(): Promise<MessagePiece | undefined> {
    try {
      for (;;) {
        const event = await this.#next();
        if (event === undefined) return undefined;
        if (event.type === "data") return event;
        if (event.type === "ping") await this.#send(frameOf(OPCODE.pong, event.bytes));
        if (event.type === "close") {
          await this.close(closeCodeOf(event.bytes));
          return undefined;
        }
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      await this.close(CLOSE_CODE.protocolError, error.message);
      return undefined;
    }
  }

  /** Sends a message. Rejects when the peer is gone. */
  send(opcode: DataOpcode, ...parts: readonly Uint8Array[]): Promise<void> {
    return this.#send(frameOf(opcode, ...parts));
  }

  /** Says good-bye, once. */
  async close(code: number = CLOSE_CODE.normal, reason?: string): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.#connection.write(closeFrame(code, reason)).catch(() => {}); // gone already
    await this.#connection.end();
  }

  async #send(frame: Uint8Array): Promise<void> {
    if (this.#isClosing) return;
    await this.#connection.write(frame);
  }

  async #next(): Promise<FrameEvent | undefined> {
    for (;;) {
      const next = this.#events?.next();
      if (next && !next.done) return next.value;
      const part = await this.#connection.read();
      if (part === undefined) return undefined;
      this.#events = this.#frames.push(part);
    }
  }
}
