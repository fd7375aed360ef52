import type { ObjectName, View, ViewEvent } from "../client/client.ts";
import { type EndpointSlice, endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import type { KubeObject, Resource } from "../resources/resource.ts";

/**
 * The API as the traffic of one node sees it: pods of its own that served when the node was last heard of are ready, though
 * others pass them over while it is offline. The server says of them `ready: false, serving: true`, and goes on to say so for
 * a moment after the node is back.
 */
export class OwnEndpoints implements View {
  readonly #view: View;
  readonly #nodeName: string;
  readonly #seen = new WeakMap<EndpointSlice, EndpointSlice>();
  readonly #lists = new WeakMap<readonly KubeObject[], readonly KubeObject[]>();

  constructor(view: View, nodeName: string) {
    this.#view = view;
    this.#nodeName = nodeName;
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    const found = this.#view.get(resource, name);
    return found && isSlices(resource) ? this.#shown(found) : found;
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    const found = this.#view.list(resource, namespace);
    return isSlices(resource) ? this.#allShown(found) : found;
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    const found = this.#view.by(resource, index, value);
    return isSlices(resource) ? this.#allShown(found) : found;
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    if (!isSlices(resource)) return this.#view.subscribe(resource, listener);
    return this.#view.subscribe(resource, (event) => {
      listener({ ...event, object: this.#shown(event.object) });
    });
  }

  /** An unchanged list stays the same, as that of any view. */
  #allShown<T extends KubeObject>(found: readonly T[]): readonly T[] {
    const shown = this.#lists.get(found) ?? found.map((object) => this.#shown(object));
    this.#lists.set(found, shown);
    return shown as readonly T[]; // made of this list
  }

  #shown<T extends KubeObject>(object: T): T {
    const slice = object as unknown as EndpointSlice; // the kind is EndpointSlice
    const shown = this.#seen.get(slice) ?? sliceSeenBy(this.#nodeName, slice);
    this.#seen.set(slice, shown);
    return shown as unknown as T;
  }
}

/** A slice with the endpoints of a node as the node itself takes them. The same when nothing differs. Pure. */
export function sliceSeenBy(nodeName: string, slice: EndpointSlice): EndpointSlice {
  let hasChanged = false;
  const endpoints = slice.endpoints.map((endpoint) => {
    const { ready, serving, terminating } = endpoint.conditions;
    if (endpoint.nodeName !== nodeName || ready !== false || !serving || terminating) {
      return endpoint;
    }
    hasChanged = true;
    return { ...endpoint, conditions: { ...endpoint.conditions, ready: true } };
  });
  return hasChanged ? { ...slice, endpoints } : slice;
}

function isSlices({ plural, group }: { plural: string; group: string }): boolean {
  return plural === endpointSlices.plural && group === endpointSlices.group;
}
