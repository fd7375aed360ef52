import { isEqual } from "../lib/equality.ts";
import type { MutableCatalog } from "../resources/catalog.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../resources/resource.ts";
import type { Store } from "./store.ts";

/**
 * Keeps the kinds that objects of the store define (CustomResourceDefinitions) in the catalogue: those that are there
 * already, and each as it comes, changes or goes, in the turn in which the write becomes visible. A kind that is built
 * in stays as it is, whatever an object says. Returns the stop.
 */
export function followDefinitions(store: Store, catalog: MutableCatalog): () => void {
  const stops = catalog.all.filter(({ defines }) => defines).map((resource) => {
    const followed = new DefinedKinds(resource, catalog);
    const prefix = [groupResourceOf(resource)] as const;
    for (const { object } of store.list(prefix)) followed.see(object);
    return store.subscribe(prefix, ({ type, entry: { object } }) => {
      if (type === "DELETED") followed.forget(object);
      else followed.see(object);
    });
  });
  return () => stops.forEach((stop) => stop());
}

/** The kinds that the objects of one kind define. */
class DefinedKinds {
  readonly #definitions: AnyResource;
  readonly #catalog: MutableCatalog;
  readonly #byName = new Map<string, AnyResource>();

  constructor(definitions: AnyResource, catalog: MutableCatalog) {
    this.#definitions = definitions;
    this.#catalog = catalog;
  }

  /** A kind that stays as it was is not put again: its watches would end. */
  see(object: KubeObject): void {
    const { name } = object.metadata;
    const before = this.#byName.get(name);
    const kind = this.#definitions.defines!(object);
    if (!kind) return this.forget(object);
    if (before && isEqual(before.definedBy!.content, kind.definedBy!.content)) return;
    const there = this.#catalog.find(groupResourceOf(kind));
    if (there && there !== before) return;
    this.#byName.set(name, kind);
    this.#catalog.put(kind);
  }

  forget({ metadata: { name } }: KubeObject): void {
    const kind = this.#byName.get(name);
    if (!kind) return;
    this.#byName.delete(name);
    this.#catalog.remove(groupResourceOf(kind));
  }
}
