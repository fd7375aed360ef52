import type { Client, ObjectName, View, ViewEvent } from "../core/client/client.ts";
import type { LocalClient } from "../core/objects/local_client.ts";
import {
  type AnyResource,
  groupResourceOf,
  type KubeObject,
  type Resource,
} from "../core/resources/resource.ts";

type Listener = (event: ViewEvent) => void;

/** The API over a connection that can be cut: then the view shows what it showed, and no write arrives. */
export class CutOff implements View {
  readonly #api: LocalClient;
  readonly #listeners = new Map<AnyResource, Set<Listener>>();
  /** What is shown while the connection is cut, by kinds. */
  #kept: Map<AnyResource, readonly KubeObject[]> | undefined;
  readonly #kinds: readonly AnyResource[];

  constructor(api: LocalClient, kinds: readonly AnyResource[]) {
    this.#api = api;
    this.#kinds = kinds;
    for (const kind of kinds) {
      api.subscribe(
        kind as Resource,
        (event) => this.#kept ?? this.#tell(kind, event as ViewEvent),
      );
    }
  }

  get isCut(): boolean {
    return this.#kept !== undefined;
  }

  cut(): void {
    this.#kept = new Map(
      this.#kinds.map((kind) => [kind, this.#api.list(kind as Resource) as KubeObject[]]),
    );
  }

  /** What a mirror shows after a cut: each object once, as it is now. A new object of an old name is another one. */
  heal(): void {
    const kept = this.#kept!;
    this.#kept = undefined;
    for (const [kind, objects] of kept) {
      const now = new Map(
        (this.#api.list(kind as Resource) as KubeObject[]).map((each) => [each.metadata.uid, each]),
      );
      const before = new Map(objects.map((each) => [each.metadata.uid, each]));
      for (const [uid, object] of before) {
        if (!now.has(uid)) this.#tell(kind, { type: "DELETED", object });
      }
      for (const [uid, object] of now) {
        const known = before.get(uid);
        if (known === undefined) this.#tell(kind, { type: "ADDED", object });
        else if (known.metadata.resourceVersion !== object.metadata.resourceVersion) {
          this.#tell(kind, { type: "MODIFIED", object });
        }
      }
    }
  }

  /** Shows what was kept at an earlier time, as an agent that starts from an old checkpoint does. */
  showKept(objects: ReadonlyMap<AnyResource, readonly KubeObject[]>): void {
    this.#kept = new Map([...this.#kept!, ...objects]);
  }

  kept(kind: AnyResource): readonly KubeObject[] {
    return this.#kept?.get(kind) ?? [];
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    if (this.#keptOf(resource) === undefined) return this.#api.get(resource, name);
    return this.list(resource, name.namespace).find(({ metadata }) => metadata.name === name.name);
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    const kept = this.#keptOf(resource);
    if (kept === undefined) return this.#api.list(resource, namespace);
    return kept.filter(({ metadata }) =>
      namespace === undefined || metadata.namespace === namespace
    ) as T[];
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    if (this.#keptOf(resource) === undefined) return this.#api.by(resource, index, value);
    return this.list(resource).filter((object) => resource.indexes[index]!(object).includes(value));
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    const kind = this.#kinds.find((each) => groupResourceOf(each) === groupResourceOf(resource));
    if (kind === undefined) return this.#api.subscribe(resource, listener);
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(listener as Listener));
    return () => void listeners.delete(listener as Listener);
  }

  /** Writes as the agent makes them. */
  get client(): Client {
    return new Proxy(this.#api as Client, {
      get: (api, name) => {
        const value = Reflect.get(api, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) =>
          this.#kept ? Promise.reject(new Error("No route to the server")) : value.apply(api, args);
      },
    });
  }

  #keptOf(resource: AnyResource | Resource<never>): readonly KubeObject[] | undefined {
    const wanted = groupResourceOf(resource as AnyResource);
    for (const [kind, objects] of this.#kept ?? []) {
      if (groupResourceOf(kind) === wanted) return objects;
    }
    return undefined;
  }

  #tell(kind: AnyResource, event: ViewEvent): void {
    this.#listeners.get(kind)?.forEach((listener) => listener(event));
  }
}
