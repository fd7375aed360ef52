import { type JsonPath, JsonPathError, parseJsonPath, valuesAt } from "./json_path.ts";

/**
 * A template as kubectl has it, of texts and of paths in braces: `{$.data.items[0].value}`, `{range .items[*]}{.name}{end}`.
 * https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export class JsonPathTemplate {
  readonly #parts: readonly Part[];

  /** Throws a {@linkcode JsonPathError}. */
  constructor(template: string) {
    this.#parts = partsIn(template);
  }

  /** The first value that it finds, in an array; empty when it finds none. Throws a {@linkcode JsonPathError}. */
  first(value: unknown): readonly [found?: unknown] {
    const [first] = foundBy(this.#parts, value);
    return first === undefined ? [] : [first.value];
  }
}

type Part =
  | { text: string }
  | { path: JsonPath }
  /** What is repeated for each value that a path finds. */
  | { range: JsonPath; parts: readonly Part[] };

type Token = { text: string } | { path: JsonPath } | { range: JsonPath } | { end: true };

/** How deep ranges may lie in each other. */
const RANGES_MAX = 8;

function partsIn(template: string): readonly Part[] {
  const tokens = tokensIn(template);
  const open: { range: JsonPath; parts: Part[] }[] = [{ range: [], parts: [] }];
  for (const token of tokens) {
    if ("range" in token) open.push({ range: token.range, parts: [] });
    else if (!("end" in token)) open.at(-1)!.parts.push(token);
    else {
      const range = open.length > 1 ? open.pop() : undefined;
      if (!range) throw new JsonPathError("not in range, nothing to end");
      open.at(-1)!.parts.push(range);
    }
    if (open.length > RANGES_MAX) throw new JsonPathError("too many ranges in each other");
  }
  while (open.length > 1) {
    const range = open.pop()!;
    open.at(-1)!.parts.push(range);
  }
  return open[0]!.parts;
}

function tokensIn(template: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < template.length;) {
    const start = template.indexOf("{", at);
    const end = start < 0 ? template.length : start;
    if (end > at) tokens.push({ text: template.slice(at, end) });
    if (start < 0) break;
    const close = closingBrace(template, start);
    if (close === undefined) throw new JsonPathError("unclosed action");
    tokens.push(tokenIn(template.slice(start + 1, close).trim()));
    at = close + 1;
  }
  return tokens;
}

/** Index of the brace that closes; those in quotes do not count. */
function closingBrace(text: string, start: number): number | undefined {
  let quote = "";
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (quote) quote = char === quote && text[at - 1] !== "\\" ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === "}") return at;
  }
  return undefined;
}

function tokenIn(action: string): Token {
  if (action === "end") return { end: true };
  const quoted = /^"((?:\\.|[^"\\])*)"$|^'((?:\\.|[^'\\])*)'$/s.exec(action);
  if (quoted) return { text: unescaped(quoted[1] ?? quoted[2]!) };
  const [, range, written = ""] = /^(range\s+)?(.*)$/s.exec(action)!;
  const path = pathIn(written);
  return range === undefined ? { path } : { range: path };
}

function pathIn(written: string): JsonPath {
  const path = parseJsonPath(written.replace(/^[$@]/, ""));
  if (path) return path;
  const word = /^[\p{L}_]\w*/u.exec(written)?.[0];
  throw new JsonPathError(
    word === undefined ? `cannot read the path ${written}` : `unrecognized identifier ${word}`,
  );
}

function unescaped(text: string): string {
  const known: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
  return text.replace(
    /\\(.)/g,
    (_, char: string) => Object.hasOwn(known, char) ? known[char]! : char,
  );
}

function* foundBy(parts: readonly Part[], value: unknown): Iterable<{ value: unknown }> {
  for (const part of parts) {
    if ("text" in part) yield { value: part.text };
    else if ("path" in part) {
      for (const found of valuesAt(value, part.path)) yield { value: found };
    } else for (const each of valuesAt(value, part.range)) yield* foundBy(part.parts, each);
  }
}
