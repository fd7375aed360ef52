import { afterSpace, endOfString } from "./json_characters.ts";

/**
 * JSON.parse without a bug of V8 15.0, which compares the raw text of a key, before its escapes are decoded, with the key
 * that earlier objects had in the same place: once it has seen `{"a": 1, "\\": 2}`, it takes the second key of
 * `{"a": 1, "\u0062": 2}` for a backslash. A text that has keys with escapes, which is rare, is parsed here.
 * It must not be nested deeper than the stack allows. Throws SyntaxError, as JSON.parse does.
 */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text); // throws when the text is not JSON
  return hasEscapedKey(text) ? new JsonReader(text).value() : value;
}

/** Backslashes are in strings alone, and a colon follows a key alone. */
function hasEscapedKey(text: string): boolean {
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", at)) {
    at = endOfString(text, at) + 1;
    if (text[afterSpace(text, at)] === ":") return true;
  }
  return false;
}

/** Parses a text that is known to be JSON. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): unknown {
    const first = this.#next();
    if (first === "{") return Object.fromEntries(this.#items("}", () => this.#member()));
    if (first === "[") return this.#items("]", () => this.value());
    return this.#scalar();
  }

  #member(): [key: string, value: unknown] {
    this.#next();
    const key = String(this.#scalar());
    this.#next();
    this.#at++; // the colon
    return [key, this.value()];
  }

  /** The items of a list or of an object, up to the bracket that ends it. */
  #items<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    this.#at++;
    for (let next = this.#next(); next !== end; next = this.#next()) {
      if (next === ",") this.#at++;
      items.push(item());
    }
    this.#at++;
    return items;
  }

  /** A string, a number or a word, which JSON.parse reads correctly by itself. */
  #scalar(): unknown {
    const start = this.#at;
    this.#at = this.#text[start] === '"'
      ? endOfString(this.#text, start + 1) + 1
      : afterWord(this.#text, start);
    return JSON.parse(this.#text.slice(start, this.#at));
  }

  /** Skips white space; returns the character after it. */
  #next(): string | undefined {
    this.#at = afterSpace(this.#text, this.#at);
    return this.#text[this.#at];
  }
}

function afterWord(text: string, at: number): number {
  while (at < text.length && !/[\s,\]}]/.test(text[at]!)) at++;
  return at;
}
