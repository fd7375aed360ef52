import { SystemClock } from "../core/lib/clock.ts";
import { Log } from "../core/lib/log.ts";
import { Random } from "../core/lib/random.ts";
import { supervise } from "../core/lib/supervise.ts";
import type { Terminal } from "./terminal.ts";
import type { NodeFlags } from "./options.ts";

/** What every part of a server, or of an agent, stands on. */
export interface Ground<F extends NodeFlags = NodeFlags> {
  readonly flags: F;
  /** Real path of the data folder, which exists. */
  readonly dataFolder: string;
  readonly clock: SystemClock;
  readonly random: Random;
  readonly log: Log;
  /** What was started and must be ended, in reverse order. */
  readonly parts: AsyncDisposableStack;
  /** Aborts when the process is asked to end: whatever is still being built gives up. */
  readonly signal: AbortSignal;
  /** Ends the process with an error that nobody can mend while it runs. */
  fail(error: unknown): void;
}

export function layGround<F extends NodeFlags>(
  flags: F,
  terminal: Terminal,
  rest: Pick<Ground, "dataFolder" | "parts" | "fail">,
): Ground<F> {
  const clock = new SystemClock();
  const log = new Log({
    clock,
    level: flags.logLevel,
    format: Deno.stderr.isTerminal() ? "text" : "json",
    sink: (line) => terminal.err(line + "\n"),
  });
  const { signal } = terminal;
  return { ...rest, flags, clock, log, random: Random.fromSystem(), signal };
}

/** Runs a loop under supervision until its turn to end comes; a fault of ours ends the process. */
export function keepRunning(
  { clock, log, parts, fail }: Ground,
  name: string,
  loop: (signal: AbortSignal) => Promise<void>,
): void {
  const stop = new AbortController();
  const running = supervise({ name, clock, log, signal: stop.signal }, loop).catch(fail);
  parts.defer(async () => {
    stop.abort(new Error("The process stops"));
    await running;
  });
}
