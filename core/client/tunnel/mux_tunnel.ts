import type { Clock } from "../../lib/clock.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { messageOf } from "../../lib/error_message.ts";
import { Mux, type MuxOptions } from "../../lib/mux/mux.ts";
import { MuxError, ProtocolError } from "../../lib/mux/mux_error.ts";
import type { MuxStream } from "../../lib/mux/mux_stream.ts";
import type { StreamHead, StreamKind, Tunnel } from "./tunnel.ts";
import type { TunnelPipe } from "./tunnel_pipe.ts";

/** What is given to the pipe at once. */
const BATCH_BYTES = 64 * 1024;

export interface MuxTunnelOptions {
  side: MuxOptions["side"];
  pipe: TunnelPipe;
  clock: Clock;
  /** What this end answers; what is added later is answered from then on. */
  kinds: readonly StreamKind[];
  /** How often this end pings; absent: only when there is much to send. */
  pingMs?: number;
  /** After how long without a byte from the other end the tunnel is lost. */
  deadMs: number;
  /** A ping has come, with the round trip that the other end has measured. */
  onPing?: (rttMs: number | undefined) => void;
}

/** A tunnel over a pipe, from its opening to its end. */
export class MuxTunnel implements Tunnel {
  readonly ended: Promise<string>;
  readonly #options: MuxTunnelOptions;
  readonly #mux: Mux;
  readonly #stop = new AbortController();
  #tellEnded!: (reason: string) => void;
  #heardMs: number;
  #cancelPing = () => {};
  #cancelDeath = () => {};

  constructor(options: MuxTunnelOptions) {
    const { clock, side, onPing } = options;
    this.#options = options;
    this.ended = new Promise((resolve) => this.#tellEnded = resolve);
    this.#heardMs = clock.elapsed();
    this.#mux = new Mux({
      side,
      nowMs: () => clock.elapsed(),
      onStream: (stream) => void this.#answer(stream),
      onOutput: () => void this.#send(),
      ...(onPing && { onPing }),
    });
    void this.#receive();
    this.#watch(options.deadMs);
    if (options.pingMs !== undefined) this.#ping(options.pingMs);
  }

  get rttMs(): number | undefined {
    return this.#mux.rttMs ?? this.#mux.toldRttMs;
  }

  /** Streams that are open now. */
  get streams(): number {
    return this.#mux.size;
  }

  open(head: StreamHead): MuxStream {
    return this.#mux.open(JSON.stringify(head));
  }

  /** Asks the other end for a sign of life now, and considers the tunnel lost when none comes within `ms`. */
  probe(ms: number): void {
    const askedMs = this.#options.clock.elapsed();
    this.#mux.ping();
    this.#cancelDeath();
    this.#cancelDeath = this.#options.clock.after(ms, () => {
      if (this.#heardMs < askedMs) return this.close(`no sign of life for ${ms} ms`);
      this.#watch(this.#options.deadMs);
    });
  }

  close(reason: string): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(new MuxError(reason));
    this.#cancelPing();
    this.#cancelDeath();
    this.#mux.close(reason);
    this.#options.pipe.close(reason);
    this.#tellEnded(reason);
  }

  async #receive(): Promise<void> {
    const { pipe, clock } = this.#options;
    try {
      for (let bytes; (bytes = await pipe.read()) !== undefined;) {
        this.#heardMs = clock.elapsed();
        const waitMs = this.#mux.receive(bytes);
        if (waitMs > 0) await clock.sleep(waitMs, this.#stop.signal);
      }
      this.close("the connection was closed");
    } catch (error) {
      this.close(reasonOf(error));
    }
  }

  async #send(): Promise<void> {
    const { pipe } = this.#options;
    await Promise.resolve(); // what is written in this moment goes together
    try {
      for (let bytes; (bytes = this.#mux.take(BATCH_BYTES, pipe.reserve)) !== undefined;) {
        await pipe.send(bytes);
      }
    } catch (error) {
      this.close(reasonOf(error));
    }
  }

  #ping(everyMs: number): void {
    this.#cancelPing = this.#options.clock.after(everyMs, () => {
      this.#mux.ping();
      this.#ping(everyMs);
    });
  }

  #watch(ms: number): void {
    const { clock, deadMs } = this.#options;
    this.#cancelDeath = clock.after(ms, () => {
      const leftMs = this.#heardMs + deadMs - clock.elapsed();
      if (leftMs <= 0) this.close(`no sign of life for ${deadMs} ms`);
      else this.#watch(leftMs);
    });
  }

  async #answer(stream: MuxStream): Promise<void> {
    try {
      const head = headOf(stream.head);
      const kind = this.#options.kinds.find((each) => each.kind === head.kind);
      if (!kind) throw new MuxError(`streams of kind "${head.kind}" are not answered here`);
      await kind.answer(stream, head, stream.lost);
      stream.end();
      for await (const _ of stream.bytes); // nobody is interested in the rest
    } catch (error) {
      stream.reset(messageOf(error));
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof ProtocolError
    ? `the other end broke the protocol: ${error.message}`
    : messageOf(error);
}

/** Throws a `MuxError` for what is no head. */
function headOf(text: string): StreamHead {
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch {
    throw new MuxError("the head of the stream is not JSON");
  }
  const kind = isJsonObject(head) ? head["kind"] : undefined;
  if (typeof kind !== "string") throw new MuxError("the head of the stream names no kind");
  return head as StreamHead; // it is an object with a kind
}
