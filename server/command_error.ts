/** Ends the command with one line on standard error. Exit code 2: wrong usage; 1: failed. */
export class CommandError extends Error {
  override name = "CommandError";
  constructor(message: string, readonly exitCode: 1 | 2 = 1) {
    super(message);
  }
}
