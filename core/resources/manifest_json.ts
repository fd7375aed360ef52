/**
 * Where the field at `path` of the JSON value at `start` is; when there is none, where the nearest around it
 * is. Reads no further than it must, and builds nothing. The text must have been parsed before: it is JSON.
 */
export function offsetInJson(text: string, start: number, path: string): number {
  let at = afterSpace(text, start);
  let found = at;
  let rest = path;
  while (rest !== "") {
    const step: Step | undefined = text[at] === "["
      ? intoList(text, at, rest)
      : text[at] === "{"
      ? intoObject(text, at, rest)
      : undefined;
    if (!step) break;
    ({ at, found, rest } = step);
  }
  return found;
}

interface Step {
  /** The value that the step leads to. */
  at: number;
  /** What stands for it: its key, or the item itself. */
  found: number;
  rest: string;
}

function intoList(text: string, list: number, path: string): Step | undefined {
  const index = /^\[(\d+)\]\.?/.exec(path);
  if (!index) return undefined;
  let at = afterSpace(text, list + 1);
  for (let i = 0; text[at] !== "]"; i++) {
    if (i === Number(index[1])) return { at, found: at, rest: path.slice(index[0].length) };
    at = afterComma(text, afterValue(text, at));
  }
  return undefined;
}

/** Keys may hold dots themselves: the longest that fits is meant. */
function intoObject(text: string, object: number, path: string): Step | undefined {
  let best: Step | undefined;
  let at = afterSpace(text, object + 1);
  while (text[at] !== "}") {
    const found = at;
    const keyEnd = afterValue(text, at);
    const rest = restAfter(path, String(JSON.parse(text.slice(found, keyEnd))));
    at = afterSpace(text, afterSpace(text, keyEnd) + 1);
    if (rest !== undefined && (!best || rest.length < best.rest.length)) best = { at, found, rest };
    at = afterComma(text, afterValue(text, at));
  }
  return best;
}

/** What is left of a path after a key, as `key`, `key.…`, `key[…` or `[key]…`. */
export function restAfter(path: string, key: string): string | undefined {
  if (path.startsWith(`[${key}]`)) return path.slice(key.length + 2).replace(/^\./, "");
  if (!path.startsWith(key) || key === "") return undefined;
  const rest = path.slice(key.length);
  if (rest === "" || rest.startsWith("[")) return rest;
  return rest.startsWith(".") ? rest.slice(1) : undefined;
}

function afterValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') {
      at = endOfString(text, at);
      if (depth === 0) return at + 1;
    } else if (sign === "{" || sign === "[") depth++;
    else if (sign === "}" || sign === "]") {
      if (--depth <= 0) return depth < 0 ? at : at + 1;
    } else if (depth === 0 && (sign === "," || SPACE.has(sign))) return at;
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

const SPACE: ReadonlySet<string | undefined> = new Set([" ", "\t", "\r", "\n"]);

function afterSpace(text: string, start: number): number {
  let at = start;
  while (SPACE.has(text[at])) at++;
  return at;
}

/** The next value, or the sign that ends the list or object. */
function afterComma(text: string, start: number): number {
  const at = afterSpace(text, start);
  return text[at] === "," ? afterSpace(text, at + 1) : at;
}
