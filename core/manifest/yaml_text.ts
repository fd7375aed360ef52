/** Writes values that JSON has as YAML of block style, keys sorted, as Kubernetes answers `Accept: application/yaml`. */
export function yamlText(value: unknown): string {
  if (!isCollection(value)) return `${scalar(value, "")}\n`;
  return isEmpty(value) ? `${emptyText(value)}\n` : `${blockOf(value, "")}\n`;
}

/** One item of a sequence that is not indented: `- first: line` and the lines below it. */
export function yamlItem(value: unknown): string {
  return `- ${nested(value, "", true).trimStart()}\n`;
}

function blockOf(value: object, indent: string): string {
  if (Array.isArray(value)) {
    return value.map((item) => `${indent}- ${nested(item, indent, true).trimStart()}`).join("\n");
  }
  const fields = value as Record<string, unknown>;
  const lines: string[] = [];
  for (const key of Object.keys(fields).sort()) {
    const field = fields[key];
    if (field === undefined) continue;
    lines.push(`${indent}${oneLine(key)}:${nested(field, indent, false)}`);
  }
  return lines.join("\n");
}

/** What follows `key:` or `-`. A sequence in a map stands at the indentation of its key. */
function nested(value: unknown, indent: string, inSequence: boolean): string {
  if (!isCollection(value)) return ` ${scalar(value, indent)}`;
  if (isEmpty(value)) return ` ${emptyText(value)}`;
  const isFlush = Array.isArray(value) && !inSequence;
  return `\n${blockOf(value, isFlush ? indent : `${indent}  `)}`;
}

function scalar(value: unknown, indent: string): string {
  if (typeof value !== "string") return JSON.stringify(value) ?? "null";
  if (!LITERAL.test(value) || !value.includes("\n") || UNPRINTABLE.test(value)) {
    return oneLine(value);
  }
  const ends = value.endsWith("\n");
  const lines = (ends ? value.slice(0, -1) : value).split("\n");
  const body = lines.map((line) => line === "" ? "" : `${indent}  ${line}`);
  return [ends ? "|" : "|-", ...body].join("\n");
}

function oneLine(text: string): string {
  if (PLAIN.test(text) && !RESERVED.test(text)) return text;
  return JSON.stringify(text).replace(
    UNPRINTABLES,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** No other type can be meant by these, in YAML 1.1 or 1.2, but for the reserved words. */
const PLAIN = /^[A-Za-z_/](?:[\w/.$%+(),;=-]|:(?=[^\s]))*(?: [\w/.$%+(),;=-]+)*$/;
const RESERVED = /^(?:y|n|yes|no|on|off|true|false|null)$/i;
/** May be a block: begins and ends with what is not lost there. */
const LITERAL = /^[^\s][^]*[^\n]\n?$/;
const UNPRINTABLE = /(?!\n)\p{Cc}|[\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]/u;
const UNPRINTABLES = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

function isCollection(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

function emptyText(value: object): string {
  return Array.isArray(value) ? "[]" : "{}";
}
