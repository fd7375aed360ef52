import { messageOf } from "../../lib/error_message.ts";
import { ApiError, isRefusal } from "../../client/api_error.ts";
import type { Client, View } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event_recorder.ts";
import { AssertionError } from "../../lib/assert.ts";
import { type Backoff, waitMsAfter } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { WorkQueue } from "../../lib/work_queue.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type Controller,
  type Loop,
  loopOf,
  type LoopRun,
  type Plan,
  type Write,
} from "./controller.ts";

const RETRY: Backoff = { firstMs: 50, maxMs: 60_000, factor: 2 };
/** How often a key is reconciled anew at once because something changed between deciding and writing. */
const CONFLICTS_MAX = 5;
/** Creations and deletions of one plan that are under way at once; the first batch is 1, each next one twice as large. */
const WRITES_AT_ONCE_MAX = 64;

/** How one reconcile of one key went. */
export interface Look {
  loop: string;
  outcome: "done" | "refused" | "failed";
  tookMs: number;
  writes: number;
}

export interface LoopEnvironment {
  client: Client;
  view: View;
  clock: Clock;
  log: Log;
  events: EventRecorder;
  /** Called after each look, for metrics. */
  observe?: (look: Look) => void;
}

/** Runs a controller until the signal aborts. See {@linkcode runLoop}. */
export function runController<T extends KubeObject>(
  controller: Controller<T>,
  environment: LoopEnvironment,
  signal: AbortSignal,
): Promise<void> {
  return runLoop(loopOf(controller), environment, signal);
}

/**
 * Reconciles every key that the loop adds, and does what is decided, until the signal aborts; then resolves,
 * once the writes under way have ended.
 *
 * Guarantees: after every change a key is reconciled, never twice at a time. A write that met a newer version
 * is decided anew at once, a few times; what is refused or fails is tried again after 50 ms, then ever later,
 * up to a minute. A failure is logged when it begins, when it becomes another one, and when it ends.
 * Nothing happens while nothing changes and nothing is due. Rejects only with an {@linkcode AssertionError}.
 */
export async function runLoop(
  loop: Loop,
  environment: LoopEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const found: string[] = [];
  let add = (key: string, _notBeforeMs?: number): void => {
    found.push(key);
  };
  const run = loop.start(environment.view, (key, notBeforeMs) => add(key, notBeforeMs));
  const queue = new WorkQueue(environment.clock, run.priorityOf);
  add = (key, notBeforeMs) =>
    notBeforeMs === undefined ? queue.add(key) : queue.addBehind(key, notBeforeMs);
  await runQueue(queue, { ...loop, run, found }, environment, signal);
}

async function runQueue(
  queue: WorkQueue,
  { name, workers, run, found }: Omit<Loop, "start"> & { run: LoopRun; found: readonly string[] },
  environment: LoopEnvironment,
  signal: AbortSignal,
): Promise<void> {
  for (const key of found) queue.add(key);
  const runner = new Runner(name, run, environment);
  const work = async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      const againAfterMs = await runner.look(key, signal);
      queue.done(key);
      if (againAfterMs !== undefined) queue.add(key, againAfterMs);
    }
  };
  const close = () => queue.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  try {
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    signal.removeEventListener("abort", close);
    run.stop();
    close();
  }
}

interface FailureRecord {
  failures: number;
  message: string;
}

/** Looks at keys of one loop, and remembers which of them fail. */
class Runner {
  readonly #name: string;
  readonly #run: LoopRun;
  readonly #environment: LoopEnvironment;
  readonly #failing = new Map<string, FailureRecord>();

  constructor(name: string, run: LoopRun, environment: LoopEnvironment) {
    this.#name = name;
    this.#run = run;
    this.#environment = environment;
  }

  /** Gives the time after which to look again, if any. */
  async look(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { clock, observe } = this.#environment;
    const startedMs = clock.elapsed();
    let elapsedMs = startedMs;
    let made: Plan | undefined;
    for (let conflicts = 0;; conflicts++) {
      try {
        made = this.#run.reconcile(key, { nowMs: clock.now(), elapsedMs });
        await this.#perform(made.writes);
        this.#recovered(key);
        this.#observe(observe, "done", startedMs, made);
        return made.againAfterMs;
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        if (signal.aborted) return undefined;
        if (isOutdated(error) && conflicts < CONFLICTS_MAX) {
          elapsedMs = clock.elapsed();
          continue;
        }
        this.#observe(observe, error instanceof ApiError ? "refused" : "failed", startedMs, made);
        return this.#failed(key, error);
      }
    }
  }

  #observe(
    observe: LoopEnvironment["observe"],
    outcome: Look["outcome"],
    startedMs: number,
    made: Plan | undefined,
  ): void {
    if (observe === undefined) return;
    const tookMs = this.#environment.clock.elapsed() - startedMs;
    observe({ loop: this.#name, outcome, tookMs, writes: made?.writes.length ?? 0 });
  }

  #failed(key: string, error: unknown): number {
    const message = messageOf(error);
    const before = this.#failing.get(key);
    const failures = (before?.failures ?? 0) + 1;
    this.#failing.set(key, { failures, message });
    const waitMs = waitMsAfter(failures, RETRY);
    if (before?.message !== message) {
      this.#environment.log.warn(
        `Cannot bring ${this.#name} ${key} to its spec: it is tried again`,
        {
          error,
          waitMs,
        },
      );
    }
    return waitMs;
  }

  #recovered(key: string): void {
    const before = this.#failing.get(key);
    if (before === undefined) return;
    this.#failing.delete(key);
    this.#environment.log.info(`${this.#name} ${key} goes on`, { failures: before.failures });
  }

  /** In order; creations, or deletions, that follow each other are done in batches that grow. */
  async #perform(writes: readonly Write[]): Promise<void> {
    let batchMax = 1;
    for (let from = 0; from < writes.length;) {
      const batch = batchFrom(writes, from, batchMax);
      const results = await Promise.allSettled(batch.map((write) => this.#write(write)));
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      from += batch.length;
      batchMax = Math.min(2 * batchMax, WRITES_AT_ONCE_MAX);
    }
  }

  async #write(write: Write): Promise<void> {
    const { client } = this.#environment;
    switch (write.verb) {
      case "create":
        return await this.#create(write);
      case "update":
        await client.update(write.resource, write.object);
        return;
      case "updateStatus":
        await client.updateStatus(write.resource, write.object);
        return;
      case "delete":
        return await this.#delete(write);
      case "act":
        return await this.#act(write);
      case "event":
        return this.#environment.events.record(this.#name, write.event);
    }
  }

  async #act({ resource, name, subresource, body, refused }: Write & { verb: "act" }) {
    try {
      await this.#environment.client.act(resource, name, subresource, body);
    } catch (error) {
      if (error instanceof ApiError && refused) await this.#perform(refused(error));
      throw error;
    }
  }

  async #create(write: Write & { verb: "create" }): Promise<void> {
    try {
      await this.#environment.client.create(write.resource, write.draft);
    } catch (error) {
      if (isRefusal(error, "AlreadyExists")) return;
      if (error instanceof ApiError && write.refused) await this.#perform(write.refused(error));
      throw error;
    }
    if (write.event) this.#environment.events.record(this.#name, write.event);
  }

  async #delete({ resource, name, options, event }: Write & { verb: "delete" }): Promise<void> {
    try {
      await this.#environment.client.delete(resource, name, options);
    } catch (error) {
      if (isRefusal(error, "NotFound")) return;
      const onlyThisOne = options.preconditions?.resourceVersion === undefined;
      if (isRefusal(error, "Conflict") && onlyThisOne) return; // another object has the name now
      throw error;
    }
    if (event) this.#environment.events.record(this.#name, event);
  }
}

function batchFrom(writes: readonly Write[], from: number, sizeMax: number): readonly Write[] {
  const first = writes[from]!;
  let to = from + 1;
  if (first.verb === "create" || first.verb === "delete") {
    while (to < writes.length && to - from < sizeMax && writes[to]!.verb === first.verb) to++;
  }
  return writes.slice(from, to);
}

/** What the decision was based on has changed or gone since. */
function isOutdated(error: unknown): boolean {
  return isRefusal(error, "Conflict") || isRefusal(error, "NotFound");
}
