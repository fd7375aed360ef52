import { type AnyResource, groupResourceOf } from "./resource.ts";

/**
 * The kinds that there are. Kinds come and go while a server runs (CustomResourceDefinitions); whatever is made from all
 * of them is made anew when they have changed, see {@linkcode builtFrom} and {@linkcode forEachKind}.
 */
export interface Catalog {
  /** In the order in which they came. The same array until one comes, changes or goes. */
  readonly all: readonly AnyResource[];
  /** By group and plural, as {@linkcode groupResourceOf} gives them. */
  find(groupResource: string): AnyResource | undefined;
  /** Has `onChange` called after each change, in the same turn. Returns the stop. */
  subscribe(onChange: () => void): () => void;
}

/** A catalogue that kinds are added to and taken from. */
export class MutableCatalog implements Catalog {
  #byName: ReadonlyMap<string, AnyResource>;
  #all: readonly AnyResource[];
  readonly #listeners = new Set<() => void>();

  constructor(resources: readonly AnyResource[]) {
    this.#byName = new Map(resources.map((resource) => [groupResourceOf(resource), resource]));
    this.#all = [...this.#byName.values()];
  }

  get all(): readonly AnyResource[] {
    return this.#all;
  }

  find(groupResource: string): AnyResource | undefined {
    return this.#byName.get(groupResource);
  }

  /** Takes the place of the kind of the same group and plural, if there is one. */
  put(resource: AnyResource): void {
    if (this.find(groupResourceOf(resource)) === resource) return;
    this.#become(new Map(this.#byName).set(groupResourceOf(resource), resource));
  }

  /**
   * The kind is served no longer. Its objects stay in the store, where nobody sees them until it comes back: whoever
   * wants them gone deletes them first, as Kubernetes does before a CustomResourceDefinition goes.
   */
  remove(groupResource: string): void {
    const left = new Map(this.#byName);
    if (left.delete(groupResource)) this.#become(left);
  }

  subscribe(onChange: () => void): () => void {
    const listener = () => onChange();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #become(byName: ReadonlyMap<string, AnyResource>): void {
    this.#byName = byName;
    this.#all = [...byName.values()];
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Gives what is built from all kinds: the same until they change, then, at its next use, a new one. */
export function builtFrom<K, T>(
  source: { readonly all: readonly K[] },
  build: (all: readonly K[]) => T,
): () => T {
  let from: readonly K[] | undefined;
  let built: T;
  return () => {
    const { all } = source;
    if (from !== all) {
      built = build(all);
      from = all;
    }
    return built;
  };
}

/**
 * Has `begin` called for each kind that is there and for each that comes, and what `begin` returned when the kind goes; both
 * for one that another takes the place of. `begin` must not change the catalogue. Returns the stop, which ends all.
 */
export function forEachKind(
  catalog: Catalog,
  begin: (resource: AnyResource) => () => void,
): () => void {
  const ends = new Map<AnyResource, () => void>();
  const follow = () => {
    const kinds = new Set(catalog.all);
    for (const [resource, end] of [...ends]) {
      if (kinds.has(resource)) continue;
      ends.delete(resource);
      end();
    }
    for (const resource of kinds) {
      if (!ends.has(resource)) ends.set(resource, begin(resource));
    }
  };
  const unsubscribe = catalog.subscribe(follow);
  follow();
  return () => {
    unsubscribe();
    for (const end of ends.values()) end();
    ends.clear();
  };
}
