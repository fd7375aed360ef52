import { afterSpace, endOfString } from "./json_signs.ts";

/**
 * JSON.parse, with each key as it is meant. V8 15.0 compares what is written, before its escapes are read, with the
 * key that objects of before had in this place: once it has seen `{"a": 1, "\\": 2}`, it takes the second key of
 * `{"a": 1, "\u0062": 2}` for a backslash. A text that has keys with escapes, which hardly any has, is read here.
 * It must not be nested deeper than the stack allows. Throws SyntaxError, as JSON.parse does.
 */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text); // what is no JSON ends here
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

/** Reads what is known to be JSON. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): unknown {
    const sign = this.#next();
    if (sign === "{") return Object.fromEntries(this.#items("}", () => this.#member()));
    if (sign === "[") return this.#items("]", () => this.value());
    return this.#scalar();
  }

  #member(): [key: string, value: unknown] {
    this.#next();
    const key = String(this.#scalar());
    this.#next();
    this.#at++; // the colon
    return [key, this.value()];
  }

  /** Those of a list or of an object, to the bracket that ends it. */
  #items<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    this.#at++;
    for (let sign = this.#next(); sign !== end; sign = this.#next()) {
      if (sign === ",") this.#at++;
      items.push(item());
    }
    this.#at++;
    return items;
  }

  /** A string, a number or a word. By itself JSON.parse reads it well. */
  #scalar(): unknown {
    const start = this.#at;
    this.#at = this.#text[start] === '"'
      ? endOfString(this.#text, start + 1) + 1
      : afterWord(this.#text, start);
    return JSON.parse(this.#text.slice(start, this.#at));
  }

  /** The sign that comes next. */
  #next(): string | undefined {
    this.#at = afterSpace(this.#text, this.#at);
    return this.#text[this.#at];
  }
}

function afterWord(text: string, at: number): number {
  while (at < text.length && !/[\s,\]}]/.test(text[at]!)) at++;
  return at;
}
