import { ApiError } from "../../client/api_error.ts";

/** Streams that are open at once. */
export const STREAMS_MAX = 1024;

/** The streams that are open. They end when the server stops, or when what their user has shown counts no longer. */
export class OpenStreams {
  /** What ends each, and whether its user's credential still counts. */
  readonly #open = new Map<AbortController, () => boolean>();
  #isStopping = false;

  /** Give what it returns to {@linkcode close} when the stream has ended; it ends early when that aborts. Throws TooManyRequests. */
  open(isCurrent: () => boolean): AbortController {
    if (this.#open.size >= STREAMS_MAX || this.#isStopping) {
      throw new ApiError("TooManyRequests", "too many requests, please try again later", {
        retryAfterSeconds: 1,
      });
    }
    const end = new AbortController();
    this.#open.set(end, isCurrent);
    return end;
  }

  close(end: AbortController): void {
    this.#open.delete(end);
  }

  /** Ends all. Further ones are refused. */
  stop(): void {
    this.#isStopping = true;
    for (const end of [...this.#open.keys()]) end.abort();
  }

  endRevoked(): void {
    for (const [end, isCurrent] of [...this.#open]) if (!isCurrent()) end.abort();
  }
}
