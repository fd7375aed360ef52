import { assert } from "../lib/assert.ts";
import {
  type AnyResource,
  apiVersionOf,
  groupResourceOf,
  type KubeObject,
  type Resource,
} from "../resources/resource.ts";
import type { ObjectName, View, ViewEvent } from "./client.ts";
import { MirroredKind } from "./mirrored_kind.ts";

/** The objects of some kinds as they were last heard of. However they come, they are read as in any view. */
export class MirroredView implements View {
  readonly #kinds: ReadonlyMap<string, MirroredKind>;
  /** By apiVersion and kind, as objects name them. */
  readonly #byKind: ReadonlyMap<string, MirroredKind>;
  readonly #resources: readonly AnyResource[];

  /** Each kind once. Others cannot be read. */
  constructor(resources: readonly AnyResource[]) {
    this.#resources = resources;
    this.#kinds = new Map(
      resources.map((resource) => [groupResourceOf(resource), new MirroredKind(resource)]),
    );
    assert(this.#kinds.size === resources.length, "a mirror has each kind once");
    this.#byKind = new Map(
      resources.map((
        resource,
      ) => [`${apiVersionOf(resource)} ${resource.kind}`, this.kindOf(resource)]),
    );
  }

  onChange(listener: (resource: AnyResource, event: ViewEvent) => void): () => void {
    const stops = this.#resources.map((resource) =>
      this.kindOf<KubeObject>(resource).subscribe((event) => listener(resource, event))
    );
    return () => stops.forEach((stop) => stop());
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    return this.kindOf(resource).get(name);
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    return this.kindOf(resource).list(namespace);
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    return this.kindOf(resource).by(index, value);
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    return this.kindOf(resource).subscribe(listener);
  }

  protected kindOf<T extends KubeObject>(resource: Resource<T>): MirroredKind<T> {
    const name = groupResourceOf(resource);
    const kind = this.#kinds.get(name);
    assert(kind !== undefined, `${name} are not mirrored`);
    return kind as unknown as MirroredKind<T>; // it was made for this resource
  }

  /** The kind of that name, e.g. `httproutes.gateway.networking.k8s.io`. */
  protected kindNamed(name: string): MirroredKind | undefined {
    return this.#kinds.get(name);
  }

  /** The kind that the object is of; `undefined`: it is not mirrored. */
  protected kindOfObject({ apiVersion, kind }: KubeObject): MirroredKind | undefined {
    return this.#byKind.get(`${apiVersion} ${kind}`);
  }

  /** Shows the objects, of kinds that are mirrored. */
  protected putAll(objects: readonly KubeObject[]): void {
    for (const object of objects) this.kindOfObject(object)?.put(object);
  }
}
