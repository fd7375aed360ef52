import { waitMsAfter } from "../../../core/lib/backoff.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import type { Log } from "../../../core/lib/log.ts";
import { firstQuestion } from "../sockets/first_question.ts";
import type { DnsSettings, FromDns, NameChanges, ToDns } from "./messages.ts";

const RESTART = { firstMs: 100, maxMs: 30_000, factor: 2 };
/** A thread that lived this long before it failed counts as healthy. */
const HEALTHY_AFTER_MS = 60_000;
const STOP_MS_MAX = 2_000;

/** Besides the network, by the C library too, the thread reads which name servers the node has, and nothing else. */
const DENIED = { write: false, env: false, sys: false, run: false, import: false } as const;

export interface DnsThreadOptions {
  settings: DnsSettings;
  clock: Clock;
  log: Log;
}

/**
 * The thread that answers DNS, as the main thread holds it. One that fails is started again, and is told all names anew.
 */
export class DnsThread {
  readonly #options: DnsThreadOptions;
  #worker: Worker | undefined;
  #isStopping = false;
  #failures = 0;
  #startedMs = 0;
  #problem: string | undefined;
  #all: () => NameChanges = () => ({ services: [], namespaces: [] });
  readonly #listening = Promise.withResolvers<number>();
  readonly #stopped = Promise.withResolvers<void>();

  constructor(options: DnsThreadOptions) {
    this.#options = options;
  }

  /** Starts the thread, if it does not run. `all`: all names that there are; asked for now, and at each start. */
  start(all: () => NameChanges): void {
    this.#all = all;
    if (this.#worker === undefined) this.#begin();
    else this.change(all());
  }

  /** Resolves when somebody asks while the thread does not run, or `signal` aborts. */
  untilAsked(signal: AbortSignal): Promise<void> {
    return firstQuestion(this.#options.settings, signal);
  }

  /** The port, once it listens. */
  get port(): Promise<number> {
    return this.#listening.promise;
  }

  change(changes: NameChanges): void {
    this.#send({ type: "change", changes });
  }

  /** Doing it twice is doing it once. */
  async stop(): Promise<void> {
    if (this.#isStopping || this.#worker === undefined) return;
    this.#isStopping = true;
    this.#send({ type: "stop" });
    const cancel = this.#options.clock.after(STOP_MS_MAX, () => {
      this.#worker?.terminate(); // it hangs; one that ends by itself must not be ended meanwhile
      this.#stopped.resolve();
    });
    await this.#stopped.promise;
    cancel();
    this.#worker = undefined;
  }

  #begin(): void {
    if (this.#isStopping) return;
    const { clock, settings } = this.#options;
    this.#startedMs = clock.elapsed();
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "dns",
      deno: { permissions: { net: true, ffi: true, read: ["/etc", "/run"], ...DENIED } },
    });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromDns>) => this.#onMessage(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#restart(worker, event.message);
    };
    this.#send({ type: "start", settings });
    this.#send({ type: "change", changes: this.#all() });
  }

  #send(message: ToDns): void {
    this.#worker?.postMessage(message);
  }

  #onMessage(message: FromDns): void {
    const { log, settings: { address, port } } = this.#options;
    switch (message.type) {
      case "listening":
        this.#problem = undefined;
        log.info("Listening", { for: "cluster DNS", address, port: message.port });
        return this.#listening.resolve(message.port);
      case "failed":
        if (this.#problem === message.message) return;
        this.#problem = message.message;
        return log.warn(
          `Cannot listen on ${address}:${port} for cluster DNS: ${message.message}; will try again`,
        );
      case "loop":
        return log.warn(
          "Cannot ask the node's name servers: they send questions back to cluster DNS; see /etc/resolv.conf",
        );
      case "stopped":
        return this.#stopped.resolve();
    }
  }

  #restart(worker: Worker, error: string): void {
    const { clock, log } = this.#options;
    if (this.#worker !== worker) return;
    worker.terminate();
    this.#worker = undefined;
    if (this.#isStopping) return this.#stopped.resolve();
    const wasHealthy = clock.elapsed() - this.#startedMs > HEALTHY_AFTER_MS;
    this.#failures = wasHealthy ? 1 : this.#failures + 1;
    const waitMs = waitMsAfter(this.#failures, RESTART);
    log.error("Cannot go on with the thread of cluster DNS: it is started again", {
      error,
      waitMs,
    });
    clock.after(waitMs, () => this.#begin());
  }
}
