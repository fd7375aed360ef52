import { CelError } from "./cel_error.ts";
import { ListValue, MapValue, OpaqueValue, OptionalValue, type Value } from "./values.ts";

/** What the costs of Kubernetes leave out: steps of work of our own. They take about 10 ms. */
const WORK_MAX = 300_000;
/** Characters that a string may have. */
const STRING_LENGTH_MAX = 8 * 1024 * 1024;
/** Strings from here on have their characters counted once only. */
const LONG_STRING = 256;

/**
 * Counts what an evaluation costs, in cel-go's units, and ends it when it becomes too much: each method throws a
 * {@linkcode CelError} of kind `budget` then.
 */
export class Meter {
  readonly #limit: number;
  readonly #sizes = new Map<string, number>();
  #cost = 0;
  #work = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get cost(): number {
    return this.#cost;
  }

  charge(cost: number): void {
    this.#cost += cost;
    if (this.#cost > this.#limit) throw exceeded();
  }

  /** Counts work that costs nothing in Kubernetes' terms but takes us time. */
  work(steps: number): void {
    this.#work += steps;
    if (this.#work > WORK_MAX) throw exceeded();
  }

  /** Asks whether a string of so many characters may be made. */
  string(length: number): void {
    if (length > STRING_LENGTH_MAX) throw exceeded();
    this.work(length >> 8);
  }

  /** Characters of a string: code points. */
  charactersOf(text: string): number {
    if (text.length < LONG_STRING) return countCharacters(text);
    const known = this.#sizes.get(text);
    if (known !== undefined) return known;
    this.work(text.length >> 6);
    const size = countCharacters(text);
    this.#sizes.set(text, size);
    return size;
  }

  /** What a value counts as where costs depend on sizes. */
  sizeOf(value: Value): number {
    if (typeof value === "string") return this.charactersOf(value);
    if (value instanceof ListValue || value instanceof MapValue) return value.size;
    if (value instanceof Uint8Array) return value.length;
    if (value instanceof OptionalValue && value.value !== undefined) {
      return this.sizeOf(value.value);
    }
    return value instanceof OpaqueValue ? value.costSize : 1;
  }
}

function exceeded(): CelError {
  return new CelError("budget", "operation cancelled: actual cost limit exceeded");
}

function countCharacters(text: string): number {
  let pairs = 0;
  for (let at = 0; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xd800) {
      pairs++;
      at++;
    }
  }
  return text.length - pairs;
}
