import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import type { RelayAddress } from "../../core/traffic/far/relaying.ts";
import type { ListenReport, ThreadStats } from "./proxy_thread.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

const RESTART: Backoff = { firstMs: 100, maxMs: 30_000, factor: 2 };
/** What a worker may take to stop, besides the time for what is in flight. */
const STOP_MS_MAX = 2_000;
/** A worker that lived this long before it failed counts as healthy. */
const HEALTHY_AFTER_MS = 60_000;

interface ThreadClock {
  readonly clock: Clock;
  readonly log: Log;
}

/** How a thread is started, and who hears of it. */
export interface ThreadEvents {
  startWorker(): Worker;
  /** Whether its clients speak TLS. */
  isForTls: boolean;
  positions: SharedArrayBuffer;
  sharesPorts: boolean;
  relay?: RelayAddress;
  onStart(): void;
  onChange(): void;
  onSets(): void;
  onListeners(report: ListenReport): void;
}

/** A worker as the main thread sees it, across its restarts. */
export class Thread {
  /** Of the table that it follows. */
  version = 0;
  report: ListenReport = { listening: [], failed: [] };
  /** Uids of pods that have left the table and have requests in flight, with how many endpoints of theirs. */
  readonly draining = new Map<string, number>();
  /** Sets that no share leads to and that have requests in flight. */
  busySets = new Set<string>();
  readonly #options: ThreadClock;
  readonly #events: ThreadEvents;
  #worker: Worker | undefined;
  #state: "running" | "stopping" | "stopped" = "running";
  #failures = 0;
  #startedMs = 0;
  #lastId = 0;
  readonly #pendingStats = new Map<number, PromiseWithResolvers<ThreadStats>>();
  readonly #stopped = Promise.withResolvers<void>();

  constructor(options: ThreadClock, events: ThreadEvents) {
    this.#options = options;
    this.#events = events;
  }

  get isForTls(): boolean {
    return this.#events.isForTls;
  }

  start(): void {
    if (this.#state !== "running") return;
    this.#startedMs = this.#options.clock.elapsed();
    const worker = this.#events.startWorker();
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#onMessage(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#restart(worker, event.message);
    };
    const { positions, sharesPorts, relay } = this.#events;
    this.send({ type: "start", positions, sharesPorts, ...(relay && { relay }) });
    this.#events.onStart();
  }

  send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  stats(): Promise<ThreadStats> {
    const id = ++this.#lastId;
    const stats = Promise.withResolvers<ThreadStats>();
    if (this.#worker === undefined) stats.resolve(NO_STATS);
    this.#pendingStats.set(id, stats);
    this.send({ type: "stats", id });
    return stats.promise;
  }

  async stop(drainMs: number): Promise<void> {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    if (this.#worker === undefined) return;
    this.send({ type: "stop", drainMs });
    const cancel = this.#options.clock.after(drainMs + STOP_MS_MAX, this.#stopped.resolve); // it may hang
    await this.#stopped.promise;
    cancel();
    this.#end();
  }

  #onMessage(message: FromWorker): void {
    switch (message.type) {
      case "used":
        this.version = message.version;
        this.report = message.report;
        this.draining.clear();
        for (const uid of message.draining) {
          this.draining.set(uid, (this.draining.get(uid) ?? 0) + 1);
        }
        this.busySets = new Set(message.busySets);
        return this.#events.onChange();
      case "drained":
        this.#noteDrained(message.podUid);
        return this.#events.onChange();
      case "setIdle":
        this.busySets.delete(message.set);
        return this.#events.onSets();
      case "listeners":
        this.report = message.report;
        return this.#events.onListeners(message.report);
      case "stats":
        this.#pendingStats.get(message.id)?.resolve(message.stats);
        this.#pendingStats.delete(message.id);
        return;
      case "stopped":
        this.#state = "stopped";
        this.#stopped.resolve();
    }
  }

  #noteDrained(podUid: string): void {
    const count = this.draining.get(podUid);
    if (count === undefined) return;
    if (count > 1) this.draining.set(podUid, count - 1);
    else this.draining.delete(podUid);
  }

  #restart(worker: Worker, message: string): void {
    const { clock, log } = this.#options;
    if (this.#worker !== worker) return;
    this.#end();
    if (this.#state !== "running") return this.#stopped.resolve();
    const wasHealthy = clock.elapsed() - this.#startedMs > HEALTHY_AFTER_MS;
    this.#failures = wasHealthy ? 1 : this.#failures + 1;
    const waitMs = waitMsAfter(this.#failures, RESTART);
    log.error("Cannot go on with a thread of the proxy: it is started again", {
      error: message,
      waitMs,
    });
    clock.after(waitMs, () => this.start());
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.version = 0;
    this.draining.clear();
    this.busySets.clear();
    for (const { resolve } of this.#pendingStats.values()) resolve(NO_STATS);
    this.#pendingStats.clear();
  }
}

const NO_STATS: ThreadStats = { connections: 0, refused: 0, backends: {}, sets: [] };
