import { ApiError } from "../../client/api_error.ts";

/** Streams that are open at once. */
export const STREAMS_MAX = 1024;

/** What ends with them. */
interface OthersOpen {
  stop(): void;
  endRevoked(): void;
}

/** The open streams. They end when the server stops or the user's credential is no longer valid. */
export class OpenStreams {
  /** What ends each, and whether its user's credential is still valid. */
  readonly #open = new Map<AbortController, () => boolean>();
  readonly #others: readonly OthersOpen[];
  #isStopping = false;

  /** `others`: what is open besides, and ends at the same time. */
  constructor(...others: readonly (OthersOpen | undefined)[]) {
    this.#others = others.filter((each) => each !== undefined);
  }

  /** Registers a stream, which must end when the result aborts, and be {@linkcode close}d. Throws TooManyRequests. */
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

  /** Ends all streams and refuses new ones. */
  stop(): void {
    this.#isStopping = true;
    for (const end of [...this.#open.keys()]) end.abort();
    for (const each of this.#others) each.stop();
  }

  endRevoked(): void {
    for (const [end, isCurrent] of [...this.#open]) if (!isCurrent()) end.abort();
    for (const each of this.#others) each.endRevoked();
  }
}
