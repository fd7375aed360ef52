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

/** Rows under each other, their columns as wide as the longest cell, two spaces between them. Each line ends with `\n`. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from(
    { length: columns },
    (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    `${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()}\n`
  ).join("");
}
