import type { KubeObject } from "../resources/resource.ts";

/** The objects of lists of rows. A list that has not changed is the same array, so that callers can compare. */
export class ObjectLists<R extends { readonly object: KubeObject }> {
  readonly #lists = new WeakMap<readonly R[], readonly KubeObject[]>();

  of(rows: readonly R[]): readonly KubeObject[] {
    let objects = this.#lists.get(rows);
    if (!objects) {
      this.#lists.set(rows, objects = Object.freeze(rows.map(({ object }) => object)));
    }
    return objects;
  }
}
