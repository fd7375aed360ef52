import type { KubeObject } from "../resources/resource.ts";

/**
 * The objects of lists of rows. An unchanged list is the same array for as long as anybody holds it, so that callers can
 * compare by identity.
 */
export class ObjectLists<R extends { readonly object: KubeObject }> {
  readonly #lists = new WeakMap<readonly R[], WeakRef<readonly KubeObject[]>>();

  of(rows: readonly R[]): readonly KubeObject[] {
    const known = this.#lists.get(rows)?.deref();
    if (known) return known;
    const objects = Object.freeze(rows.map(({ object }) => object));
    this.#lists.set(rows, new WeakRef(objects));
    return objects;
  }
}
