/**
 * Lets at most `slotsMax` pieces of work go on at the same time; the others wait in the order in which they came.
 */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(slotsMax: number) {
    this.#free = slotsMax;
  }

  /** Does the work once a slot is free. Rejects without doing it when the signal aborts before. */
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
      if (place < 0) return; // it has got its slot in this very moment
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
    else next(); // the slot goes to the next one without becoming free
  }
}
