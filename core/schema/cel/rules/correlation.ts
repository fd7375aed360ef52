import { ownField } from "../../../lib/own_field.ts";
import type { RuleSchema } from "./rule_schema.ts";

export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Finds the items of an old list by the keys of the new ones; only lists of type map have keys. */
export class OldItems {
  readonly #keys: readonly string[];
  readonly #schema: RuleSchema;
  readonly #items = new Map<string, unknown>();

  constructor(schema: RuleSchema, old: unknown) {
    const isKeyed = schema["x-kubernetes-list-type"] === "map";
    this.#schema = schema;
    this.#keys = isKeyed ? schema["x-kubernetes-list-map-keys"] ?? [] : [];
    if (this.#keys.length === 0 || !Array.isArray(old)) return;
    for (const item of old) {
      const identity = this.#identityOf(item);
      if (identity !== undefined && !this.#items.has(identity)) this.#items.set(identity, item);
    }
  }

  get isKeyed(): boolean {
    return this.#keys.length > 0;
  }

  of(item: unknown): unknown {
    const identity = this.#items.size ? this.#identityOf(item) : undefined;
    return identity === undefined ? undefined : this.#items.get(identity);
  }

  #identityOf(item: unknown): string | undefined {
    if (!isRecord(item)) return undefined;
    return JSON.stringify(
      this.#keys.map((key) =>
        ownField(item, key) ?? ownField(this.#schema.items?.properties, key)?.default
      ),
    );
  }
}

/**
 * A value and what it was, as far as the two can be told to be the same thing; and whether they are equal.
 * Source: apiserver pkg/cel/common/equality.go
 */
export class Correlation {
  readonly #value: unknown;
  readonly #old: unknown;
  readonly #schema: RuleSchema;
  readonly #children = new Map<string | number, Correlation | undefined>();
  #items: OldItems | undefined;
  #isEqual: boolean | undefined;

  constructor(value: unknown, old: unknown, schema: RuleSchema) {
    this.#value = value;
    this.#old = old;
    this.#schema = schema;
  }

  /** The same for a field; `undefined` where it was not there before, or is not in the schema. */
  key(name: string): Correlation | undefined {
    if (!this.#children.has(name)) this.#children.set(name, this.#keyed(name));
    return this.#children.get(name);
  }

  #keyed(name: string): Correlation | undefined {
    const [value, old] = [this.#value, this.#old];
    if (!isRecord(value) || !isRecord(old)) return undefined;
    if (!Object.hasOwn(value, name) || !Object.hasOwn(old, name)) return undefined;
    const { additionalProperties } = this.#schema;
    const schema = ownField(this.#schema.properties, name) ??
      (typeof additionalProperties === "object" ? additionalProperties : undefined);
    return schema && new Correlation(value[name], old[name], schema);
  }

  /** The same for an item of a keyed list. */
  index(index: number): Correlation | undefined {
    if (!this.#children.has(index)) this.#children.set(index, this.#indexed(index));
    return this.#children.get(index);
  }

  #indexed(index: number): Correlation | undefined {
    const { items } = this.#schema;
    if (!items || !Array.isArray(this.#value)) return undefined;
    const item = this.#value[index];
    this.#items ??= new OldItems(this.#schema, this.#old);
    const old = this.#items.of(item);
    return old === undefined ? undefined : new Correlation(item, old, items);
  }

  get isUnchanged(): boolean {
    return this.#isEqual ??= this.#compare();
  }

  #compare(): boolean {
    const [value, old] = [this.#value, this.#old];
    if (Array.isArray(value) && Array.isArray(old)) {
      if (value.length !== old.length) return false;
      const isKeyed = this.#schema["x-kubernetes-list-type"] === "map";
      return isKeyed
        ? value.every((_, index) => this.index(index)?.isUnchanged ?? false)
        : isSameJson(value, old);
    }
    if (!isRecord(value) || !isRecord(old)) return isSameJson(value, old);
    const keys = Object.keys(value);
    return keys.length === Object.keys(old).length &&
      keys.every((name) => this.key(name)?.isUnchanged ?? false);
  }
}

function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length &&
      a.every((item, index) => isSameJson(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSameJson(a[name], b[name]));
}
