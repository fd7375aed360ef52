import type { Key } from "./store.ts";

/** Values by key. Stores only the parts of a key, whose strings may be shared with other keys. */
export class KeyMap<V> {
  /** By resource, namespace and name. */
  readonly #values = new Map<string, Map<string, Map<string, V>>>();

  get([resource, namespace, name]: Key): V | undefined {
    return this.#values.get(resource)?.get(namespace)?.get(name);
  }

  has([resource, namespace, name]: Key): boolean {
    return this.#values.get(resource)?.get(namespace)?.has(name) ?? false;
  }

  set([resource, namespace, name]: Key, value: V): void {
    let namespaces = this.#values.get(resource);
    if (!namespaces) this.#values.set(resource, namespaces = new Map());
    let names = namespaces.get(namespace);
    if (!names) namespaces.set(namespace, names = new Map());
    names.set(name, value);
  }

  /** Idempotent. */
  delete([resource, namespace, name]: Key): void {
    const namespaces = this.#values.get(resource);
    const names = namespaces?.get(namespace);
    names?.delete(name);
    if (names?.size === 0) namespaces!.delete(namespace);
    if (namespaces?.size === 0) this.#values.delete(resource);
  }
}
