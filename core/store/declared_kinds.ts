import { type Catalog, forEachKind } from "../resources/catalog.ts";
import type { Store } from "./store.ts";

/**
 * Declares every kind of the catalogue, and each that is added. Returns the stop. Objects of a removed kind stay where they
 * are, and are found again when the kind comes back.
 */
export function declareKinds(store: Store, catalog: Catalog): () => void {
  return forEachKind(catalog, (resource) => {
    store.declare(resource);
    return () => {};
  });
}
