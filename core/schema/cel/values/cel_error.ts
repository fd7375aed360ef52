/** What went wrong: the text, the types, the estimate; while it ran; or it ran out of its budget. */
export type CelErrorKind = "syntax" | "type" | "evaluation" | "budget";

/** The only error that this folder throws. Its message is cel-go's, as Kubernetes shows it. */
export class CelError extends Error {
  readonly kind: CelErrorKind;

  constructor(kind: CelErrorKind, message: string) {
    super(message);
    this.name = "CelError";
    this.kind = kind;
  }
}

/** A fault in the text of an expression: its place is an offset in UTF-16 units. */
export interface Issue {
  readonly offset: number;
  readonly message: string;
}

/** Issues beyond this are not reported, nor those for which the message becomes too long. */
const ISSUES_MAX = 100;
const MESSAGE_LENGTH_MAX = 32 * 1024;
/** Longer lines are not shown: a message must not repeat a megabyte. */
const LINE_LENGTH_MAX = 8 * 1024;

/** The issues of an expression as cel-go prints them: sorted by place, each with its line and a mark under it. */
export function describeIssues(text: string, issues: readonly Issue[]): string {
  const sorted = issues.toSorted((a, b) => a.offset - b.offset).slice(0, ISSUES_MAX);
  let message = "";
  for (const issue of sorted) {
    if (message.length > MESSAGE_LENGTH_MAX) break;
    message += `${message && "\n"}${describeIssue(text, issue)}`;
  }
  return message;
}

function describeIssue(text: string, { offset, message }: Issue): string {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = text.indexOf("\n", lineStart);
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd).replaceAll("\t", " ");
  const number = text.slice(0, lineStart).split("\n").length;
  const column = [...text.slice(lineStart, offset)].length;
  const first = `ERROR: <input>:${number}:${column + 1}: ${message}`;
  return line.length > LINE_LENGTH_MAX ? first : `${first}\n | ${line}\n | ${".".repeat(column)}^`;
}
