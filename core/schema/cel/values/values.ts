/**
 * A value of CEL. `bigint` is int, `number` double. Functions answer errors as values, too, so that `||` can pass over
 * them: {@linkcode Failure}.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Duration
  | Timestamp
  | ListValue
  | MapValue
  | OptionalValue
  | TypeValue
  | OpaqueValue
  | Failure;

/** An error of evaluation; its message is cel-go's. */
export class Failure {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

export class Duration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class Timestamp {
  /** Since 1970. */
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** How lists are compared and joined: as Kubernetes' list types. */
export type ListSemantics =
  | { readonly type: "atomic" }
  | { readonly type: "set" }
  | { readonly type: "map"; readonly keys: readonly string[] };

export abstract class ListValue {
  abstract readonly size: number;
  /** The element at an index below `size`. */
  abstract at(index: number): Value;
  readonly semantics: ListSemantics = { type: "atomic" };
}

export abstract class MapValue {
  abstract readonly size: number;
  abstract get(key: Value): Value | undefined;
  abstract keys(): Iterable<Value>;
}

export class OptionalValue {
  readonly value: Value | undefined;

  constructor(value?: Value) {
    this.value = value;
  }
}

/** A type as a value: what `type(x)` answers, and names such as `int`. */
export class TypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A value of one of Kubernetes' own types, such as an IP address. */
export abstract class OpaqueValue {
  /** The type's name, such as `net.IP`. */
  abstract readonly typeName: string;
  abstract equals(other: OpaqueValue): boolean;
  /** What it counts as where costs depend on sizes. */
  get costSize(): number {
    return 1;
  }
}

export class ArrayList extends ListValue {
  readonly items: Value[];

  constructor(items: Value[]) {
    super();
    this.items = items;
  }

  get size(): number {
    return this.items.length;
  }

  at(index: number): Value {
    return this.items[index]!;
  }
}

/** Two lists, one after the other, without a copy: lists that are doubled again and again cost nothing. */
export class JoinedList extends ListValue {
  readonly #left: ListValue;
  readonly #right: ListValue;
  readonly size: number;
  /** How deep lists are joined; see {@linkcode joined}. */
  readonly depth: number;

  constructor(left: ListValue, right: ListValue) {
    super();
    this.#left = left;
    this.#right = right;
    this.size = left.size + right.size;
    this.depth = 1 + Math.max(depthOf(left), depthOf(right));
  }

  at(index: number): Value {
    const { size } = this.#left;
    return index < size ? this.#left.at(index) : this.#right.at(index - size);
  }
}

function depthOf(list: ListValue): number {
  return list instanceof JoinedList ? list.depth : 0;
}

export class EntryMap extends MapValue {
  readonly #entries = new Map<unknown, [key: Value, value: Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    super();
    for (const [key, value] of entries) this.#entries.set(identityOf(key), [key, value]);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(identityOf(key))?.[1];
  }

  /** Sets an entry while the map is being made; answers false when the key is there. */
  insert(key: Value, value: Value): boolean {
    const identity = identityOf(key);
    if (this.#entries.has(identity)) return false;
    this.#entries.set(identity, [key, value]);
    return true;
  }

  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** What keys are told apart by: numbers of all types by their amount. */
function identityOf(key: Value): unknown {
  if (key instanceof Uint) return key.value;
  return typeof key === "number" && Number.isSafeInteger(key) ? BigInt(key) : key;
}

/** The name of a value's type at run time. */
export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
  }
  if (value === null) return "null_type";
  if (value instanceof ListValue) return "list";
  if (value instanceof MapValue) return "map";
  if (value instanceof Uint) return "uint";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof OptionalValue) return "optional_type";
  if (value instanceof TypeValue) return "type";
  return value instanceof OpaqueValue ? value.typeName : "error";
}
