import { waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { denoEngine, type ProxyEngine } from "./engines.ts";
import type { RelayAddress } from "../../core/traffic/far/relaying.ts";
import type { BackendCounts } from "../../core/traffic/backend_counts.ts";
import { servedSetKey } from "../../core/traffic/rollout_sets.ts";
import { sumOfCounts } from "../backends/backend_stats.ts";
import type { SetCount } from "../backends/backends.ts";
import type { ListenReport, OpenPort, ThreadStats } from "./proxy_thread.ts";
import { EMPTY_TABLE, type RouteTable, splitsOf } from "../table/route_table.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** Rules whose split is exact across all threads; the rules above it are exact within each thread. */
const CELLS_MAX = 16_384;
const RESTART = { firstMs: 100, maxMs: 30_000, factor: 2 };
/** What a worker may take to stop, besides the time for what is in flight. */
const STOP_MS_MAX = 2_000;
/** A worker that lived this long before it failed counts as healthy. */
const HEALTHY_AFTER_MS = 60_000;

export interface ProxyOptions {
  clock: Clock;
  log: Log;
  /** Threads that serve traffic. More than one needs `--unstable-net`: they listen on the same ports. */
  workers?: number;
  /** What does the I/O; Deno's sockets when absent. */
  engine?: ProxyEngine;
}

/** What the proxy has seen since it started, over all threads. A thread that was restarted begins anew. */
export interface ProxyStats {
  readonly connections: number;
  readonly refused: number;
  readonly backends: Readonly<Record<string, BackendCounts>>;
}

/**
 * The proxy, as the main thread holds it: the traffic itself runs in worker threads, which get whole tables. A worker that
 * fails is started again with the last table.
 */
export class Proxy {
  readonly #options: ProxyOptions;
  readonly #positions = new SharedArrayBuffer(CELLS_MAX * Int32Array.BYTES_PER_ELEMENT);
  readonly #cells = new Map<string, number>();
  readonly #threads: Thread[] = [];
  readonly #listeners = new Set<(report: ListenReport) => void>();
  readonly #setListeners = new Set<() => void>();
  readonly #waiting = new Set<() => boolean>();
  #table: RouteTable = EMPTY_TABLE;
  #version = 0;
  #relay: RelayAddress | undefined;
  #routedPods = new Set<string>();

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  /** Who is asked for connections to endpoints behind tunnels, by the threads that are started from now on. */
  useRelay(relay: RelayAddress): void {
    this.#relay = relay;
  }

  /** Starts the workers. Nothing listens before the first {@linkcode use}. */
  start(): void {
    const count = this.#options.workers ?? 1;
    for (let i = 0; i < count; i++) {
      const thread = new Thread(this.#options, {
        positions: this.#positions,
        sharesPorts: count > 1,
        ...(this.#relay && { relay: this.#relay }),
        onStart: () => this.#sendTable(thread),
        onChange: () => this.#checkWaiting(),
        onSets: () => this.#setListeners.forEach((listener) => listener()),
        onListeners: (report) => this.#listeners.forEach((listener) => listener(report)),
      });
      this.#threads.push(thread);
      thread.start();
    }
  }

  /**
   * Puts a table in place of the last one. Resolves, once all threads follow it, with the ports that are open and those
   * that are not. When a newer table comes before that, both resolve when the newer one is in use.
   */
  async use(table: RouteTable): Promise<ListenReport> {
    this.#table = table;
    const version = ++this.#version;
    this.#assignCells(table);
    this.#routedPods = new Set(
      table.backends.flatMap(({ endpoints }) =>
        endpoints.flatMap(({ podUid, isEnding }) => isEnding ? [] : [podUid])
      ),
    );
    for (const thread of this.#threads) this.#sendTable(thread);
    await this.#until(() => this.#threads.every((thread) => thread.version >= version));
    return combinedReport(this.#threads.map(({ report }) => report));
  }

  async stats(): Promise<ProxyStats> {
    const all = await Promise.all(this.#threads.map((thread) => thread.stats()));
    const names = new Set(all.flatMap(({ backends }) => Object.keys(backends)));
    return {
      connections: all.reduce((sum, { connections }) => sum + connections, 0),
      refused: all.reduce((sum, { refused }) => sum + refused, 0),
      backends: Object.fromEntries(
        [...names].map((name) => [
          name,
          sumOfCounts(all.flatMap(({ backends }) => backends[name] ?? [])),
        ]),
      ),
    };
  }

  /** Calls `listener` when a port is opened, or fails, other than by `use`. Returns the stop. */
  onListeners(listener: (report: ListenReport) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sets of rollouts, by `servedSetKey`, that no share leads to and that have requests in flight. */
  busySets(): ReadonlySet<string> {
    return new Set(this.#threads.flatMap(({ busySets }) => [...busySets]));
  }

  /** Calls `listener` when a set is no longer busy. Returns the stop. */
  onBusySets(listener: () => void): () => void {
    this.#setListeners.add(listener);
    return () => this.#setListeners.delete(listener);
  }

  /** What the sets of rollouts have done, by the ports of Services that lead to them. */
  async countsOfSets(): Promise<SetCount[]> {
    const all = await Promise.all(this.#threads.map((thread) => thread.stats()));
    const keyOf = ({ set }: SetCount) => `${servedSetKey(set)} ${set.port}`;
    return [...Map.groupBy(all.flatMap(({ sets }) => sets), keyOf).values()].map((same) => ({
      set: same[0]!.set,
      counts: sumOfCounts(same.map(({ counts }) => counts)),
    }));
  }

  /**
   * Resolves when no thread sends this pod new requests and none has one in flight: from then on it may be stopped without
   * losing any. At once for a pod that no table names, or only for want of another. Rejects when the signal aborts.
   */
  untilDrained(podUid: string, signal: AbortSignal): Promise<void> {
    return this.#until(
      () =>
        !this.#routedPods.has(podUid) &&
        this.#threads.every((thread) =>
          thread.version === this.#version && !thread.draining.has(podUid)
        ),
      signal,
    );
  }

  /** Stops taking connections, lets what is in flight end within `drainMs`, closes all, ends the threads. */
  async stop(drainMs: number): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.stop(drainMs)));
    this.#checkWaiting();
  }

  #sendTable(thread: Thread): void {
    if (this.#version === 0) return;
    thread.send({
      type: "use",
      version: this.#version,
      table: this.#table,
      cells: Object.fromEntries(this.#cells),
    });
  }

  /** Rules keep their cells from table to table, so that a cycle goes on where it was. */
  #assignCells(table: RouteTable): void {
    const keys = new Set(splitsOf(table).map(({ key }) => key));
    for (const key of this.#cells.keys()) if (!keys.has(key)) this.#cells.delete(key);
    const used = new Set(this.#cells.values());
    let cell = 0;
    for (const key of keys) {
      if (this.#cells.has(key)) continue;
      while (used.has(cell)) cell++;
      if (cell >= CELLS_MAX) return;
      this.#cells.set(key, cell++);
    }
  }

  #until(isDone: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (isDone()) return resolve();
      const check = () => {
        if (!isDone()) return false;
        signal?.removeEventListener("abort", abort);
        resolve();
        return true;
      };
      const abort = () => {
        this.#waiting.delete(check);
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.add(check);
    });
  }

  #checkWaiting(): void {
    for (const check of this.#waiting) if (check()) this.#waiting.delete(check);
  }
}

/** A port counts as open when all threads have it open. */
function combinedReport(reports: readonly ListenReport[]): ListenReport {
  const failed = new Map(
    reports.flatMap((report) => report.failed.map((port) => [port.name, port])),
  );
  const isOpen = ({ name }: OpenPort) => !failed.has(name);
  return {
    listening: (reports[0]?.listening ?? []).filter(isOpen),
    failed: [...failed.values()],
  };
}

interface ThreadEvents {
  positions: SharedArrayBuffer;
  sharesPorts: boolean;
  relay?: RelayAddress;
  onStart(): void;
  onChange(): void;
  onSets(): void;
  onListeners(report: ListenReport): void;
}

/** A worker as the main thread sees it, across its restarts. */
class Thread {
  /** Of the table that it follows. */
  version = 0;
  report: ListenReport = { listening: [], failed: [] };
  /** Uids of pods that have left the table and have requests in flight, with how many endpoints of theirs. */
  readonly draining = new Map<string, number>();
  /** Sets that no share leads to and that have requests in flight. */
  busySets = new Set<string>();
  readonly #options: ProxyOptions;
  readonly #events: ThreadEvents;
  #worker: Worker | undefined;
  #state: "running" | "stopping" | "stopped" = "running";
  #failures = 0;
  #startedMs = 0;
  #lastId = 0;
  readonly #pendingStats = new Map<number, PromiseWithResolvers<ThreadStats>>();
  readonly #stopped = Promise.withResolvers<void>();

  constructor(options: ProxyOptions, events: ThreadEvents) {
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    if (this.#state !== "running") return;
    this.#startedMs = this.#options.clock.elapsed();
    const worker = (this.#options.engine ?? denoEngine).startThread();
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
