import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { SortedEntries } from "./sorted_entries.ts";
import type { Entry } from "./store.ts";

type Indexes = Readonly<Record<string, (object: KubeObject) => readonly string[]>>;

/** What every kind is found by. A resource adds its own. */
const COMMON_INDEXES: Indexes = {
  owner: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  label: ({ metadata }) =>
    Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`),
};
const NONE: readonly Entry[] = Object.freeze([]);

/** The entries of one resource, with its indexes kept at each change. */
export class Table {
  #byName = new Map<string, Entry>();
  #all = new SortedEntries();
  #byNamespace = new Map<string, SortedEntries>();
  #indexes: Indexes = COMMON_INDEXES;
  #buckets = new Map<string, SortedEntries>();

  /** Sets the resource's own indexes, and fills them from what is there. */
  declare(resource: AnyResource): void {
    this.#indexes = { ...COMMON_INDEXES, ...resource.indexes };
    this.#buckets.clear();
    for (const entry of this.#byName.values()) this.#putInBuckets(entry);
  }

  get(namespace: string, name: string): Entry | undefined {
    return this.#byName.get(`${namespace}/${name}`);
  }

  all(): readonly Entry[] {
    return this.#all.snapshot();
  }

  inNamespace(namespace: string): readonly Entry[] {
    return this.#byNamespace.get(namespace)?.snapshot() ?? NONE;
  }

  by(index: string, value: string): readonly Entry[] {
    return this.#buckets.get(`${index}/${value}`)?.snapshot() ?? NONE;
  }

  put(entry: Entry): void {
    const [, namespace, name] = entry.key;
    const previous = this.get(namespace, name);
    this.#byName.set(`${namespace}/${name}`, entry);
    this.#all.put(entry);
    putIn(this.#byNamespace, namespace, entry);
    if (previous) this.#takeFromBuckets(previous);
    this.#putInBuckets(entry);
  }

  remove(entry: Entry): void {
    const [, namespace, name] = entry.key;
    this.#byName.delete(`${namespace}/${name}`);
    this.#all.remove(entry);
    takeFrom(this.#byNamespace, namespace, entry);
    this.#takeFromBuckets(entry);
  }

  #putInBuckets(entry: Entry): void {
    for (const bucket of this.#bucketsOf(entry)) putIn(this.#buckets, bucket, entry);
  }

  #takeFromBuckets(entry: Entry): void {
    for (const bucket of this.#bucketsOf(entry)) takeFrom(this.#buckets, bucket, entry);
  }

  #bucketsOf({ object }: Entry): string[] {
    return Object.entries(this.#indexes).flatMap(([index, valuesOf]) =>
      valuesOf(object).map((value) => `${index}/${value}`)
    );
  }
}

function putIn(groups: Map<string, SortedEntries>, group: string, entry: Entry): void {
  let entries = groups.get(group);
  if (!entries) groups.set(group, entries = new SortedEntries());
  entries.put(entry);
}

function takeFrom(groups: Map<string, SortedEntries>, group: string, entry: Entry): void {
  const entries = groups.get(group);
  entries?.remove(entry);
  if (entries?.size === 0) groups.delete(group);
}
