/** What a command may use of the process that runs it, so that commands can be tested without one. */
export interface Terminal {
  /** Writes to standard output; no newline is added. */
  out(text: string): void;
  err(text: string): void;
  /** Whether a person reads the output: then progress may move the cursor. */
  readonly interactive: boolean;
  /** Aborts at SIGINT or SIGTERM: the command finishes cleanly. */
  readonly signal: AbortSignal;
}
