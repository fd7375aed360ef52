import type { Clock } from "../lib/clock.ts";

/**
 * What a server knows of its ownership of a shared engine: until when it is certain, and how it ended. Times are of
 * `Clock.elapsed`: setting the machine's clock neither extends a lease nor ends it.
 */
export class Ownership {
  readonly #clock: Pick<Clock, "elapsed">;
  readonly #leaseMs: number;
  readonly #ended = Promise.withResolvers<Error>();
  readonly #stop = new AbortController();
  #sureUntilMs: number;

  /** `sentMs`: when the claim was sent that has made this server the owner. */
  constructor(
    { clock, leaseMs }: { clock: Pick<Clock, "elapsed">; leaseMs: number },
    sentMs: number,
  ) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#sureUntilMs = sentMs + leaseMs;
  }

  /** Resolves when another server has taken over. */
  get ended(): Promise<Error> {
    return this.#ended.promise;
  }

  /** Aborts when the engine was given up or taken over. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  isSure(): boolean {
    return this.#clock.elapsed() < this.#sureUntilMs;
  }

  /** A renewal that was sent at `sentMs` was answered: the lease runs from then at the least. */
  renewed(sentMs: number): void {
    if (this.signal.aborted) return;
    this.#sureUntilMs = Math.max(this.#sureUntilMs, sentMs + this.#leaseMs);
  }

  /** Ends the ownership now: it was given up, or another server has it. */
  end(reason: string): void {
    this.#stop.abort(new Error(reason));
    this.#sureUntilMs = 0;
  }

  /** Reports which other server has taken over, once that is known. */
  tell(error: Error): void {
    this.#ended.resolve(error);
  }
}
