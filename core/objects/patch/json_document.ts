import { isEqual } from "../../lib/equality.ts";
import { cloneJson, isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";

/** All copies of one patch together, as in kube-apiserver (`JSONPatchMaxCopyBytes`). */
export const COPIED_BYTES_MAX = 3 * 1024 * 1024;
/** What operations on one patch's lists may push aside together: a list is moved up for what is put before it. */
const SHIFTED_ITEMS_MAX = 20_000_000;
/** Objects within objects, as in the body of a request. */
export const NESTING_MAX = 64;

/** An operation does not fit the document, or would make too much of it. */
export class DocumentError extends Error {
  override name = "DocumentError";
}

/** A place in a document, as the parts of a JSON pointer. */
type Place = readonly string[];
type Container = JsonObject | unknown[];

/**
 * A document on which the operations of RFC 6902 are done one by one. It is a copy of what it is made of, and what is
 * put into it is copied too. Every method throws {@linkcode DocumentError}; the document is worthless then.
 */
export class JsonDocument {
  /** The document is a field of it, so that the whole is replaced like any other value. */
  readonly #root: JsonObject;
  #copiedBytes = 0;
  #shiftedItems = 0;

  constructor(value: unknown) {
    this.#root = { "": cloneJson(value) };
  }

  add(place: Place, value: unknown): void {
    const { container, name } = this.#placeOf(place);
    if (!Array.isArray(container)) {
      container[name] = cloneJson(value);
      return;
    }
    const index = name === "-" ? container.length : indexOf(name, container.length + 1);
    if (index === undefined) throw missing(place);
    this.#shift(container.length - index);
    container.splice(index, 0, cloneJson(value));
  }

  /** Gives what was there. */
  remove(place: Place): unknown {
    const { container, name } = this.#placeOf(place);
    const value = valueIn(container, name, place);
    if (Array.isArray(container)) {
      this.#shift(container.length - Number(name));
      container.splice(Number(name), 1);
    } else delete container[name];
    return value;
  }

  replace(place: Place, value: unknown): void {
    const { container, name } = this.#placeOf(place);
    valueIn(container, name, place);
    (container as JsonObject)[name] = cloneJson(value); // an index is the name of an item
  }

  move(from: Place, to: Place): void {
    const isWithin = to.length > from.length && from.every((part, i) => part === to[i]);
    if (isWithin) throw new DocumentError("a value cannot be moved into itself");
    if (from.length === to.length && from.every((part, i) => part === to[i])) {
      return void this.#valueAt(from);
    }
    this.add(to, this.remove(from));
  }

  copy(from: Place, to: Place): void {
    const value = this.#valueAt(from);
    this.#copiedBytes += jsonBytesOf(value);
    if (this.#copiedBytes > COPIED_BYTES_MAX) {
      throw new DocumentError(
        "Unable to complete the copy, the accumulated size increase of copy is " +
          `${this.#copiedBytes}, exceeding the limit ${COPIED_BYTES_MAX}`,
      );
    }
    this.add(to, value);
  }

  test(place: Place, value: unknown): void {
    if (!isEqual(this.#valueAt(place), value)) {
      throw new DocumentError(`testing value ${pointerOf(place)} failed`);
    }
  }

  /** The result. Throws also when nothing is left, or when it is nested too deep. */
  end(): unknown {
    const value = this.#root[""];
    if (value === undefined) throw new DocumentError("nothing is left of the object");
    jsonBytesOf(value);
    return value;
  }

  #valueAt(place: Place): unknown {
    const { container, name } = this.#placeOf(place);
    return valueIn(container, name, place);
  }

  /** What holds a place, and the name of the place in it. What it leads into must be there. */
  #placeOf(place: Place): { container: Container; name: string } {
    if (place.length > NESTING_MAX) throw tooDeep();
    let container: unknown = this.#root;
    let name = "";
    for (const part of place) {
      container = valueIn(containerFrom(container), name, place);
      name = part;
    }
    return { container: containerFrom(container), name };
  }

  #shift(items: number): void {
    this.#shiftedItems += items;
    if (this.#shiftedItems <= SHIFTED_ITEMS_MAX) return;
    throw new DocumentError(
      `the operations move more than ${SHIFTED_ITEMS_MAX} items of lists; replace the list as a whole`,
    );
  }
}

function containerFrom(value: unknown): Container {
  if (Array.isArray(value) || isJsonObject(value)) return value;
  throw new DocumentError("a path leads into what is no object");
}

/** Throws for what is not there; what all objects inherit is not. */
function valueIn(container: Container, name: string, place: Place): unknown {
  const isThere = Array.isArray(container)
    ? indexOf(name, container.length) !== undefined
    : Object.hasOwn(container, name);
  if (!isThere) throw missing(place);
  return (container as JsonObject)[name]; // an index is the name of an item
}

/** The index that a part of a pointer says; `undefined`: none below `end`. */
function indexOf(name: string, end: number): number | undefined {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(name)) return undefined;
  return Number(name) < end ? Number(name) : undefined;
}

function missing(place: Place): DocumentError {
  return new DocumentError(`Missing location: ${pointerOf(place)}`);
}

function pointerOf(place: Place): string {
  return place.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function tooDeep(): DocumentError {
  return new DocumentError(`exceeded max depth: ${NESTING_MAX} objects within objects`);
}

const encoder = new TextEncoder();

/** How long a value is as JSON, in bytes. Throws for what is nested too deep. */
function jsonBytesOf(value: unknown, depthMax = NESTING_MAX): number {
  if (typeof value === "string") return textBytesOf(value);
  if (typeof value !== "object" || value === null) return String(value).length;
  if (depthMax === 0) throw tooDeep();
  let bytes = 1; // a bracket at each end, and a comma after each but the last
  if (Array.isArray(value)) {
    for (const item of value) bytes += 1 + jsonBytesOf(item, depthMax - 1);
  } else {
    for (const [name, inner] of Object.entries(value)) {
      bytes += 2 + textBytesOf(name) + jsonBytesOf(inner, depthMax - 1);
    }
  }
  return Math.max(2, bytes);
}

/** Printable ASCII but quotes and backslashes: a byte each, and no escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

function textBytesOf(text: string): number {
  return PLAIN.test(text) ? text.length + 2 : encoder.encode(JSON.stringify(text)).length;
}
