/** How a link treats packets, in each direction. */
export interface LinkQuality {
  /** One way: half of what it adds to a round trip. */
  delayMs: number;
  /** Of a packet to be lost, from 0 to 1: each by itself, at any size. */
  loss?: number;
  /** Absent: any number. */
  bitsPerSecond?: number;
  /** What waits for its turn at most; what comes then is lost. Counts only where the rate is bounded. */
  queueBytes?: number;
}

/** A home router's, roughly (bufferbloat is real). */
export const QUEUE_BYTES = 64 * 1024;

/**
 * When packets that enter one direction of a link come out of it. They leave one after another at the link's rate, wait in
 * a bounded queue (drop tail), then travel for its delay; the order is kept. Times are milliseconds of one clock.
 */
export class Shaping {
  readonly #quality: LinkQuality;
  readonly #random: () => number;
  /** When the last byte of what was taken has left. */
  #freeAtMs = 0;

  constructor(quality: LinkQuality, random: () => number) {
    this.#quality = quality;
    this.#random = random;
  }

  /** When a packet that enters now arrives; `undefined` when it is lost. */
  arrivalMs(nowMs: number, bytes: number): number | undefined {
    const { delayMs, loss = 0, bitsPerSecond, queueBytes = QUEUE_BYTES } = this.#quality;
    if (this.#random() < loss) return undefined;
    if (bitsPerSecond === undefined) return nowMs + delayMs;
    const bytesPerMs = bitsPerSecond / 8_000;
    const startMs = Math.max(nowMs, this.#freeAtMs);
    if ((startMs - nowMs) * bytesPerMs + bytes > queueBytes) return undefined;
    this.#freeAtMs = startMs + bytes / bytesPerMs;
    return this.#freeAtMs + delayMs;
  }
}
