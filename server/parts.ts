/** Takes note of how parts are stopped: what was started last is stopped first. */
export interface StopList {
  defer(stop: () => void | Promise<void> | undefined): void;
  /** A list in the place of one part: what is noted there later is stopped with it. */
  nest(): StopList;
}

/** The parts of a process: stopped one after the other, the last one first. */
export class Parts implements StopList, AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  defer(stop: () => void | Promise<void> | undefined): void {
    this.#stack.defer(stop);
  }

  nest(): Parts {
    return this.#stack.use(new Parts());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
