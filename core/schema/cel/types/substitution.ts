import { CelError } from "../values/cel_error.ts";
import {
  type CelType,
  DYN,
  isDyn,
  isDynOrError,
  isSameType,
  listOf,
  mapOf,
  param,
} from "./cel_types.ts";

/** Steps that the comparison of types may take in all for one expression. */
const STEPS_MAX = 100_000;

/**
 * What has been found out of the types that are still open: cel-go's unification.
 * Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking
 */
export class Substitution {
  readonly #found = new Map<string, CelType>();
  /** What was known before each of the last changes, so that they can be undone. */
  readonly #changes: [name: string, before: CelType | undefined][] = [];
  #opened = 0;
  #steps = 0;

  /** A type of which nothing is known yet. */
  open(): CelType {
    return param(`_var${this.#opened++}`);
  }

  /** Whether each of the first can be passed where the second is wanted; what is learnt is kept only if so. */
  areAssignable(given: readonly CelType[], wanted: readonly CelType[]): boolean {
    this.#changes.length = 0;
    if (this.#allAssignable(given, wanted)) return true;
    for (const [name, before] of this.#changes.reverse()) {
      if (before) this.#found.set(name, before);
      else this.#found.delete(name);
    }
    return false;
  }

  #learn({ name }: CelType, type: CelType): void {
    this.#changes.push([name, this.#found.get(name)]);
    this.#found.set(name, type);
  }

  isAssignable(given: CelType, wanted: CelType): boolean {
    return this.areAssignable([given], [wanted]);
  }

  /** The type with all that is known put in; what is still open becomes dyn with `close`. */
  apply(type: CelType, { close = false } = {}): CelType {
    this.#step(1);
    const found = type.kind === "param" ? this.#found.get(type.name) : undefined;
    if (found) return this.apply(found, { close });
    if (type.kind === "param") return close ? DYN : type;
    if (type.params.length === 0) return type;
    const params = type.params.map((inner) => this.apply(inner, { close }));
    return params.every((inner, index) => inner === type.params[index])
      ? type
      : { ...type, params };
  }

  /** The parameters of a signature, each replaced by one of its own. */
  instance(types: readonly CelType[]): CelType[] {
    const fresh = new Map<string, CelType>();
    const replaced = (type: CelType): CelType => {
      if (type.kind === "param") {
        const known = fresh.get(type.name) ?? this.open();
        fresh.set(type.name, known);
        return known;
      }
      return type.params.length ? { ...type, params: type.params.map(replaced) } : type;
    };
    return types.map(replaced);
  }

  #step(steps: number): void {
    this.#steps += steps;
    if (this.#steps > STEPS_MAX) {
      throw new CelError("type", "expression is too complex to be checked");
    }
  }

  #allAssignable(given: readonly CelType[], wanted: readonly CelType[]): boolean {
    return given.length === wanted.length &&
      given.every((type, index) => this.#assignable(type, wanted[index]!));
  }

  #assignable(given: CelType, wanted: CelType): boolean {
    this.#step(1);
    if (wanted.kind === "param") {
      const known = this.#bind(given, wanted);
      if (known !== undefined) return known;
    }
    if (given.kind === "param") return this.#bind(wanted, given) ?? false;
    if (isDynOrError(given) || isDynOrError(wanted)) return true;
    if (given.kind === "null") return isNullable(wanted);
    if (wanted.kind === "null") return isNullable(given);
    if (given.kind === "type") return wanted.kind === "type";
    return given.kind === wanted.kind && given.name === wanted.name &&
      this.#allAssignable(given.params, wanted.params);
  }

  /** Lets an open type stand for another; `undefined` when it may not, and nothing was known. */
  #bind(type: CelType, open: CelType): boolean | undefined {
    if (type.kind === "param" && type.name === open.name) return true;
    const known = this.#found.get(open.name);
    if (!known) {
      if (this.#mentions(type, open)) return undefined;
      this.#learn(open, type);
      return true;
    }
    if (isSameType(type, known)) return true;
    if (!this.#assignable(type, known)) return false;
    const wider = this.mostGeneral(type, known);
    if (!this.#mentions(wider, open)) this.#learn(open, wider);
    return true;
  }

  #mentions(type: CelType, open: CelType): boolean {
    this.#step(1);
    if (type.kind === "param") {
      if (type.name === open.name) return true;
      const known = this.#found.get(type.name);
      return known !== undefined && this.#mentions(known, open);
    }
    return type.params.some((inner) => this.#mentions(inner, open));
  }

  /** Of two types of which one can stand for the other, that one. */
  mostGeneral(a: CelType, b: CelType): CelType {
    return this.#isLessSpecific(a, b) ? a : b;
  }

  #isLessSpecific(a: CelType, b: CelType): boolean {
    this.#step(1);
    if (isDyn(a) || a.kind === "param") return true;
    if (isDyn(b) || b.kind === "param" || a.kind !== b.kind) return false;
    if (a.kind === "type") return true;
    return a.name === b.name && a.params.length === b.params.length &&
      a.params.every((inner, index) => this.#isLessSpecific(inner, b.params[index]!));
  }
}

function isNullable({ kind }: CelType): boolean {
  return kind === "null" || kind === "opaque" || kind === "struct" || kind === "duration" ||
    kind === "timestamp";
}

/** Reads a type as signatures write it: `list(T)`, `map(string, int)`; capital letters stand for any type. */
export function typeFrom(text: string, named: ReadonlyMap<string, CelType>): CelType {
  const open = text.indexOf("(");
  if (open < 0) return /^[A-Z]$/.test(text) ? param(text) : named.get(text)!;
  const params = splitTypes(text.slice(open + 1, -1)).map((inner) => typeFrom(inner, named));
  const name = text.slice(0, open);
  if (name === "list") return listOf(params[0]!);
  if (name === "map") return mapOf(params[0]!, params[1]!);
  const base = named.get(name)!;
  return { ...base, params };
}

/** Types of a list of them, divided by the commas outside of brackets. */
export function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    else if (at === text.length || (text[at] === "," && depth === 0)) {
      const part = text.slice(start, at).trim();
      if (part) parts.push(part);
      start = at + 1;
    }
  }
  return parts;
}
