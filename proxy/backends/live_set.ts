/** A set of a rollout as one thread sees it by one Service: whether requests that came by weight are still in flight. */
export class LiveSet {
  /** Whether a share with a weight leads to it. */
  isShared = false;
  #inFlight = 0;
  /** Told when none is in flight any more; once. */
  #onIdle: (() => void) | undefined;

  get isBusy(): boolean {
    return this.#onIdle !== undefined;
  }

  /** Whether nobody has to remember it. */
  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  began(): void {
    this.#inFlight++;
  }

  ended(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) this.giveUp();
  }

  /** Waits for the requests that are in flight, if there are any and no share leads to it. */
  awaitIdle(onIdle: () => void): void {
    this.#onIdle = this.isShared || this.#inFlight === 0 ? undefined : onIdle;
  }

  /** Waits no longer. */
  giveUp(): void {
    const onIdle = this.#onIdle;
    this.#onIdle = undefined;
    onIdle?.();
  }
}
