import { readJson } from "./json_reader.ts";
import { endOfString } from "./json_characters.ts";

/** The text is not JSON, or exceeds a limit. `offset`: where, in UTF-16 units, if known. */
export class JsonError extends Error {
  override name = "JsonError";
  constructor(message: string, readonly offset?: number) {
    super(message);
  }
}

/** What was read is JSON, but exceeds a limit. */
export class JsonLimitError extends JsonError {
  override name = "JsonLimitError";
}

/** Bytes that are not UTF-8. `offset`: of the first byte that is not. */
export class Utf8Error extends Error {
  override name = "Utf8Error";
  constructor(readonly offset: number) {
    super(`invalid UTF-8 at byte ${offset}`);
  }
}

/** Bytes as text, strictly; a byte order mark is skipped. Throws {@linkcode Utf8Error}. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Utf8Error(firstFaultIn(bytes)); // a TypeError: the only one it throws
  }
}

/** Offset of the first byte that is not UTF-8: it is decoded as U+FFFD where the bytes do not hold one. */
function firstFaultIn(bytes: Uint8Array): number {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  let offset = 0;
  let start = 0;
  for (let at = text.indexOf("\ufffd"); at >= 0; at = text.indexOf("\ufffd", start)) {
    offset += new TextEncoder().encode(text.slice(start, at)).length;
    const isOwn = bytes[offset] === 0xef && bytes[offset + 1] === 0xbf &&
      bytes[offset + 2] === 0xbd;
    if (!isOwn) return offset;
    offset += 3;
    start = at + 1;
  }
  return offset;
}

export interface JsonLimits {
  /** How many arrays and objects may be nested. */
  depthMax: number;
  /** How many values there may be in all: each takes a hundred times the time and memory of its bytes. */
  valuesMax: number;
}

/**
 * One JSON value, from bytes or text, with nothing but white space around it. Looks before it parses,
 * so that what is nested too deep costs nothing. Throws {@linkcode JsonError} and {@linkcode Utf8Error}.
 */
export function parseJson(source: Uint8Array | string, limits: JsonLimits): unknown {
  return parseWithKeys(source, limits).value;
}

/** The same, with the keys that occur more than once in their object, of which JSON.parse silently keeps the last. */
export function parseJsonWithDuplicates(
  source: Uint8Array | string,
  limits: JsonLimits,
): { value: unknown; duplicates: readonly DuplicateKey[] } {
  const { text, value, keys } = parseWithKeys(source, limits);
  const duplicates = keysOf(value) === keys ? [] : duplicateKeysIn(text, limits);
  return { value, duplicates };
}

/** `keys`: how many the text has. */
function parseWithKeys(
  source: Uint8Array | string,
  limits: JsonLimits,
): { text: string; value: unknown; keys: number } {
  const text = typeof source === "string" ? source : decodeUtf8(source);
  const keys = countKeys(text, limits);
  if (mayHaveForbiddenKeys(text)) scanJson(text, 0, limits);
  return { text, keys, value: parseSlice(text, 0, text.length) };
}

/** How many keys a JSON value has, with those of all that is in it. */
function keysOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + keysOf(item), 0);
  let count = 0;
  for (const key in value) count += 1 + keysOf((value as Record<string, unknown>)[key]);
  return count;
}

/** Whether a key may be forbidden: a key with escapes needs a closer look. */
function mayHaveForbiddenKeys(text: string): boolean {
  return text.includes("__proto__") || text.includes("\\u");
}

/** Counts the keys of JSON: each is followed by a colon. Throws when a limit is exceeded. */
function countKeys(text: string, { depthMax, valuesMax }: JsonLimits): number {
  let keys = 0;
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at);
    else if (code === COLON) keys++;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > depthMax) throw tooDeep(depthMax, at);
      if (++values > valuesMax) throw tooMany(valuesMax, at);
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    else if (code === COMMA && ++values > valuesMax) throw tooMany(valuesMax, at);
  }
  return keys;
}

function tooDeep(depthMax: number, at: number): JsonError {
  return new JsonLimitError(`nested more than ${depthMax} levels deep`, at);
}

function tooMany(valuesMax: number, at: number): JsonError {
  return new JsonLimitError(`more than ${valuesMax} values`, at);
}

/** The value of a part of a text, with the offset in the error. */
export function parseSlice(text: string, start: number, end: number): unknown {
  try {
    return readJson(start === 0 && end === text.length ? text : text.slice(start, end));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = /at position (\d+)/.exec(error.message)?.[1];
    const message = error.message.replace(
      /(?: in JSON)? at position.*$|, [^]* is not valid JSON$/,
      "",
    );
    throw new JsonError(message, position === undefined ? undefined : start + Number(position));
  }
}

/** A key that its object has already. */
export interface DuplicateKey {
  key: string;
  /** E.g. `spec.containers[0].name`. */
  path: string;
  offset: number;
}

export interface JsonExtent {
  start: number;
  end: number;
  /** How many values it has, itself included. An upper bound: an empty list counts as one value more. */
  values: number;
  duplicates: readonly DuplicateKey[];
}

/** Keys that occur more than once in their object. */
export function duplicateKeysIn(text: string, limits: JsonLimits): readonly DuplicateKey[] {
  return scanJson(text, 0, { ...limits, allowingDuplicates: true }).duplicates;
}

/** Where each of the named fields is first, e.g. `spec.containers[0].name`. One that is not there is missing. */
export function offsetsOf(
  text: string,
  paths: ReadonlySet<string>,
  limits: JsonLimits,
): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const onKey = (path: string, offset: number) => {
    if (paths.has(path) && !found.has(path)) found.set(path, offset);
  };
  scanJson(text, 0, { ...limits, allowingDuplicates: true, onKey });
  return found;
}

interface ScanOptions extends JsonLimits {
  allowingDuplicates?: boolean;
  /** Called for every key. */
  onKey?: (path: string, offset: number) => void;
}

interface Frame {
  /** Keys so far; `undefined` in an array, or when nobody asks. */
  keys: Set<string> | undefined;
  key: string | undefined;
  index: number;
  isArray: boolean;
}

const DUPLICATES_MAX = 100;
const NO_KEYS: ReadonlySet<string> = new Set();
const [QUOTE, COMMA, COLON] = [0x22, 0x2c, 0x3a];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Finds where the JSON value at `start` ends, without parsing it: several may follow each other. Refuses
 * what exceeds a limit and keys that could reach a prototype; leaves other mistakes to JSON.parse.
 * Throws {@linkcode JsonError}.
 */
export function scanJson(
  text: string,
  start: number,
  limits: ScanOptions,
): JsonExtent {
  while (isSpace(text.charCodeAt(start))) start++;
  const scan = new Scan(text, limits);
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = scan.string(at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) scan.open(code === OPEN_BRACKET, at);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) scan.close(at);
    else if (code === COMMA) scan.comma(at);
    else if (scan.depth > 0 || !isSpace(text.charCodeAt(at + 1))) continue; // inside a word
    if (scan.depth === 0) return { start, end: at + 1, ...scan.found };
  }
  if (scan.depth > 0 || start === text.length) {
    throw new JsonError("unexpected end of JSON input", text.length);
  }
  return { start, end: text.length, ...scan.found };
}

class Scan {
  readonly duplicates: DuplicateKey[] = [];
  readonly #text: string;
  readonly #limits: ScanOptions;
  #values = 1;
  readonly #frames: Frame[] = [];

  constructor(text: string, limits: ScanOptions) {
    this.#text = text;
    this.#limits = limits;
  }

  get found(): Pick<JsonExtent, "values" | "duplicates"> {
    return { values: this.#values, duplicates: this.duplicates };
  }

  get depth(): number {
    return this.#frames.length;
  }

  open(isArray: boolean, at: number): void {
    const { depthMax, allowingDuplicates = false } = this.#limits;
    if (this.#frames.length >= depthMax) throw tooDeep(depthMax, at);
    this.#count(at);
    const keys = !isArray && allowingDuplicates ? new Set<string>() : undefined;
    this.#frames.push({ keys, key: undefined, index: 0, isArray });
  }

  close(at: number): void {
    if (!this.#frames.pop()) throw new JsonError(`unexpected "${this.#text[at]}"`, at);
  }

  comma(at: number): void {
    this.#count(at);
    const frame = this.#frames.at(-1);
    if (!frame) return;
    frame.index++;
    frame.key = undefined;
  }

  #count(at: number): void {
    const { valuesMax } = this.#limits;
    if (++this.#values > valuesMax) throw tooMany(valuesMax, at);
  }

  /** Gives the index of the quote that ends the string. */
  string(at: number): number {
    const end = stringEnd(this.#text, at);
    const frame = this.#frames.at(-1);
    if (frame && !frame.isArray && frame.key === undefined) this.#key(frame, at, end);
    return end;
  }

  #key(frame: Frame, at: number, end: number): void {
    const raw = this.#text.slice(at + 1, end);
    const key = raw.includes("\\") ? unescaped(raw) : raw;
    if (key === "__proto__") throw new JsonError(`the key "${key}" is not allowed`, at);
    frame.key = key;
    this.#limits.onKey?.(this.#path(), at);
    const known = frame.keys ?? NO_KEYS;
    if (known.has(key) && this.duplicates.length < DUPLICATES_MAX) {
      this.duplicates.push({ key, path: this.#path(), offset: at });
    }
    frame.keys?.add(key);
  }

  #path(): string {
    return this.#frames.map(({ isArray, index, key }) => isArray ? `[${index}]` : `.${key}`).join(
      "",
    )
      .replace(/^\./, "");
  }
}

function unescaped(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw; // a SyntaxError, which JSON.parse of the whole text will throw too
  }
}

/** Gives the index of the quote that ends the string which begins at `at`. */
function stringEnd(text: string, at: number): number {
  const end = endOfString(text, at + 1);
  if (end < 0) throw new JsonError("unexpected end of JSON input", text.length);
  return end;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
