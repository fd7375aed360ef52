import { type Backoff, waitMsAfter } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import { Alarm } from "../../lib/linux/epoll.ts";
import { SocketError, type Sockets } from "../../lib/linux/sockets.ts";
import type { Log } from "../../lib/log.ts";
import type { FanOut } from "../http/fan_out.ts";
import { ringMemory, RingWriter } from "./fan_out/fan_out_ring.ts";
import { listenError } from "./served.ts";
import type { Trunk } from "./trunk.ts";
import {
  type FromThread,
  ORDER,
  Orders,
  type StartThread,
  type TlsFiles,
} from "./thread_messages.ts";

const RESTART: Backoff = { firstMs: 100, maxMs: 30_000, factor: 2 };
/** A thread that ran for this long resets the backoff of restarts. */
const HEALTHY_AFTER_MS = 60_000;

/** The thread, which parses bytes of unauthenticated clients, may call native libraries and use nothing else of the runtime. */
const THREAD_PERMISSIONS = {
  ffi: true,
  net: false,
  read: false,
  write: false,
  env: false,
  sys: false,
  run: false,
  import: false,
};

/** A connection whose handshake is done. */
export type Arrival = Extract<FromThread, { type: "connection" }>;

export interface TlsThreadOptions {
  sockets: Sockets;
  /** An IP address. */
  host: string;
  port: number;
  tls: TlsFiles;
  clock: Clock;
  log: Log;
  handshakeMs: number;
  relaysMax: number;
  /** Takes over the server's end of a trunk, one for each thread that is started; absent: there is none. */
  openTrunk?: (descriptor: number) => Trunk;
  /** Takes over a connection and its descriptor. */
  onArrival: (arrival: Arrival, fanOut: FanOut, trunk: Trunk | undefined) => void;
  /** These connections, by the ids of their arrivals, have lost bytes that the `FanOut` wrote to them. */
  onLost: (connections: readonly number[]) => void;
}

/**
 * The main thread's side of the TLS thread. The main thread owns the listener: when the TLS thread dies, its connections
 * end, new ones wait in the kernel, and another thread is started.
 */
export class TlsThread {
  readonly address: { host: string; port: number };
  readonly #options: TlsThreadOptions;
  readonly #listener: number;
  readonly #alarm: Alarm;
  readonly #orders = new Orders();
  readonly #stopped = Promise.withResolvers<void>();
  #tls: TlsFiles;
  #worker: Worker | undefined;
  /** Each thread has its own: connection ids of one thread mean nothing to the next. */
  #ring: RingWriter | undefined;
  #trunk: Trunk | undefined;
  #failures = 0;
  #cancelRestart: (() => void) | undefined;
  #isStopping = false;
  /** Whether the thread has not read the last certificate yet; the one to use after that. */
  #isCertificatePending = false;
  #nextTls: TlsFiles | undefined;

  /**
   * Returns when it listens: until the thread runs, connections wait in the kernel. Throws a `ListenError` when the
   * address is not available.
   */
  static start(options: TlsThreadOptions): TlsThread {
    const thread = new TlsThread(options);
    thread.#begin();
    return thread;
  }

  private constructor(options: TlsThreadOptions) {
    this.#options = options;
    this.#tls = options.tls;
    const { descriptor, address } = listen(options);
    this.#listener = descriptor;
    this.address = address;
    this.#alarm = new Alarm(options.sockets);
  }

  /** For new connections. When certificate and key do not match, that is logged and the old ones stay in use. */
  useCertificate(tls: TlsFiles): void {
    if (this.#isCertificatePending) {
      this.#nextTls = tls;
      return;
    }
    this.#orders.files = tls;
    this.#tls = tls;
    this.#isCertificatePending = true;
    this.order(ORDER.certificate);
  }

  /** Stops accepting. Resolves when all connections have ended. */
  stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelRestart?.();
    if (this.#worker) this.order(ORDER.stop);
    else this.#end();
    return this.#stopped.promise;
  }

  /** Closes all connections at once and drops what they have buffered. */
  cut(): void {
    this.order(ORDER.cut);
  }

  /** Gives the thread an {@linkcode ORDER}. An unknown one ends it. */
  order(order: number): void {
    this.#orders.give(order);
    this.#alarm.ring();
  }

  #begin(): void {
    const startedMs = this.#options.clock.elapsed();
    const worker = new Worker(new URL("./tls_worker.ts", import.meta.url), {
      type: "module",
      name: "tls",
      deno: { permissions: THREAD_PERMISSIONS },
    });
    const memory = ringMemory();
    const { onLost } = this.#options;
    const ring = new RingWriter({ memory, onLost, wake: () => this.#alarm.ring() });
    this.#worker = worker;
    this.#ring = ring;
    worker.onmessage = ({ data }: MessageEvent<FromThread>) => {
      if (data.type === "died") this.#died(data.reason, startedMs);
      else this.#onMessage(data, ring);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#died(event.message, startedMs);
    };
    worker.postMessage(this.#startMessage(memory, this.#newTrunk()));
  }

  /** Returns the thread's end. */
  #newTrunk(): number | undefined {
    const { openTrunk, sockets } = this.#options;
    const pair = openTrunk && sockets.pair();
    if (!pair) return undefined;
    this.#trunk = openTrunk(pair[1]);
    return pair[0];
  }

  #startMessage(ring: SharedArrayBuffer, trunk: number | undefined): StartThread {
    const { handshakeMs, relaysMax } = this.#options;
    const [listener, alarm] = [this.#listener, this.#alarm.descriptor];
    const { memory: orders } = this.#orders;
    const tls = this.#tls;
    return {
      ...{ type: "start", listener, alarm, orders, ring, tls, handshakeMs, relaysMax },
      ...(trunk !== undefined && { trunk }),
    };
  }

  #onMessage(message: Exclude<FromThread, { type: "died" }>, ring: RingWriter): void {
    const { log, onArrival } = this.#options;
    switch (message.type) {
      case "connection":
        return onArrival(message, ring, this.#trunk);
      case "room":
        return ring.goOn();
      case "returned":
        return ring.returned(message.loans);
      case "problem":
        return log.warn("The API server has a problem", { reason: message.what });
      case "stopped":
        return this.#end();
      case "certificate":
        return this.#certificateUsed(message.refused);
    }
  }

  #certificateUsed(refused: string | undefined): void {
    if (refused !== undefined) {
      this.#options.log.error("Cannot use the new certificate: the old one stays in use", {
        reason: refused,
      });
    }
    this.#isCertificatePending = false;
    const next = this.#nextTls;
    this.#nextTls = undefined;
    if (next) this.useCertificate(next);
  }

  #died(reason: string, startedMs: number): void {
    if (!this.#worker) return; // reported twice
    this.#worker = undefined;
    this.#ring?.close();
    this.#trunk?.close();
    if (this.#isStopping) return this.#end();
    const { clock, log } = this.#options;
    this.#failures = clock.elapsed() - startedMs > HEALTHY_AFTER_MS ? 1 : this.#failures + 1;
    const waitMs = waitMsAfter(this.#failures, RESTART);
    log.error("The API's TLS thread has died: it is started again", {
      reason,
      waitMs,
    });
    this.#orders.take();
    this.#isCertificatePending = false;
    this.#cancelRestart = clock.after(waitMs, () => this.#begin());
  }

  /** The thread has ended, or ends by itself: one that is terminated meanwhile frees its memory at the same time. */
  #end(): void {
    this.#worker = undefined;
    this.#ring?.close();
    this.#trunk?.close();
    this.#release();
    this.#stopped.resolve();
  }

  #release(): void {
    this.#cancelRestart?.();
    this.#options.sockets.close(this.#listener);
    this.#alarm.close();
  }
}

function listen({ sockets, host, port }: TlsThreadOptions): ReturnType<Sockets["listen"]> {
  try {
    return sockets.listen({ host, port });
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    throw listenError(error, { host, port });
  }
}
