/** What a command may use of the process that runs it, so that commands can be tested without one. */
export interface Terminal {
  /** Writes to standard output; no newline is added. */
  out(text: string): void;
  err(text: string): void;
  /** Whether a person reads the output: then progress may move the cursor. */
  readonly interactive: boolean;
  /** Characters of a person's terminal; absent or `undefined`: not known. */
  readonly size?: () => { columns: number; rows: number } | undefined;
  /** Calls the listener whenever the terminal has got another size. Returns the stop. */
  readonly onResize?: (listener: () => void) => () => void;
  /** Aborts at SIGINT or SIGTERM: the command finishes cleanly. */
  readonly signal: AbortSignal;
}
