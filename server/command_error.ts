import { JoinError } from "../core/client/joining/join_error.ts";

/** Ends the command with one line on standard error. Exit code 2: wrong usage; 1: failed. */
export class CommandError extends Error {
  override name = "CommandError";
  constructor(message: string, readonly exitCode: 1 | 2 = 1) {
    super(message);
  }
}

/** Throws what a machine cannot join for as one line; every other error as it is. For `catch`. */
export function asCommandError(error: unknown): never {
  throw error instanceof JoinError ? new CommandError(error.message) : error;
}
