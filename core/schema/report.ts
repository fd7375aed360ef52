import type { Cause } from "./causes.ts";

/** More causes would help nobody, and make the answer larger than the request. */
export const CAUSES_MAX = 100;
/** Values nested deeper are refused, so that a schema that refers to itself cannot exhaust the stack. */
const PATH_PARTS_MAX = 256;

/** Marks a key of a map in a path, as opposed to the name of a field. */
const KEY = Symbol("a key follows");

/**
 * What one check has found so far, and where it is. The path is a stack, and becomes text only when something is
 * reported.
 */
export class Report {
  readonly causes: Cause[] = [];
  readonly unknown: string[] = [];
  readonly #path: (string | number | typeof KEY)[] = [];

  /** Where the check is, e.g. `spec.containers[0].resources.limits[cpu]`. */
  get field(): string {
    return this.#text((key) => `[${key}]`);
  }

  #text(ofKey: (key: string) => string): string {
    let text = "";
    for (let i = 0; i < this.#path.length; i++) {
      const part = this.#path[i]!;
      if (part === KEY) text += ofKey(String(this.#path[++i]));
      else if (typeof part === "number") text += `[${part}]`;
      else text += text ? `.${String(part)}` : String(part);
    }
    return text;
  }

  get isTooDeep(): boolean {
    return this.#path.length > PATH_PARTS_MAX;
  }

  enter(part: string | number): void {
    this.#path.push(part);
  }

  leave(): void {
    this.#path.pop();
  }

  enterKey(key: string): void {
    this.#path.push(KEY, key);
  }

  leaveKey(): void {
    this.#path.length -= 2;
  }

  /** Notes a cause, up to a limit. */
  refuse(cause: Cause): void {
    if (this.causes.length < CAUSES_MAX) this.causes.push(cause);
  }

  /** Notes a field that the schema does not know. Its path is that of Go's decoder: keys of maps are fields, too. */
  drop(name: string): void {
    if (this.unknown.length >= CAUSES_MAX) return;
    this.enter(name);
    this.unknown.push(this.#text((key) => `.${key}`));
    this.leave();
  }
}

/** Checks one value; returns it, or its replacement. */
export type Step = (value: unknown, report: Report) => unknown;
