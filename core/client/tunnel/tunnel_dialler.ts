import type { Clock } from "../../lib/clock.ts";
import { abortWith } from "../../lib/abort.ts";
import { Deadline } from "../../lib/deadline.ts";
import { messageOf } from "../../lib/error_message.ts";
import type { Log } from "../../lib/log.ts";
import type { Random } from "../../lib/random.ts";
import { Wake } from "../../lib/wake.ts";
import type { Dialled, DialOptions } from "./dial.ts";
import { DialError } from "./dial_error.ts";
import { DuplexConnection } from "./duplex_connection.ts";
import { MuxTunnel } from "./mux_tunnel.ts";
import { INITIAL_RETURN, type Return, returnAfter } from "./return_pace.ts";
import type { StreamKind, Tunnel } from "./tunnel.ts";
import { type TunnelTimes, UPLINKS } from "./tunnel_times.ts";
import { WebSocketPipe } from "./web_socket_pipe.ts";

/** How long a dial may take, from the look-up of the name to the upgrade. */
const DIAL_MS_MAX = 20_000;
/** A dial that is older was made before the uplink changed. */
const STALE_DIAL_MS = 500;
/** How soon a tunnel has to prove that it lives when the uplink has changed. */
const PROBE_MS = 3_000;

export interface TunnelDiallerOptions {
  clock: Clock;
  random: Random;
  log: Log;
  /** For people: where the server is. */
  server: string;
  /** Opens a connection. Asked anew each time, so that a renewed certificate counts from the next one on. */
  dial: (options: Pick<DialOptions, "deadMs" | "signal">) => Promise<Dialled>;
  /** What the agent answers. */
  kinds: readonly StreamKind[];
  times?: TunnelTimes;
}

/**
 * Keeps one tunnel to the server, from `run` to the end of its signal: dials again whenever it is lost, at once when the
 * uplink has changed, spread over the time that the server wishes for. `state`: `unsupported` while the server knows no
 * tunnels.
 */
export class TunnelDialler {
  readonly #options: TunnelDiallerOptions;
  readonly #listeners = new Set<(tunnel: Tunnel | undefined) => void>();
  readonly #wake = new Wake();
  #dialling: { sinceMs: number; end: AbortController } | undefined;
  #tunnel: MuxTunnel | undefined;
  #state: "starting" | "up" | "down" | "unsupported" = "starting";
  #return: Return = INITIAL_RETURN;
  /** Of the last answer. */
  #date: string | undefined;

  constructor(options: TunnelDiallerOptions) {
    this.#options = options;
  }

  /** The tunnel, while there is one. */
  get tunnel(): Tunnel | undefined {
    return this.#tunnel;
  }

  get state(): "starting" | "up" | "down" | "unsupported" {
    return this.#state;
  }

  /** The server's time at the last handshake, as HTTP writes it. */
  get date(): string | undefined {
    return this.#date;
  }

  /** Calls `listener` when the tunnel has come or gone. Returns the stop. */
  onChange(listener: (tunnel: Tunnel | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when it is known whether there is a tunnel: with it, or `undefined` when there is none for now. */
  settled(signal: AbortSignal): Promise<Tunnel | undefined> {
    if (this.#state !== "starting" || signal.aborted) return Promise.resolve(this.#tunnel);
    return new Promise((resolve) => {
      const stop = this.onChange((tunnel) => {
        stop();
        resolve(tunnel);
      });
      signal.addEventListener("abort", () => {
        stop();
        resolve(undefined);
      }, { once: true });
    });
  }

  /** To be called when the uplink may have changed: a tunnel has to prove that it lives, a wait ends. */
  uplinkChanged(): void {
    this.#return = { ...this.#return, failures: 0 };
    if (this.#tunnel) return this.#tunnel.probe(PROBE_MS);
    this.#wake.set();
    const { clock } = this.#options;
    if (this.#dialling && clock.elapsed() - this.#dialling.sinceMs > STALE_DIAL_MS) {
      this.#dialling.end.abort(new DialError("the uplink has changed"));
    }
  }

  /** Ends the tunnel and dials anew, e.g. with a renewed certificate. */
  redial(reason: string): void {
    this.#tunnel?.close(reason);
    this.#wake.set();
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    while (!signal.aborted) {
      this.#wake.clear();
      const lost = await this.#once(signal);
      if (signal.aborted) return;
      this.#return = returnAfter(this.#return, lost);
      const ms = this.#return.delayMs * random.next();
      await this.#wake.wait(signal, { clock, ms });
    }
  }

  /** One tunnel, from dialling to its end. Never rejects. */
  async #once(signal: AbortSignal): Promise<string | DialError> {
    const { times = UPLINKS.usual } = this.#options;
    let dialled: Dialled;
    try {
      dialled = await this.#dial(times, signal);
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      return error instanceof DialError ? error : new DialError(messageOf(error));
    }
    return await this.#use(dialled, times, signal);
  }

  async #dial({ deadMs }: TunnelTimes, outer: AbortSignal): Promise<Dialled> {
    const { clock, dial } = this.#options;
    const late = () => new DialError(`no connection within ${DIAL_MS_MAX / 1000} s`);
    const end = new AbortController();
    const unlink = abortWith(end, outer);
    this.#dialling = { sinceMs: clock.elapsed(), end };
    using deadline = new Deadline({ clock, ms: DIAL_MS_MAX, late }, end.signal);
    try {
      return await dial({ deadMs, signal: deadline.signal });
    } finally {
      this.#dialling = undefined;
      unlink();
    }
  }

  async #use(
    { socket, head, spreadMs, date }: Dialled,
    times: TunnelTimes,
    signal: AbortSignal,
  ): Promise<string> {
    const { clock, kinds, log, server } = this.#options;
    const pipe = new WebSocketPipe(new DuplexConnection(socket, head), "client");
    const tunnel = new MuxTunnel({ side: "dialler", pipe, clock, kinds, ...times });
    const stop = () => tunnel.close("the agent stops");
    signal.addEventListener("abort", stop, { once: true });
    this.#return = { ...INITIAL_RETURN, spreadMs };
    this.#date = date;
    if (this.#state !== "starting") log.info("The connection to the server is back", { server });
    this.#become("up", tunnel);
    const reason = await tunnel.ended;
    signal.removeEventListener("abort", stop);
    if (!signal.aborted) log.warn("The connection to the server is lost", { server, reason });
    this.#become("down", undefined);
    return reason;
  }

  #failed(error: unknown): void {
    const { log, server } = this.#options;
    const state = error instanceof DialError && error.kind === "unsupported"
      ? "unsupported"
      : "down";
    const reason = messageOf(error);
    if (this.#state === state) return log.debug("Still no connection to the server", { reason });
    if (state === "down") log.warn("Cannot connect to the server", { server, reason });
    else {
      log.info("The server takes no tunnels: it is asked by HTTPS alone", { server, reason });
    }
    this.#become(state, undefined);
  }

  #become(state: "up" | "down" | "unsupported", tunnel: MuxTunnel | undefined): void {
    this.#state = state;
    this.#tunnel = tunnel;
    for (const listener of [...this.#listeners]) listener(tunnel);
  }
}
