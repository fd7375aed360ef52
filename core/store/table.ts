import type { ObjectMeta } from "../schema/metadata.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { SortedEntries } from "./sorted_entries.ts";
import type { Entry, Key } from "./store.ts";

type Indexes<T> = Readonly<Record<string, (from: T) => readonly string[]>>;

/** Indexes of every kind. A resource adds its own. */
const COMMON_INDEXES: Indexes<ObjectMeta> = {
  owner: ({ ownerReferences = [] }) => ownerReferences.map(({ uid }) => uid),
  label: ({ labels = {} }) => Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  lifecycle: ({ ownerReferences = [], deletionTimestamp }) => [
    ...ownerReferences.length > 0 ? ["owned"] : [],
    ...deletionTimestamp === undefined ? [] : ["terminating"],
  ],
};
const NONE: readonly never[] = Object.freeze([]);

/** What a table needs to know of its rows. */
export interface Row {
  readonly key: Key;
  readonly object: KubeObject;
}

/** The entries of one resource, with indexes that are updated at each change. */
export class Table<R extends Row = Entry> {
  readonly #byNamespaceAndName = new Map<string, Map<string, R>>();
  readonly #all = new SortedEntries<R>();
  readonly #byNamespace = new Map<string, SortedEntries<R>>();
  /** By index and value. */
  readonly #buckets = new Map<string, SortedEntries<R>>();
  #ownIndexes: Indexes<KubeObject> = {};

  /** Sets the resource's own indexes, and fills them from its entries. */
  declare({ indexes }: AnyResource): void {
    if (this.#ownIndexes === indexes) return;
    this.#ownIndexes = indexes;
    this.#buckets.clear();
    for (const entry of this.#all.snapshot()) this.#putInBuckets(entry, entry.object.metadata);
  }

  get(namespace: string, name: string): R | undefined {
    return this.#byNamespaceAndName.get(namespace)?.get(name);
  }

  all(): readonly R[] {
    return this.#all.snapshot();
  }

  inNamespace(namespace: string): readonly R[] {
    return this.#byNamespace.get(namespace)?.snapshot() ?? NONE;
  }

  by(index: string, value: string): readonly R[] {
    return this.#buckets.get(`${index}/${value}`)?.snapshot() ?? NONE;
  }

  /** Fast in the order of keys. `metadata`: of the entry's object, which then need not be parsed. */
  put(entry: R, metadata: ObjectMeta = entry.object.metadata): void {
    const [, namespace, name] = entry.key;
    let named = this.#byNamespaceAndName.get(namespace);
    if (!named) this.#byNamespaceAndName.set(namespace, named = new Map());
    const previous = named.get(name);
    named.set(name, entry);
    this.#all.put(entry);
    putIn(this.#byNamespace, namespace, entry);
    this.#moveBetweenBuckets(previous, entry, metadata);
  }

  remove(entry: R): void {
    const [, namespace, name] = entry.key;
    const named = this.#byNamespaceAndName.get(namespace);
    named?.delete(name);
    if (named?.size === 0) this.#byNamespaceAndName.delete(namespace);
    this.#all.remove(entry);
    takeFrom(this.#byNamespace, namespace, entry);
    this.#takeFromBuckets(entry);
  }

  /** In a bucket that it stays in, the entry replaces the previous one in place. */
  #moveBetweenBuckets(previous: R | undefined, entry: R, metadata: ObjectMeta): void {
    const buckets = this.#bucketsOf(entry, metadata);
    const before = previous ? this.#bucketsOf(previous, previous.object.metadata) : [];
    for (const bucket of before) {
      if (!buckets.includes(bucket)) takeFrom(this.#buckets, bucket, previous!);
    }
    for (const bucket of buckets) putIn(this.#buckets, bucket, entry);
  }

  #putInBuckets(entry: R, metadata: ObjectMeta): void {
    for (const bucket of this.#bucketsOf(entry, metadata)) putIn(this.#buckets, bucket, entry);
  }

  #takeFromBuckets(entry: R): void {
    for (const bucket of this.#bucketsOf(entry, entry.object.metadata)) {
      takeFrom(this.#buckets, bucket, entry);
    }
  }

  #bucketsOf(entry: R, metadata: ObjectMeta): string[] {
    const buckets: string[] = [];
    for (const index in COMMON_INDEXES) {
      for (const value of COMMON_INDEXES[index]!(metadata)) buckets.push(`${index}/${value}`);
    }
    for (const index in this.#ownIndexes) {
      for (const value of this.#ownIndexes[index]!(entry.object)) buckets.push(`${index}/${value}`);
    }
    return buckets;
  }
}

function putIn<R extends Row>(
  groups: Map<string, SortedEntries<R>>,
  group: string,
  entry: R,
): void {
  let entries = groups.get(group);
  if (!entries) groups.set(group, entries = new SortedEntries<R>());
  entries.put(entry);
}

function takeFrom<R extends Row>(
  groups: Map<string, SortedEntries<R>>,
  group: string,
  entry: R,
): void {
  const entries = groups.get(group);
  entries?.remove(entry);
  if (entries?.size === 0) groups.delete(group);
}
