import { type ApiService, apiServices } from "../../resources/apiregistration/api_services.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import type { Store } from "../../store/store.ts";

/** Groups and versions that Services serve: the APIServices with a service. */
export class Claims {
  readonly #store: Store;
  #claims: ReadonlyMap<string, ApiService> | undefined;

  constructor(store: Store) {
    this.#store = store;
    store.subscribe([KIND], () => this.#claims = undefined);
  }

  /** `undefined`: no Service serves it. */
  find(group: string, version: string): ApiService | undefined {
    return this.#all().get(`${version}.${group}`);
  }

  /** By name. Empty in most clusters. */
  get all(): readonly ApiService[] {
    return [...this.#all().values()];
  }

  #all(): ReadonlyMap<string, ApiService> {
    return this.#claims ??= new Map(
      this.#store.list([KIND]).map(({ object }) => object as ApiService)
        .filter(({ spec }) => spec.service !== undefined)
        .map((claim) => [claim.metadata.name, claim]),
    );
  }
}

const KIND = groupResourceOf(apiServices);
