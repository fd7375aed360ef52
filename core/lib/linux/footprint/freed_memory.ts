import { cpuUsage } from "node:process";
import type { Clock } from "../../clock.ts";
import { collectGarbage } from "./garbage.ts";
import { releaseProgramPages } from "./program_pages.ts";

const SYMBOLS = { malloc_trim: { parameters: ["usize"], result: "i32" } } as const;
const MIB = 1024 * 1024;
const LOOK_MS = 2_000;
/** Growth since the last trim that makes another one worthwhile, which takes a few milliseconds. */
const GROWTH_BYTES = 16 * MIB;
/** With this much above the minimum, trimming is retried from time to time: objects may have been freed since. */
const EXCESS_BYTES = 32 * MIB;
const AGAIN_MS = 30_000;
/** When a process has started and is at rest: what it needed only for that, some 30 MiB, is given back. */
const SETTLED_MS = 10_000;
/** … and after this long what it began with is over, too. */
const OVER_MS = 120_000;
/** CPU time between two looks of a process that is at rest. */
const REST_CPU_MS_MAX = 40;
/** With more in use, garbage is left to V8, which collects it in small steps. */
const COLLECTED_HEAP_BYTES_MAX = 48 * MIB;

/** What decides whether to trim. */
export interface MemorySighting {
  residentBytes: number;
  /** After the last trim; the minimum so far. */
  lastBytes: number;
  leastBytes: number;
  sinceLastMs: number;
}

/** What decides whether to collect garbage. */
export interface RestSighting {
  /** Of the whole process, since the last look. */
  cpuMs: number;
  heapUsedBytes: number;
  residentBytes: number;
  /** After the last collection, and how long ago that was; absent: there was none. */
  last?: { residentBytes: number; agoMs: number };
  /** Since the process has started. */
  upMs: number;
}

/** Whether a process that is at rest has not collected its garbage, or has got much larger since. */
export function isWorthCollecting(
  { cpuMs, heapUsedBytes, residentBytes, last, upMs }: RestSighting,
): boolean {
  if (cpuMs > REST_CPU_MS_MAX || heapUsedBytes > COLLECTED_HEAP_BYTES_MAX) return false;
  if (last === undefined) return upMs >= SETTLED_MS;
  if (upMs >= OVER_MS && upMs - last.agoMs < OVER_MS) return true;
  return last.agoMs >= AGAIN_MS && residentBytes >= last.residentBytes + EXCESS_BYTES;
}

export function isWorthTrimming(seen: MemorySighting): boolean {
  if (seen.residentBytes >= seen.lastBytes + GROWTH_BYTES) return true;
  return seen.sinceLastMs >= AGAIN_MS && seen.residentBytes >= seen.leastBytes + EXCESS_BYTES;
}

/**
 * Returns freed memory to the system as the process grows (malloc_trim(3)). glibc keeps the memory of small buffers, such
 * as those of connections: after a flood the process would stay large forever. Once the process is at rest, its garbage is
 * collected before, and it lets go of those of its own pages that it needed for its start; once more when what it does first
 * is over, too. Does nothing without glibc or without permission for FFI.
 */
export class FreedMemory implements Disposable {
  readonly #clock: Clock;
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  #lastBytes = Infinity;
  #leastBytes = Infinity;
  #lastMs = 0;
  #cancel: () => void = () => {};
  readonly #startedMs: number;
  #cpuMs = cpuMsNow();
  #collected: { residentBytes: number; atMs: number } | undefined;

  /** `undefined` where it can do nothing. To be disposed of. */
  static keepGivingBack(clock: Clock): FreedMemory | undefined {
    try {
      return new FreedMemory(clock, Deno.dlopen("libc.so.6", SYMBOLS));
    } catch {
      return undefined; // another C library, or not allowed: it works as before
    }
  }

  private constructor(clock: Clock, library: Deno.DynamicLibrary<typeof SYMBOLS>) {
    this.#clock = clock;
    this.#library = library;
    this.#startedMs = clock.elapsed();
    this.#look();
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.#library.close();
  }

  #look(): void {
    const { rss: residentBytes, heapUsed: heapUsedBytes } = Deno.memoryUsage();
    const nowMs = this.#clock.elapsed();
    if (this.#isWorthCollecting({ residentBytes, heapUsedBytes }, nowMs)) this.#collect(nowMs);
    else this.#lookAtGrowth(residentBytes, nowMs);
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
  }

  #isWorthCollecting(
    seen: Pick<RestSighting, "residentBytes" | "heapUsedBytes">,
    nowMs: number,
  ): boolean {
    const before = this.#cpuMs;
    this.#cpuMs = cpuMsNow();
    const collected = this.#collected;
    return isWorthCollecting({
      ...seen,
      cpuMs: this.#cpuMs - before,
      upMs: nowMs - this.#startedMs,
      ...(collected && {
        last: { residentBytes: collected.residentBytes, agoMs: nowMs - collected.atMs },
      }),
    });
  }

  #collect(nowMs: number): void {
    collectGarbage();
    releaseProgramPages();
    this.#trim(nowMs);
    this.#collected = { residentBytes: this.#lastBytes, atMs: nowMs };
  }

  #lookAtGrowth(residentBytes: number, nowMs: number): void {
    this.#leastBytes = Math.min(this.#leastBytes, residentBytes);
    const [lastBytes, leastBytes] = [this.#lastBytes, this.#leastBytes];
    if (lastBytes === Infinity) this.#note(residentBytes, nowMs);
    else if (
      isWorthTrimming({ residentBytes, lastBytes, leastBytes, sinceLastMs: nowMs - this.#lastMs })
    ) this.#trim(nowMs);
  }

  #trim(nowMs: number): void {
    this.#library.symbols.malloc_trim(0n);
    this.#note(Deno.memoryUsage().rss, nowMs);
  }

  #note(residentBytes: number, nowMs: number): void {
    this.#lastBytes = residentBytes;
    this.#lastMs = nowMs;
  }
}

function cpuMsNow(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

/**
 * Collects the garbage that the start of a worker has left, once, when the process is at rest: V8 would keep it, some 3 MB.
 * `afterMs`: not before, and not at the same time as other threads.
 */
export function collectStartGarbage(clock: Clock, afterMs: number): void {
  let cpuMs = cpuMsNow();
  const look = () => {
    const usedMs = cpuMsNow() - cpuMs;
    cpuMs += usedMs;
    if (usedMs <= REST_CPU_MS_MAX) collectGarbage();
    else clock.after(LOOK_MS, look);
  };
  clock.after(afterMs, () => {
    cpuMs = cpuMsNow();
    clock.after(LOOK_MS, look);
  });
}
