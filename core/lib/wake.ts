import { assert } from "./assert.ts";
import type { Clock } from "./clock.ts";

/**
 * A flag that one loop waits for.
 *
 * Guarantees: what is set before or during a wait ends it, so nothing is missed between two waits; however often it was
 * set, it ends one wait. One waits at a time.
 */
export class Wake {
  #isSet = false;
  #end: (() => void) | undefined;

  /** Ends the wait, or the next one at once. */
  set(): void {
    this.#isSet = true;
    this.#end?.();
  }

  /** Forgets that it was set: for a loop that is about to look at everything anyway. */
  clear(): void {
    this.#isSet = false;
  }

  /**
   * Resolves when the flag is or was set, and clears it; also when the signal aborts, and after `ms` when a timer is
   * given. Leaves neither a timer nor a listener behind.
   */
  async wait(
    signal: AbortSignal,
    timer?: { clock: Pick<Clock, "after">; ms: number },
  ): Promise<void> {
    assert(this.#end === undefined, "Somebody waits already");
    if (!this.#isSet && !signal.aborted) await this.#ended(signal, timer);
    this.#isSet = false;
  }

  #ended(
    signal: AbortSignal,
    timer: { clock: Pick<Clock, "after">; ms: number } | undefined,
  ): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#end = undefined;
        signal.removeEventListener("abort", end);
        cancel?.();
        resolve();
      };
      const cancel = timer?.clock.after(timer.ms, end);
      signal.addEventListener("abort", end, { once: true });
      this.#end = end;
    });
  }
}
