import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { SortedEntries } from "./sorted_entries.ts";
import type { Entry, Key } from "./store.ts";

type Indexes = Readonly<Record<string, (object: KubeObject) => readonly string[]>>;

/** What every kind is found by. A resource adds its own. */
const COMMON_INDEXES: Indexes = {
  owner: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  label: ({ metadata }) =>
    Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`),
};
const NONE: readonly never[] = Object.freeze([]);

/** What a table needs to know of what it keeps. */
export interface Row {
  readonly key: Key;
  readonly object: KubeObject;
}

/** The entries of one resource, with its indexes kept at each change. */
export class Table<R extends Row = Entry> {
  #byName = new Map<string, R>();
  #all = new SortedEntries<R>();
  #byNamespace = new Map<string, SortedEntries<R>>();
  #indexes: Indexes = COMMON_INDEXES;
  #buckets = new Map<string, SortedEntries<R>>();

  /** Sets the resource's own indexes, and fills them from what is there. */
  declare(resource: AnyResource): void {
    this.#indexes = { ...COMMON_INDEXES, ...resource.indexes };
    this.#buckets.clear();
    for (const entry of this.#byName.values()) this.#putInBuckets(entry);
  }

  get(namespace: string, name: string): R | undefined {
    return this.#byName.get(`${namespace}/${name}`);
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

  put(entry: R): void {
    const [, namespace, name] = entry.key;
    const previous = this.get(namespace, name);
    this.#byName.set(`${namespace}/${name}`, entry);
    this.#all.put(entry);
    putIn(this.#byNamespace, namespace, entry);
    if (previous) this.#takeFromBuckets(previous);
    this.#putInBuckets(entry);
  }

  remove(entry: R): void {
    const [, namespace, name] = entry.key;
    this.#byName.delete(`${namespace}/${name}`);
    this.#all.remove(entry);
    takeFrom(this.#byNamespace, namespace, entry);
    this.#takeFromBuckets(entry);
  }

  #putInBuckets(entry: R): void {
    for (const bucket of this.#bucketsOf(entry)) putIn(this.#buckets, bucket, entry);
  }

  #takeFromBuckets(entry: R): void {
    for (const bucket of this.#bucketsOf(entry)) takeFrom(this.#buckets, bucket, entry);
  }

  #bucketsOf({ object }: R): string[] {
    return Object.entries(this.#indexes).flatMap(([index, valuesOf]) =>
      valuesOf(object).map((value) => `${index}/${value}`)
    );
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
