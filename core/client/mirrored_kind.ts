import { groupResourceOf, type KubeObject, type Resource } from "../resources/resource.ts";
import { type Row, Table } from "../store/table.ts";
import type { ObjectName, ViewEvent } from "./client.ts";
import { ObjectLists } from "./object_lists.ts";

/**
 * The objects of one kind as they were last heard of, with the indexes that the store has.
 *
 * Whatever is heard, late, twice or after a gap, listeners are told of a history that can be true: each object is
 * ADDED, MODIFIED and DELETED in this order, and one that was made anew under its name was DELETED before.
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
    // A listener that comes twice is told twice.
    const own = (event: ViewEvent<T>) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** The object is there, in this version. */
  put(object: T): void {
    const known = this.get(object.metadata);
    const isOther = known !== undefined && known.metadata.uid !== object.metadata.uid;
    if (known?.metadata.resourceVersion === object.metadata.resourceVersion && !isOther) return;
    if (isOther) this.remove(known);
    this.#table.put(this.#rowOf(object));
    this.#tell({ type: known === undefined || isOther ? "ADDED" : "MODIFIED", object });
  }

  /** The object is not there any more; `last` is how it was. */
  remove(last: T): void {
    const { namespace = "", name, uid } = last.metadata;
    const row = this.#table.get(namespace, name);
    if (row === undefined || row.object.metadata.uid !== uid) return;
    this.#table.remove(row);
    this.#tell({ type: "DELETED", object: last });
  }

  /** These are all there are: tells the difference, first what is gone. */
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
