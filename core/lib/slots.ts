/**
 * Lets at most `slotsMax` pieces of work run at the same time; the others wait, first come, first served.
 */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(slotsMax: number) {
    this.#free = slotsMax;
  }

  /** Does the work once a slot is free. Rejects without doing it when the signal aborts first. */
  async use<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#claim(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #claim(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      const place = this.#waiting.indexOf(resolve);
      if (place < 0) return; // it got its slot at this very moment
      this.#waiting.splice(place, 1);
      reject(signal?.reason);
    };
    this.#waiting.push(resolve);
    signal?.addEventListener("abort", abort, { once: true });
    await promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next(); // the slot passes to the next one directly
  }
}
