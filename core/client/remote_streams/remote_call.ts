import type { Duplex } from "node:stream";
import type { Clock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import { messageOf } from "../../lib/error_message.ts";
import type { JsonObject } from "../../lib/json/json_value.ts";
import { duplexOf } from "../../lib/mux/duplex.ts";
import type { MuxStream } from "../../lib/mux/mux_stream.ts";
import type { StreamHead, Tunnel } from "../tunnel/tunnel.ts";
import { UnreachableNode } from "../nodes/unreachable_node.ts";
import { messageBytes, PartReader } from "./part_reader.ts";
import { grantOf, wordsOf } from "./stream_answers.ts";
import { ANSWER_BYTES_MAX } from "./stream_requests.ts";

/** How long an agent may take to answer: the time that kube-apiserver gives a kubelet to be dialled. */
export const ANSWER_MS_MAX = 30_000;

/** The agent of a node, at the other end of its tunnel. */
export interface RemoteNode {
  name: string;
  tunnel: Pick<Tunnel, "open">;
  clock: Clock;
}

/** A stream to the agent of a node. Its errors say which node, and why. */
export class RemoteCall {
  readonly #node: RemoteNode;
  readonly #stream: MuxStream;
  readonly #reader: PartReader;
  /** Whether the agent has ended what it sends. */
  #hasEnded = false;
  #isOver = false;

  private constructor(node: RemoteNode, stream: MuxStream) {
    this.#node = node;
    this.#stream = stream;
    this.#reader = new PartReader(stream.bytes);
  }

  /** Opens a stream. That it cannot be opened is told when it is used. */
  static open(node: RemoteNode, head: StreamHead): RemoteCall {
    return new RemoteCall(node, node.tunnel.open(head));
  }

  /** Opens a stream and sends what is asked. Rejects as {@linkcode order}. */
  static async ask(node: RemoteNode, head: StreamHead, request: unknown): Promise<RemoteCall> {
    const call = RemoteCall.open(node, head);
    await call.order(request);
    return call;
  }

  /** Asks for something and waits until it is granted; rejects with the refusal, or with {@linkcode UnreachableNode}. */
  async order(message: unknown, ms = ANSWER_MS_MAX): Promise<JsonObject> {
    // Not waited for: an agent that takes nothing is late, and a lost one is noticed by the answer.
    this.send(message).catch(() => {});
    try {
      return grantOf(await this.message(ms));
    } catch (error) {
      this.end("nothing follows");
      throw error;
    }
  }

  /** The next message; `length`: when it has been read already. */
  async message(ms = ANSWER_MS_MAX, length?: number): Promise<unknown> {
    const { clock, name } = this.#node;
    const late = () => UnreachableNode.late(name, ms);
    const next = this.#guarded(() =>
      length === undefined
        ? this.#reader.message(ANSWER_BYTES_MAX)
        : this.#reader.value(length, ANSWER_BYTES_MAX)
    );
    try {
      return await within(next, { clock, ms, late });
    } catch (error) {
      this.end("an answer is missing");
      throw error;
    }
  }

  /** The next bytes that are no message, at most so many; `undefined` at the end. */
  async some(bytesMax?: number): Promise<Uint8Array | undefined> {
    const part = await this.#guarded(() => this.#reader.some(bytesMax));
    this.#hasEnded ||= part === undefined;
    return part;
  }

  async exactly(count: number): Promise<Uint8Array | undefined> {
    return await this.#guarded(() => this.#reader.exactly(count));
  }

  /** All that follows, and then the end of the call; `ms`: how long each piece may take. */
  async *all(ms = Infinity): AsyncGenerator<Uint8Array> {
    const { clock, name } = this.#node;
    const late = () => UnreachableNode.late(name, ms);
    const next = () => within(this.some(), { clock, ms, late });
    try {
      for (let part; (part = await next()) !== undefined;) yield part;
    } finally {
      this.end("it is read no further");
    }
  }

  /** What follows as a connection: half-open, at the pace of both ends. */
  duplex(): Duplex {
    const lost = new AbortController();
    const lose = () => lost.abort(this.#lostBy(this.#stream.lost.reason));
    if (this.#stream.lost.aborted) lose();
    else this.#stream.lost.addEventListener("abort", lose, { once: true });
    return duplexOf({
      head: this.#stream.head,
      bytes: this.#rest(),
      lost: lost.signal,
      write: (bytes) => this.write(bytes),
      end: () => this.endInput(),
      reset: (reason) => this.end(reason),
    });
  }

  /** All that follows. At its end this end may go on. */
  async *#rest(): AsyncGenerator<Uint8Array> {
    for (let part; (part = await this.some()) !== undefined;) yield part;
  }

  async send(message: unknown): Promise<void> {
    await this.write(messageBytes(message));
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#guarded(() => this.#stream.write(bytes));
  }

  /** Nothing more is sent. */
  endInput(): void {
    this.#stream.end();
  }

  /** It is over, whatever still comes. Repeating it does nothing. */
  end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#hasEnded) this.#stream.end();
    else this.#stream.reset(reason);
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#lostBy(error);
    }
  }

  #lostBy(error: unknown): UnreachableNode {
    return UnreachableNode.lost(this.#node.name, wordsOf(messageOf(error)));
  }
}
