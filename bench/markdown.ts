import type { Report } from "./harness.ts";

/** A table as Markdown, its columns of one width, so that it reads well on a terminal too. */
export function markdownTable({ columns, rows }: Report): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) =>
    Math.max(3, ...lines.map((line) => width(line[column] ?? "")))
  );
  const row = (cells: readonly string[]) =>
    `| ${widths.map((size, at) => padded(cells[at] ?? "", size)).join(" | ")} |`;
  const rule = `| ${widths.map((size) => "-".repeat(size)).join(" | ")} |`;
  return [row(columns), rule, ...rows.map(row)].join("\n");
}

/**
 * The page with the content replaced between the two comments of a name, `<!-- bench start -->` and `<!-- /bench start -->`.
 * Throws when they are not there.
 */
export function withSection(page: string, name: string, content: string): string {
  const [open, close] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start < 0 || end < start) {
    throw new Error(`Cannot write the results of "${name}": the page has no ${open} … ${close}`);
  }
  return `${page.slice(0, start + open.length)}\n\n${content}\n\n${page.slice(end)}`;
}

function padded(text: string, size: number): string {
  return text + " ".repeat(size - width(text));
}

function width(text: string): number {
  return [...text].length;
}
