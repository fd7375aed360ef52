import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Observation } from "./event.ts";
import type { RotationLimits } from "./rotating_file.ts";
import type { FromWriter, ToWriter } from "./writer_messages.ts";

/** What takes events; it returns at once. */
export interface AuditSink {
  write(seen: Observation): void;
}

/** The thread that writes, as far as it is used here. */
export interface WriterThread {
  postMessage(message: ToWriter): void;
  onmessage: ((event: MessageEvent<FromWriter>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

/** What may wait for the thread. */
export const QUEUE_LIMITS = { events: 10_000, bytes: 32 * 1024 * 1024 };
const BATCH_EVENTS_MAX = 500;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Of an event without its bodies. */
const EVENT_BYTES = 1024;
/** How long a stop waits for what is not written yet. */
const FLUSH_MS_MAX = 5000;

export function startWriterThread(path: string, limits: RotationLimits): WriterThread {
  const thread: WriterThread = new Worker(new URL("./writer_worker.ts", import.meta.url), {
    type: "module",
  });
  thread.postMessage({ open: { path, limits } });
  return thread;
}

/**
 * Hands events to the thread that writes them, one batch after the other. When more wait than {@linkcode QUEUE_LIMITS},
 * the oldest are dropped, and the log says how many.
 */
export class AuditWriter implements AuditSink {
  readonly #thread: WriterThread;
  readonly #log: Log;
  readonly #limits: typeof QUEUE_LIMITS;
  #queue: Observation[] = [];
  /** Those before it have been handed over or dropped. */
  #first = 0;
  #bytes = 0;
  #isBusy = false;
  #dropped = 0;
  #problem: string | undefined;
  #idle: (() => void) | undefined;

  constructor(thread: WriterThread, log: Log, limits: typeof QUEUE_LIMITS = QUEUE_LIMITS) {
    this.#thread = thread;
    this.#log = log;
    this.#limits = limits;
    thread.onmessage = ({ data }) => this.#written(data.problem);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#written(event.message);
    };
  }

  write(seen: Observation): void {
    this.#queue.push(seen);
    this.#bytes += bytesOf(seen);
    while (this.#isOverLimit()) {
      this.#take();
      this.#dropped++;
    }
    if (!this.#isBusy) this.#handOver();
  }

  /** Writes what waits, for a few seconds at most, and ends the thread. */
  async stop(clock: Pick<Clock, "after">): Promise<void> {
    if (this.#isBusy) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const cancel = clock.after(FLUSH_MS_MAX, resolve);
      await promise;
      cancel();
    }
    const lost = this.#queue.length - this.#first;
    if (lost > 0) this.#log.warn("The last audit events are not written", { count: lost });
    this.#thread.terminate();
  }

  #isOverLimit(): boolean {
    const { events, bytes } = this.#limits;
    const count = this.#queue.length - this.#first;
    return count > events || this.#bytes > bytes && count > 1;
  }

  #take(): Observation {
    const seen = this.#queue[this.#first]!;
    this.#queue[this.#first++] = undefined as never; // nothing reads it again; its bodies may go
    this.#bytes -= bytesOf(seen);
    if (this.#first > 1024 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    return seen;
  }

  #handOver(): void {
    const batch: Observation[] = [];
    for (let bytes = 0; batch.length < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX;) {
      if (this.#first === this.#queue.length) break;
      const seen = this.#take();
      bytes += bytesOf(seen);
      batch.push(seen);
    }
    this.#isBusy = batch.length > 0;
    if (this.#isBusy) this.#thread.postMessage({ write: batch });
    else this.#idle?.();
  }

  #written(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#problem) {
      this.#log.error("Cannot write the audit log; its events are lost", { problem });
    } else if (problem === undefined && this.#problem !== undefined) {
      this.#log.info("The audit log is written again");
    }
    this.#problem = problem;
    if (this.#dropped > 0) {
      this.#log.warn("Audit events were dropped: more came than are written", {
        count: this.#dropped,
      });
      this.#dropped = 0;
    }
    this.#handOver();
  }
}

function bytesOf({ request, response }: Observation): number {
  return EVENT_BYTES + (request?.bytes?.length ?? 0) + (response?.bytes?.length ?? 0);
}
