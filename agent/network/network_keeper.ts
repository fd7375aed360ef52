import type { Clock } from "../../core/lib/clock.ts";
import type { NetworkChanges } from "../../core/lib/linux/network_changes.ts";
import { SystemError } from "../../core/lib/linux/libc.ts";
import { Wake } from "../../core/lib/wake.ts";
import type { Log } from "../../core/lib/log.ts";

/** The network is checked this often without a notice, too: the kernel does not report everything. */
const CHECK_MS = 30_000;

export interface NetworkKeeperOptions {
  /** Compares the network with what it should be, and repairs it; `thorough`: also what the kernel does not report. */
  repair(options: { thorough: boolean }): Promise<void>;
  /** Begins to listen to the kernel; `undefined` where that is not possible. Throws `SystemError`. */
  listen(clock: Clock): NetworkChanges | undefined;
  /** Called with each notice, for others that maintain a part of the network. */
  onNotice(): void;
  log: Log;
}

/**
 * Keeps the network of pods as it should be, whatever changes it: within a second after a notice of the kernel, and every
 * 30 s. When idle it costs no more than that check.
 */
export class NetworkKeeper {
  readonly #options: NetworkKeeperOptions;

  constructor(options: NetworkKeeperOptions) {
    this.#options = options;
  }

  /** Until the signal aborts; what is there then stays. */
  async run({ clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<void> {
    const { repair, onNotice } = this.#options;
    const notices = this.#listen(clock);
    const wake = new Wake();
    let checkedMs = -Infinity;
    notices?.subscribe(() => {
      wake.set();
      onNotice();
    });
    try {
      while (!signal.aborted) {
        wake.clear();
        const nowMs = clock.elapsed();
        const thorough = nowMs - checkedMs >= CHECK_MS;
        if (thorough) checkedMs = nowMs;
        await repair({ thorough });
        await wake.wait(signal, { clock, ms: checkedMs + CHECK_MS - clock.elapsed() });
      }
    } finally {
      await notices?.close();
    }
  }

  #listen(clock: Clock): NetworkChanges | undefined {
    const { listen, log } = this.#options;
    try {
      return listen(clock);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      log.warn("Cannot be notified of changes to the network: it is checked every 30 s", {
        error,
      });
      return undefined;
    }
  }
}
