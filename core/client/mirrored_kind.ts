import { isEqual } from "../lib/equality.ts";
import { groupResourceOf, type KubeObject, type Resource } from "../resources/resource.ts";
import { type Row, Table } from "../store/table.ts";
import type { ObjectName, ViewEvent } from "./client.ts";
import { ObjectLists } from "./object_lists.ts";

/**
 * The last known objects of one kind, with the indexes that the store has.
 *
 * Whatever arrives, late, twice or after a gap, listeners see a consistent history: each object is ADDED, MODIFIED and
 * DELETED in this order, and one that was created anew under its name was DELETED before.
 */
export class MirroredKind<T extends KubeObject = KubeObject> {
  readonly #name: string;
  readonly #table = new Table<Row>();
  readonly #lists = new ObjectLists<Row>();
  readonly #listeners = new Set<(event: ViewEvent<T>) => void>();

  constructor(resource: Resource<T>) {
    this.#name = groupResourceOf(resource);
    this.#table.declare(resource);
  }

  get({ namespace = "", name }: ObjectName): T | undefined {
    return this.#table.get(namespace, name)?.object as T | undefined; // the table is of this kind
  }

  list(namespace?: string): readonly T[] {
    const rows = namespace === undefined ? this.#table.all() : this.#table.inNamespace(namespace);
    return this.#lists.of(rows) as readonly T[];
  }

  by(index: string, value: string): readonly T[] {
    return this.#lists.of(this.#table.by(index, value)) as readonly T[];
  }

  subscribe(listener: (event: ViewEvent<T>) => void): () => void {
    // A listener that subscribes twice is called twice.
    const own = (event: ViewEvent<T>) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** The object exists, in this version. */
  put(object: T): void {
    const known = this.get(object.metadata);
    const isOther = known !== undefined && known.metadata.uid !== object.metadata.uid;
    if (known && !isOther && isSame(known, object)) return;
    if (isOther) this.remove(known);
    this.#table.put(this.#rowOf(object));
    this.#tell({ type: known === undefined || isOther ? "ADDED" : "MODIFIED", object });
  }

  /** The object no longer exists; `last` is its last state. */
  remove(last: T): void {
    const { namespace = "", name, uid } = last.metadata;
    const row = this.#table.get(namespace, name);
    if (row === undefined || row.object.metadata.uid !== uid) return;
    this.#table.remove(row);
    this.#tell({ type: "DELETED", object: last });
  }

  /** These are all objects: dispatches the differences, removals first. */
  replace(objects: readonly T[]): void {
    const uids = new Set(objects.map(({ metadata }) => metadata.uid));
    for (const known of this.list()) if (!uids.has(known.metadata.uid)) this.remove(known);
    for (const object of objects) this.put(object);
  }

  #rowOf(object: T): Row {
    const { namespace = "", name } = object.metadata;
    return { key: [this.#name, namespace, name], object };
  }

  #tell(event: ViewEvent<T>): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** A restored server may give a version a second time. */
function isSame(known: KubeObject, object: KubeObject): boolean {
  return known.metadata.resourceVersion === object.metadata.resourceVersion &&
    isEqual(known, object);
}
