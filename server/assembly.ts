import type { Terminal } from "./terminal.ts";
import { prepareDataFolder } from "./data_folder.ts";
import { type Ground, layGround } from "./ground.ts";
import type { NodeFlags } from "./options.ts";

/** The parts of one process: built in order, stopped in reverse. */
export class Assembly<B> {
  readonly built: B;
  readonly #ground: Ground;
  readonly #failed: Promise<unknown>;

  private constructor(ground: Ground, built: B, failed: Promise<unknown>) {
    this.#ground = ground;
    this.built = built;
    this.#failed = failed;
  }

  /**
   * Resolves when `build` has; what it has made is ended again when it throws. Throws a `CommandError` for what the
   * user can mend.
   */
  static async start<F extends NodeFlags, B>(
    flags: F,
    terminal: Terminal,
    build: (ground: Ground<F>) => Promise<B>,
  ): Promise<Assembly<B>> {
    const failed = Promise.withResolvers<unknown>();
    const dataFolder = await prepareDataFolder(flags.data);
    await using parts = new AsyncDisposableStack();
    const ground = layGround(flags, terminal, { dataFolder, parts, fail: failed.resolve });
    const built = await build(ground);
    return new Assembly({ ...ground, parts: parts.move() }, built, failed.promise);
  }

  /** Resolves when the signal aborts, or with the error that makes going on impossible. */
  async ended(signal: AbortSignal): Promise<unknown> {
    const aborted = Promise.withResolvers<undefined>();
    if (signal.aborted) aborted.resolve(undefined);
    signal.addEventListener("abort", () => aborted.resolve(undefined), { once: true });
    return await Promise.race([aborted.promise, this.#failed]);
  }

  /** Takes no more requests, drains, and leaves pods running, unless the flags say otherwise. */
  async stop(): Promise<void> {
    this.#ground.log.info("Stopping");
    await this.#ground.parts.disposeAsync();
  }
}
