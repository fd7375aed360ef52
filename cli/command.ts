import type { Command } from "commander";

/** What a command may touch of the process that runs it, so that it can be tested without one. */
export interface Terminal {
  /** Writes to standard output; no newline is added. */
  out(text: string): void;
  err(text: string): void;
  /** Whether a person reads the output: then progress may move the cursor. */
  readonly interactive: boolean;
  /** Aborts at SIGINT or SIGTERM: the command ends what it does, cleanly. */
  readonly signal: AbortSignal;
}

/** Adds one command to the program. One file each; `mod.ts` lists them. */
export type CommandDefinition = (program: Command, terminal: Terminal) => void;

/** Ends the command with one line on standard error. Exit code 2: called wrongly; 1: could not be done. */
export class CommandError extends Error {
  override name = "CommandError";
  constructor(message: string, readonly exitCode: 1 | 2 = 1) {
    super(message);
  }
}
