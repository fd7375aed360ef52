import { type Catalog, forEachKind } from "../resources/catalog.ts";
import type { Store } from "./store.ts";

/**
 * Declares every kind that there is, and each that comes. Returns the stop. What a kind that goes has left stays where it
 * is, and is found again when the kind comes back.
 */
export function declareKinds(store: Store, catalog: Catalog): () => void {
  return forEachKind(catalog, (resource) => {
    store.declare(resource);
    return () => {};
  });
}
