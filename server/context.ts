import { type Clock, SystemClock } from "../core/lib/clock.ts";
import { Log } from "../core/lib/log.ts";
import { Random } from "../core/lib/random.ts";
import { supervise } from "../core/lib/supervise.ts";
import type { NodeFlags } from "./options.ts";
import type { Parts, StopList } from "./parts.ts";
import type { Terminal } from "./terminal.ts";

/** What every part of a server, or of an agent, is given, whether it runs on a machine or in a simulation. */
export interface Context {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What was started and must be stopped. */
  readonly parts: StopList;
  /** Aborts when the process is asked to end: whatever is still being built gives up. */
  readonly signal: AbortSignal;
  /** Ends the process with an error that cannot be fixed while it runs. */
  fail(error: unknown): void;
}

/** The context of a command. */
export interface CommandContext<F extends NodeFlags = NodeFlags> extends Context {
  readonly flags: F;
  /** Real path of the data folder, which exists. */
  readonly dataFolder: string;
  readonly parts: Parts;
}

export function commandContext<F extends NodeFlags>(
  flags: F,
  terminal: Terminal,
  rest: Pick<CommandContext, "dataFolder" | "parts" | "fail">,
): CommandContext<F> {
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

/** Runs a loop under supervision until it is stopped; a fault of ours ends the process. */
export function keepRunning(
  { clock, log, parts, fail }: Context,
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
