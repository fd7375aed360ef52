import type { Terminal } from "../../../server/terminal.ts";
import { cut } from "./styled_text.ts";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR = "\x1b[2J";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const SIZE_UNKNOWN = { columns: 80, rows: 24 };

/** A page of text that is drawn again and again in the same place of a person's terminal, without flicker. */
export class Screen implements Disposable {
  readonly #terminal: Terminal;
  #drawn = "";
  #lines: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.out(HIDE_CURSOR + CLEAR);
  }

  /** What does not fit is cut: at the right, and at the bottom, where it says how much is missing. */
  draw(lines: readonly string[]): void {
    this.#lines = lines;
    const { columns, rows } = this.#terminal.size?.() ?? SIZE_UNKNOWN;
    const shown = fitted(lines, rows - 1).map((line) => cut(line, columns));
    const page = HOME + shown.map((line) => `${line}${CLEAR_LINE}\r\n`).join("") + CLEAR_BELOW;
    if (page === this.#drawn) return;
    this.#drawn = page;
    this.#terminal.out(page);
  }

  /** Draws the last page again, after the terminal has another size. */
  redraw(): void {
    this.#drawn = "";
    this.#terminal.out(CLEAR);
    this.draw(this.#lines);
  }

  /** Leaves the last page as it is. */
  [Symbol.dispose](): void {
    this.#terminal.out(SHOW_CURSOR);
  }
}

function fitted(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = Math.max(rows - 1, 0);
  return [...lines.slice(0, shown), `… ${lines.length - shown} more lines`];
}
