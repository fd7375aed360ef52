import { afterSpace, endOfString } from "../lib/json/json_characters.ts";

/** Finds the positions of fields in a JSON text that has been parsed before. Lists and objects are scanned on demand. */
export class JsonPlaces {
  readonly #text: string;
  /** Fields of the objects, and items of the lists, by where these start. */
  readonly #fields = new Map<number, ReadonlyMap<string, JsonPlace>>();

  constructor(text: string) {
    this.#text = text;
  }

  /** Offset of the field at `path` of the value at `start`; when there is none, of the nearest around it. */
  offsetOf(start: number, path: string): number {
    let place: JsonPlace = {
      at: afterSpace(this.#text, start),
      found: afterSpace(this.#text, start),
    };
    let rest = path;
    while (rest !== "") {
      const step = longestStep(this.#fieldsOf(place.at), rest);
      if (!step) break;
      ({ value: place, rest } = step);
    }
    return place.found;
  }

  #fieldsOf(start: number): ReadonlyMap<string, JsonPlace> {
    let fields = this.#fields.get(start);
    if (!fields) {
      const text = this.#text;
      fields = new Map(
        text[start] === "["
          ? itemsIn(text, start)
          : text[start] === "{"
          ? fieldsIn(text, start)
          : [],
      );
      this.#fields.set(start, fields);
    }
    return fields;
  }
}

interface JsonPlace {
  /** Where the value starts. */
  at: number;
  /** Where its key starts, or itself in a list. */
  found: number;
}

/**
 * The longest start of a path that is a name: paths join names by dots and brackets, and names may hold both.
 * Items of lists are called `[0]`.
 */
export function longestStep<T>(
  names: ReadonlyMap<string, T>,
  path: string,
): { value: T; rest: string } | undefined {
  for (let end = path.length; end > 0; end = lastCut(path, end)) {
    const name = path.slice(0, end);
    const value = names.get(name) ?? names.get(bracketed(name) ?? name);
    if (value !== undefined) return { value, rest: path.slice(end).replace(/^\./, "") };
  }
  return undefined;
}

/** The last index before `end` where a name could end. */
function lastCut(path: string, end: number): number {
  let cut = end - 1;
  while (cut > 0 && path[cut] !== "." && path[cut] !== "[" && path[cut - 1] !== "]") cut--;
  return cut;
}

/** `[app.kubernetes.io/name]` is how paths write keys of maps. */
function bracketed(name: string): string | undefined {
  return name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : undefined;
}

function* itemsIn(text: string, list: number): Generator<[string, JsonPlace]> {
  let at = afterSpace(text, list + 1);
  for (let i = 0; text[at] !== "]"; i++) {
    yield [`[${i}]`, { at, found: at }];
    at = afterComma(text, afterValue(text, at));
  }
}

function* fieldsIn(text: string, object: number): Generator<[string, JsonPlace]> {
  let at = afterSpace(text, object + 1);
  while (text[at] !== "}") {
    const found = at;
    const keyEnd = afterValue(text, at);
    const key = String(JSON.parse(text.slice(found, keyEnd)));
    at = afterSpace(text, afterSpace(text, keyEnd) + 1);
    if (key !== "") yield [key, { at, found }];
    at = afterComma(text, afterValue(text, at));
  }
}

function afterValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') {
      at = endOfString(text, at + 1);
      if (at < 0) return text.length;
      if (depth === 0) return at + 1;
    } else if (sign === "{" || sign === "[") depth++;
    else if (sign === "}" || sign === "]") {
      if (--depth <= 0) return depth < 0 ? at : at + 1;
    } else if (depth === 0 && (sign === "," || afterSpace(text, at) > at)) return at;
  }
  return text.length;
}

/** The next value, or the bracket that ends the list or object. */
function afterComma(text: string, start: number): number {
  const at = afterSpace(text, start);
  return text[at] === "," ? afterSpace(text, at + 1) : at;
}
