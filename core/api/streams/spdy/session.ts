import { ENDED } from "../../../lib/abort.ts";
import { ByteQueue, type ByteSink, type ByteSource } from "../../../lib/byte_queue.ts";
import {
  dataFrame,
  goAwayFrame,
  pingFrame,
  replyFrame,
  RESET,
  resetFrame,
  SpdyError,
  type SpdyEvent,
  SpdyReader,
} from "./frames.ts";

/** Streams that are open at once on one connection. */
const STREAMS_MAX = 512;
/** What waits for the readers of all streams: while it is more, nothing is read from the connection. */
const WAITING_BYTES_MAX = 256 * 1024;
/** The longest data frame that is sent. */
const DATA_BYTES_MAX = 32 * 1024;

/** Opened by the client; both directions. */
export class SpdyStream implements ByteSource, ByteSink {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #queue = new ByteQueue();
  readonly #send: (frame: Uint8Array) => Promise<void>;
  readonly #onChange: () => void;
  #hasReceived = false;
  #hasSent = false;

  constructor(
    { stream, headers }: Extract<SpdyEvent, { type: "open" }>,
    send: (frame: Uint8Array) => Promise<void>,
    onChange: () => void,
  ) {
    this.id = stream;
    this.headers = headers;
    this.#send = send;
    this.#onChange = onChange;
  }

  get waitingBytes(): number {
    return this.#queue.cost;
  }

  /** Whether nothing more will come or go. */
  get isOver(): boolean {
    return this.#hasReceived && this.#hasSent;
  }

  /** Takes what the client has sent. */
  receive(bytes: Uint8Array, { isLast }: { isLast: boolean }): void {
    this.#queue.push(bytes);
    if (!isLast) return;
    this.#hasReceived = true;
    this.#queue.end();
  }

  /** The client has given it up, or is gone. */
  abandon(): void {
    this.#hasReceived = this.#hasSent = true;
    this.#queue.end();
  }

  async read(): Promise<Uint8Array | undefined> {
    const bytes = await this.#queue.read();
    this.#onChange();
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += DATA_BYTES_MAX) {
      if (this.#hasSent) throw ENDED;
      await this.#send(dataFrame(this.id, bytes.subarray(at, at + DATA_BYTES_MAX)));
    }
  }

  async end(): Promise<void> {
    if (this.#hasSent) return;
    this.#hasSent = true;
    this.#onChange();
    await this.#send(dataFrame(this.id, new Uint8Array(), { isLast: true }));
  }

  /** Nobody reads what the client still sends. */
  discardInput(): void {
    this.#queue.discard();
    this.#onChange();
  }

  async reset(): Promise<void> {
    this.#queue.discard();
    this.abandon();
    this.#onChange();
    await this.#send(resetFrame(this.id, RESET.cancel));
  }
}

/**
 * The server's side of SPDY/3.1 as Kubernetes' clients speak it (moby/spdystream): streams that the client opens, without
 * flow control of their own. One that is not read holds up the others, and costs at most `WAITING_BYTES_MAX`.
 */
export class SpdySession {
  readonly #connection: ByteSource & ByteSink;
  readonly #reader = new SpdyReader();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #onStream: (stream: SpdyStream) => void;
  #lastStream = 0;
  #hasReplied = false;
  #hasLeft = false;
  #wake: (() => void) | undefined;

  /** `onStream` is called for each stream that the client opens. */
  constructor(connection: ByteSource & ByteSink, onStream: (stream: SpdyStream) => void) {
    this.#connection = connection;
    this.#onStream = onStream;
  }

  /** Reads until the client leaves or breaks the protocol; then all streams have ended. Never rejects. */
  async run(): Promise<void> {
    try {
      for (let part; (part = await this.#connection.read()) !== undefined;) {
        for (const event of this.#reader.push(part)) await this.#on(event);
        await this.#room();
      }
    } catch (error) {
      if (error instanceof SpdyError) await this.close();
      else if (error !== ENDED) throw error;
    } finally {
      for (const stream of this.#streams.values()) stream.abandon();
      this.#streams.clear();
    }
  }

  /** Says good-bye. */
  async close(): Promise<void> {
    if (this.#hasLeft) return;
    await this.#send(goAwayFrame(this.#lastStream)).catch(() => {}); // gone already
    this.#hasLeft = true;
    this.#wake?.();
    await this.#connection.end();
  }

  async #on(event: SpdyEvent): Promise<void> {
    switch (event.type) {
      case "open":
        return await this.#open(event);
      case "data":
        this.#streams.get(event.stream)?.receive(event.bytes, event);
        return this.#forget(event.stream);
      case "reset":
        this.#streams.get(event.stream)?.abandon();
        return this.#forget(event.stream);
      case "ping":
        // Even ids are answers.
        if (event.id % 2 === 1) await this.#send(pingFrame(event.id));
    }
  }

  async #open(event: Extract<SpdyEvent, { type: "open" }>): Promise<void> {
    const id = event.stream;
    if (id % 2 === 0 || id <= this.#lastStream) {
      throw new SpdyError(`stream ${id} cannot be opened`);
    }
    this.#lastStream = id;
    if (this.#streams.size >= STREAMS_MAX) {
      return await this.#send(resetFrame(id, RESET.refusedStream));
    }
    const stream = new SpdyStream(event, (frame) => this.#send(frame), () => {
      this.#forget(id);
      this.#wake?.();
    });
    this.#streams.set(id, stream);
    if (event.isLast) stream.receive(new Uint8Array(), { isLast: true });
    const isFirst = !this.#hasReplied;
    this.#hasReplied = true;
    await this.#send(replyFrame(id, { isFirst }));
    this.#onStream(stream);
  }

  #forget(id: number): void {
    if (this.#streams.get(id)?.isOver) this.#streams.delete(id);
  }

  async #room(): Promise<void> {
    while (!this.#hasLeft && this.#waitingBytes() > WAITING_BYTES_MAX) {
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }

  #waitingBytes(): number {
    let bytes = 0;
    for (const stream of this.#streams.values()) bytes += stream.waitingBytes;
    return bytes;
  }

  #send(frame: Uint8Array): Promise<void> {
    return this.#hasLeft ? Promise.reject(ENDED) : this.#connection.write(frame);
  }
}
