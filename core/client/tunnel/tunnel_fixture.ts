import type { Clock } from "../../lib/clock.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { MuxTunnel } from "./mux_tunnel.ts";
import type { StreamKind } from "./tunnel.ts";
import type { TunnelPipe } from "./tunnel_pipe.ts";

export interface PairOptions {
  clock?: Clock;
  /** What the server answers. */
  ofServer?: readonly StreamKind[];
  /** What the node answers. */
  ofNode?: readonly StreamKind[];
  /** How long bytes are on their way, by the clock; none as a rule. */
  delayMs?: number;
  pingMs?: number;
  deadMs?: number;
  /** The server has got a ping. */
  onPing?: (rttMs: number | undefined) => void;
}

export interface TunnelPair {
  server: MuxTunnel;
  node: MuxTunnel;
  /** From now on nothing arrives at either end, without a word. */
  silence(): void;
  /** Both ends find the connection broken. */
  cut(): void;
}

/** The two ends of a tunnel, joined in memory. */
export function tunnelPair(options: PairOptions = {}): TunnelPair {
  const { clock = new VirtualClock(), ofServer = [], ofNode = [], onPing } = options;
  const { deadMs = 40_000, pingMs, delayMs = 0 } = options;
  const [one, other] = pipePair({ clock, delayMs });
  const common = { clock, deadMs };
  return {
    server: new MuxTunnel({
      ...common,
      ...{ side: "server", pipe: one, kinds: ofServer, ...(onPing && { onPing }) },
    }),
    node: new MuxTunnel({
      ...common,
      ...{ side: "dialler", pipe: other, kinds: ofNode, ...(pingMs !== undefined && { pingMs }) },
    }),
    silence: () => one.isSilent = other.isSilent = true,
    cut: () => {
      one.break();
      other.break();
    },
  };
}

/** Two ends of a connection in memory. */
export function pipePair(
  options: { clock: Clock; delayMs: number },
): [MemoryPipe, MemoryPipe] {
  const one = new MemoryPipe(options);
  const other = new MemoryPipe(options);
  one.peer = other;
  other.peer = one;
  return [one, other];
}

/** One end: what is sent arrives at the peer. */
export class MemoryPipe implements TunnelPipe {
  readonly reserve = 0;
  readonly #clock: Clock;
  readonly #delayMs: number;
  peer!: MemoryPipe;
  isSilent = false;
  #arrived: Uint8Array[] = [];
  #state: "open" | "ended" | "broken" = "open";
  #wake = () => {};

  constructor({ clock, delayMs }: { clock: Clock; delayMs: number }) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#state !== "open") return Promise.reject(new Error("the connection is broken"));
    this.#later(() => this.peer.#take(bytes));
    return Promise.resolve();
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const next = this.#arrived.shift();
      if (next) return next;
      if (this.#state === "ended") return undefined;
      if (this.#state === "broken") throw new Error("the connection is broken");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    this.#leave("ended");
    this.#later(() => this.peer.#leave("ended"));
  }

  break(): void {
    this.#leave("broken");
  }

  #later(act: () => void): void {
    if (this.isSilent) return;
    if (this.#delayMs === 0) act();
    else this.#clock.after(this.#delayMs, act);
  }

  #take(bytes: Uint8Array): void {
    if (this.isSilent || this.#state !== "open") return;
    this.#arrived.push(bytes);
    this.#wake();
  }

  #leave(state: "ended" | "broken"): void {
    if (this.#state === "open") this.#state = state;
    this.#wake();
  }
}
