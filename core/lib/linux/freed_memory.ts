import type { Clock } from "../clock.ts";

const SYMBOLS = { malloc_trim: { parameters: ["usize"], result: "i32" } } as const;
const MIB = 1024 * 1024;
const LOOK_MS = 2_000;
/** Growth since the last trim that makes another one worthwhile, which takes a few milliseconds. */
const GROWTH_BYTES = 16 * MIB;
/** With this much above the minimum, trimming is retried from time to time: objects may have been freed since. */
const EXCESS_BYTES = 32 * MIB;
const AGAIN_MS = 30_000;
/** When a process has started and is at rest: what it needed only for that, some 15 MiB, is given back. */
const SETTLED_MS = 10_000;

/** What decides whether to trim. */
export interface MemorySighting {
  residentBytes: number;
  /** After the last trim; the minimum so far. */
  lastBytes: number;
  leastBytes: number;
  sinceLastMs: number;
}

export function isWorthTrimming(seen: MemorySighting): boolean {
  if (seen.residentBytes >= seen.lastBytes + GROWTH_BYTES) return true;
  return seen.sinceLastMs >= AGAIN_MS && seen.residentBytes >= seen.leastBytes + EXCESS_BYTES;
}

/**
 * Returns freed memory to the system as the process grows (malloc_trim(3)). glibc keeps the memory of small buffers, such
 * as those of connections: after a flood the process would stay large forever. Does nothing without glibc or without
 * permission for FFI.
 */
export class FreedMemory implements Disposable {
  readonly #clock: Clock;
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  #lastBytes = Infinity;
  #leastBytes = Infinity;
  #lastMs = 0;
  #cancel: () => void = () => {};
  readonly #cancelFirst: () => void;

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
    this.#look();
    this.#cancelFirst = clock.after(SETTLED_MS, () => this.#trim(clock.elapsed()));
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.#cancelFirst();
    this.#library.close();
  }

  #look(): void {
    const { rss: residentBytes } = Deno.memoryUsage();
    const nowMs = this.#clock.elapsed();
    this.#leastBytes = Math.min(this.#leastBytes, residentBytes);
    const [lastBytes, leastBytes] = [this.#lastBytes, this.#leastBytes];
    if (lastBytes === Infinity) this.#note(residentBytes, nowMs);
    else if (
      isWorthTrimming({ residentBytes, lastBytes, leastBytes, sinceLastMs: nowMs - this.#lastMs })
    ) this.#trim(nowMs);
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
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
