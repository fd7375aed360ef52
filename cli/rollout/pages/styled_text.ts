import { ICONS } from "../summary/icons.ts";

/** Text in one colour, or in the terminal's own. */
export interface Span {
  text: string;
  colour?: Colour;
}

export type Colour = keyof typeof COLOURS;

/** What stands in one place of a line. */
export type Cell = string | readonly (string | Span)[];

/** SGR codes: ECMA-48, 8.3.117. */
const COLOURS = { red: 31, green: 32, yellow: 33, blue: 94 } as const;
const RESET = "\x1b[0m";
const GAP = 2;

const COLOUR_OF_WORD: Readonly<Record<string, Colour>> = {
  [ICONS.waiting]: "yellow",
  [ICONS.progressing]: "blue",
  [ICONS.warning]: "red",
  [ICONS.unknown]: "yellow",
  [ICONS.ok]: "green",
  [ICONS.bad]: "red",
  canary: "yellow",
  stable: "green",
  active: "green",
  preview: "blue",
  ping: "blue",
  pong: "blue",
  Pending: "blue",
  Running: "blue",
};

/** A text in the colour of a well-known word, which is the text itself unless given. */
export function coloured(text: string, word = text): Span {
  const colour = COLOUR_OF_WORD[word];
  return colour === undefined ? { text } : { text, colour };
}

/** Spans with a text between each two of them. */
export function joined(parts: readonly Cell[], separator: string): Cell {
  return parts.flatMap((part, index) => [
    ...(index === 0 ? [] : [separator]),
    ...(typeof part === "string" ? [part] : part),
  ]);
}

export interface Style {
  /** Whether escape sequences may be written. */
  colours: boolean;
}

/** Rows with their columns one under the other, two blanks apart; the last column is as long as it is. */
export function linesOf(rows: readonly (readonly Cell[])[], style: Style): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, widthOf(cell)));
  }
  return rows.map((row) =>
    row.map((cell, i) => {
      const isLast = row.slice(i + 1).every((later) => widthOf(later) === 0);
      return textOf(cell, style) + (isLast ? "" : " ".repeat(widths[i]! + GAP - widthOf(cell)));
    }).join("").trimEnd()
  );
}

export function textOf(cell: Cell, { colours }: Style): string {
  if (typeof cell === "string") return cell;
  return cell.map((part) => {
    if (typeof part === "string") return part;
    const { text, colour } = part;
    return colours && colour !== undefined ? `\x1b[${COLOURS[colour]}m${text}${RESET}` : text;
  }).join("");
}

function widthOf(cell: Cell): number {
  return [...textOf(cell, { colours: false })].length;
}

/** The first `columns` characters of a line that may have colours. */
export function cut(line: string, columns: number): string {
  let left = columns;
  let text = "";
  // deno-lint-ignore no-control-regex -- the escape character is what a colour begins with
  for (const part of line.split(/(\x1b\[\d+m)/)) {
    if (part.startsWith("\x1b[")) text += part;
    else {
      const characters = [...part].slice(0, left);
      left -= characters.length;
      text += characters.join("");
    }
  }
  return text;
}
