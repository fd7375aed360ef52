import type {
  Client,
  DeleteOptions,
  Draft,
  ObjectName,
  View,
  ViewEvent,
} from "../client/client.ts";
import type { Catalog } from "../resources/catalog.ts";
import { ObjectLists } from "../client/object_lists.ts";
import {
  type AnyResource,
  groupResourceOf,
  type KubeObject,
  type Resource,
} from "../resources/resource.ts";
import type { Entry, Store } from "../store/store.ts";
import { notFound } from "../client/refusals.ts";
import type { Objects } from "./objects.ts";
import { keyOf } from "./placement.ts";
import { subresourceOf } from "./subresources/mod.ts";
import { actOnSubresource } from "./subresource_acts.ts";
import { writeSubresource } from "./subresource_writes.ts";
import type { WriteOptions } from "../client/write_options.ts";

type Kinds = Pick<Catalog, "find">;

/** The API without HTTP, for what runs in the server's process: reads from the store, writes through the verbs. */
export class LocalClient implements Client, View {
  readonly #objects: Objects;
  readonly #store: Store;
  readonly #kinds: Kinds | undefined;
  readonly #options: WriteOptions;
  readonly #updateOptions: WriteOptions;
  readonly #lists = new ObjectLists<Entry>();

  /**
   * `user`: in whose name it writes. `kinds`: what the server knows of the kinds that callers name. `manager`: whom the fields
   * belong to that it changes in objects of others. Those of its own have no managers: they are many, and each would be
   * larger by half; as soon as somebody applies one, it is tracked.
   */
  constructor(
    objects: Objects,
    { user, kinds, manager }: { user?: string; kinds?: Kinds; manager?: string } = {},
  ) {
    this.#objects = objects;
    this.#kinds = kinds;
    this.#store = objects.store;
    this.#options = { fieldValidation: "Ignore", isOwn: true, ...(user !== undefined && { user }) };
    this.#updateOptions = {
      ...this.#options,
      ...(manager !== undefined && { fieldManager: manager }),
    };
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    return this.#store.get(keyOf(resource, name))?.object as T | undefined;
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    return this.#objectsOf(this.#objects.list(resource, namespace));
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    return this.#objectsOf(this.#store.by(groupResourceOf(resource), index, value));
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    return this.#store.subscribe(
      [groupResourceOf(resource)],
      ({ type, entry }) => listener({ type, object: entry.object as T }),
    );
  }

  async create<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>): Promise<T> {
    const kind = this.#kindOf(resource);
    return (await this.#objects.create(kind, draft, this.#options)).object as T;
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const kind = this.#kindOf(resource);
    const written = await this.#objects.update(kind, object.metadata, object, this.#updateOptions);
    return written.object as T;
  }

  async updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const options = {
      ...this.#updateOptions,
      scope: "status",
      subresource: "status",
    } as const;
    const kind = this.#kindOf(resource);
    return (await this.#objects.update(kind, object.metadata, object, options)).object as T;
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#objects.delete(resource, name, options, this.#options);
  }

  async act<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    subresource: string,
    body: object,
  ): Promise<void> {
    const found = subresourceOf(resource, subresource);
    if (!found?.decide && !found?.act) throw notFound(resource, `${name.name}/${subresource}`);
    const target = { resource: this.#kindOf(resource), name, subresource: found };
    if (found.act) {
      await actOnSubresource(this.#objects, target, body, this.#options);
      return;
    }
    await writeSubresource(this.#objects, target, body, this.#updateOptions);
  }

  #kindOf(resource: AnyResource): AnyResource {
    return this.#kinds?.find(groupResourceOf(resource)) ?? resource;
  }

  #objectsOf<T extends KubeObject>(entries: readonly Entry[]): readonly T[] {
    return this.#lists.of(entries) as readonly T[]; // the entries of a kind are of its type
  }
}
