import { FreedMemory } from "../core/lib/linux/footprint/freed_memory.ts";
import { type CommandContext, commandContext } from "./context.ts";
import { prepareDataFolder } from "./data_folder.ts";
import type { NodeFlags } from "./options.ts";
import { Parts } from "./parts.ts";
import type { Terminal } from "./terminal.ts";

/** What a command runs: its parts are built in order and stopped in reverse. */
export class Assembly<B> {
  readonly built: B;
  readonly #context: CommandContext;
  readonly #failed: Promise<unknown>;

  private constructor(context: CommandContext, built: B, failed: Promise<unknown>) {
    this.#context = context;
    this.built = built;
    this.#failed = failed;
  }

  /**
   * Resolves when `build` has; what it has started is stopped again when it throws. Throws a `CommandError` for what
   * the user can fix.
   */
  static async start<F extends NodeFlags, B>(
    flags: F,
    terminal: Terminal,
    build: (context: CommandContext<F>) => Promise<B>,
  ): Promise<Assembly<B>> {
    const failed = Promise.withResolvers<unknown>();
    const dataFolder = await prepareDataFolder(flags.data);
    const parts = new Parts();
    const context = commandContext(flags, terminal, { dataFolder, parts, fail: failed.resolve });
    try {
      const built = await build(context);
      const freed = FreedMemory.keepGivingBack(context.clock);
      if (freed) parts.defer(() => freed[Symbol.dispose]());
      return new Assembly(context, built, failed.promise);
    } catch (error) {
      await parts[Symbol.asyncDispose]();
      throw error;
    }
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
    this.#context.log.info("Stopping");
    await this.#context.parts[Symbol.asyncDispose]();
  }
}
