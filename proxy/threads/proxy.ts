import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { denoEngine, type ProxyEngine } from "./engines.ts";
import type { RelayAddress } from "../../core/traffic/far/relaying.ts";
import type { BackendCounts } from "../../core/traffic/backend_counts.ts";
import { servedSetKey } from "../../core/traffic/rollout_sets.ts";
import { sumOfCounts } from "../backends/backend_stats.ts";
import type { SetCount } from "../backends/backends.ts";
import type { ListenReport, OpenPort } from "./proxy_thread.ts";
import { dividedTable } from "./listener_keys.ts";
import { EMPTY_TABLE, type RouteTable, splitsOf } from "../table/route_table.ts";
import { Thread, type ThreadEvents } from "./thread.ts";

/** Rules whose split is exact across all threads; the rules above it are exact within each thread. */
const CELLS_MAX = 16_384;

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
  /** The table, as the threads share it out. */
  #parts: ReturnType<typeof dividedTable> = { plain: EMPTY_TABLE };
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

  /** Starts the workers, once. Nothing listens before the first {@linkcode use}. */
  start(): void {
    if (this.#threads.length > 0) return;
    const count = this.#options.workers ?? 1;
    const engine = this.#engine;
    for (let i = 0; i < count; i++) {
      const startWorker = () => engine.startThread();
      this.#startThread({ startWorker, sharesPorts: count > 1, isForTls: false });
    }
  }

  get #engine(): ProxyEngine {
    return this.#options.engine ?? denoEngine;
  }

  #startThread(how: Pick<ThreadEvents, "startWorker" | "sharesPorts" | "isForTls">): void {
    const thread = new Thread(this.#options, {
      ...how,
      positions: this.#positions,
      ...(this.#relay && { relay: this.#relay }),
      onStart: () => this.#sendTable(thread),
      onChange: () => this.#checkWaiting(),
      onSets: () => this.#setListeners.forEach((listener) => listener()),
      onListeners: () => {
        const report = this.#report();
        this.#listeners.forEach((listener) => listener(report));
      },
    });
    this.#threads.push(thread);
    thread.start();
  }

  /**
   * Puts a table in place of the last one. Resolves, once all threads follow it, with the ports that are open and those
   * that are not. When a newer table comes before that, both resolve when the newer one is in use.
   */
  async use(table: RouteTable): Promise<ListenReport> {
    // An engine that has no thread for TLS says so itself, of each listener that asks for it.
    const isDivided = this.#engine.startTlsThread !== undefined;
    this.#parts = isDivided ? dividedTable(table) : { plain: table };
    const version = ++this.#version;
    this.#assignCells(table);
    this.#routedPods = new Set(
      table.backends.flatMap(({ endpoints }) =>
        endpoints.flatMap(({ podUid, isEnding }) => isEnding ? [] : [podUid])
      ),
    );
    const plain = this.#plainThreads();
    for (const thread of plain) this.#sendTable(thread);
    await this.#until(() => plain.every((thread) => thread.version >= version));
    this.#useTls(version); // after them: its listeners may take ports that they have closed
    await this.#until(() => this.#threads.every((thread) => thread.version >= version));
    return this.#report();
  }

  /** Gives the thread for TLS its part of the table, and starts it for the first one. */
  #useTls(version: number): void {
    if (version !== this.#version) return; // a newer table does it
    const { startTlsThread } = this.#engine;
    const isWanted = this.#parts.encrypted !== undefined, running = this.#tlsThread;
    if (running !== undefined) this.#sendTable(running);
    else if (isWanted && startTlsThread !== undefined && this.#threads.length > 0) {
      this.#startThread({ startWorker: startTlsThread, sharesPorts: false, isForTls: true });
    }
  }

  #plainThreads(): Thread[] {
    return this.#threads.filter(({ isForTls }) => !isForTls);
  }

  /** There is one once a listener speaks TLS. */
  get #tlsThread(): Thread | undefined {
    return this.#threads.find(({ isForTls }) => isForTls);
  }

  #report(): ListenReport {
    const plain = combinedReport(this.#plainThreads().map(({ report }) => report));
    const { listening = [], failed = [] } = this.#tlsThread?.report ?? {};
    return {
      listening: [...plain.listening, ...listening],
      failed: [...plain.failed, ...failed],
    };
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
      table: thread.isForTls ? this.#parts.encrypted ?? EMPTY_TABLE : this.#parts.plain,
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
