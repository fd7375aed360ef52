/** Frames without data that may come at once, and per second. */
const FRAMES_BURST = 8_192;
const FRAMES_PER_SECOND = 10_000;
/** One more is allowed for so many bytes of data, in either direction. */
const BYTES_PER_FRAME = 4 * 1024;

/**
 * How many frames without data the other end may send: endless ones must not keep this end busy. Who sends more is read more
 * slowly.
 */
export class FrameAllowance {
  #left = FRAMES_BURST;
  #atMs: number | undefined;

  frame(cost: number): void {
    this.#left -= cost;
  }

  data(bytes: number): void {
    this.#left += bytes / BYTES_PER_FRAME;
  }

  /** How long nothing more must be read; 0 as a rule. */
  waitMs(nowMs: number): number {
    const restoredMs = nowMs - (this.#atMs ?? nowMs);
    this.#atMs = nowMs;
    this.#left = Math.min(FRAMES_BURST, this.#left + restoredMs / 1000 * FRAMES_PER_SECOND);
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left / FRAMES_PER_SECOND * 1000);
  }
}
