import assert from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import { casesAsked, runsOf } from "./cases.ts";

/** No case may take longer, in processor time of its own thread. */
const CASE_MS_MAX = 100;
/** First runs are slower (compilation, garbage of others), so the best of these counts. */
const SLOW_TRIES = 3;
/** How much memory all cases after the warm-up may leave behind after garbage collection: caches, compiled code. */
const GROWTH_BYTES_MAX = 4 * 1024 * 1024;
const COLLECTIONS = 3;
/** The part of the cases that fills caches before memory is measured. */
const WARM_UP = 0.25;

/** Of a counterexample; `REPLAY` has the whole. */
const SHOWN_CHARS_MAX = 4_000;

export interface PropertyOptions<T> {
  /** Of 100,000 cases, how many are for this property. */
  share: number;
  of: fc.Arbitrary<T>;
  /** Throws when the case shows a fault. */
  holds(value: T): void | Promise<void>;
}

/**
 * A test that holds for any case: it neither throws nor takes more than 100 ms of processor time for one, and leaves no
 * memory behind. A case that fails is shrunk, and shown with the command that runs it again.
 */
export function property<T>(name: string, { share, of, holds }: PropertyOptions<T>): void {
  Deno.test(name, async () => {
    const cases = casesAsked();
    const numRuns = runsOf(share, cases);
    const memory = new Memory(Math.floor(numRuns * WARM_UP));
    const predicate = async (value: T) => {
      await memory.count();
      await inTime(() => holds(value));
    };
    const result = await fc.check(fc.asyncProperty(of, predicate), {
      numRuns,
      seed: cases.seed,
      endOnFailure: cases.replay !== undefined,
      ...(cases.replay === undefined ? {} : { path: cases.replay }),
    });
    if (result.failed) throw new Error(reportOf(name, result), { cause: result.errorInstance });
    if (cases.replay === undefined) await memory.assertSteady();
  });
}

/** Runs a case, and repeats it when it seems slow, because a busy machine makes anything slow. */
async function inTime(run: () => void | Promise<void>): Promise<void> {
  let bestMs = await cpuMsOf(run);
  for (let tries = 0; bestMs > CASE_MS_MAX && tries < SLOW_TRIES; tries++) {
    bestMs = Math.min(bestMs, await cpuMsOf(run));
  }
  assert.ok(bestMs <= CASE_MS_MAX, `it took ${Math.round(bestMs)} ms of processor time`);
}

/** Asks the system only when the time that passed gives reason to: it counts in steps of 10 ms. */
async function cpuMsOf(run: () => void | Promise<void>): Promise<number> {
  const before = process.threadCpuUsage();
  const startMs = performance.now();
  const running = run();
  if (running !== undefined) await running;
  const passedMs = performance.now() - startMs;
  if (passedMs <= CASE_MS_MAX) return passedMs;
  const { user, system } = process.threadCpuUsage(before);
  return Math.min(passedMs, (user + system) / 1000);
}

/** What this thread keeps between two moments, in its heap and in buffers outside of it. */
class Memory {
  readonly #warmUp: number;
  #runs = 0;
  #bytesBefore = 0;

  constructor(warmUp: number) {
    this.#warmUp = warmUp;
  }

  async count(): Promise<void> {
    if (this.#runs++ === this.#warmUp) this.#bytesBefore = await bytesKept();
  }

  async assertSteady(): Promise<void> {
    const growth = await bytesKept() - this.#bytesBefore;
    assert.ok(growth < GROWTH_BYTES_MAX, `${this.#runs} cases left ${growth} bytes behind`);
  }
}

/** The least of some tries: buffers are given back in the background, after the collector has run. */
async function bytesKept(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void }; // a flag of V8 puts it there
  assert.ok(gc, "memory cannot be measured: run deno task fuzz, or with --v8-flags=--expose-gc");
  let least = Infinity;
  for (let tries = 0; tries < COLLECTIONS; tries++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve));
    const { heapUsed, external } = Deno.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

function reportOf<T>(name: string, result: fc.RunDetails<[T]>): string {
  const { seed, counterexample, counterexamplePath, numRuns, errorInstance } = result;
  const shown = fc.stringify(counterexample?.[0]).slice(0, SHOWN_CHARS_MAX);
  const command = `SEED=${seed} REPLAY=${counterexamplePath} deno task fuzz --filter ${
    JSON.stringify(name)
  }`;
  return [
    errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
    `case ${numRuns} of seed ${seed}, made small: ${shown}`,
    `again: ${command}`,
  ].join("\n");
}
