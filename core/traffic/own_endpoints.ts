import type { ObjectName, View, ViewEvent } from "../client/client.ts";
import { isConditionTrue } from "../resources/conditions.ts";
import type { PodStatus } from "../resources/core/pods/pod_status.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { services } from "../resources/core/services/services.ts";
import { type EndpointSlice, endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import type { KubeObject, Resource } from "../resources/resource.ts";

type Endpoint = EndpointSlice["endpoints"][number];

const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslice-controller.k8s.io";
const SERVICE_NAME = "kubernetes.io/service-name";

/** Statuses of the node's own pods that the server does not know yet. */
export interface UnreportedStatuses {
  get(podUid: string): Pick<PodStatus, "conditions"> | undefined;
  /** Calls `listener` when that of a pod has changed. Returns the stop. */
  onChange(listener: (podUid: string) => void): () => void;
}

/**
 * The API as the traffic of one node sees it: of its own pods it knows better than the server which are ready. One that fails
 * its probe while nobody can be told is passed over at once, and one that has come back is taken again. Pods that served when
 * the node was last heard of are ready, though others pass them over while it is offline: the server says of them
 * `ready: false, serving: true`, and goes on to say so for a moment after the node is back.
 */
export class OwnEndpoints implements View {
  readonly #view: View;
  readonly #nodeName: string;
  readonly #unreported: UnreportedStatuses | undefined;
  /** Statuses that have been reported, or will be, of pods that the view has not shown since. By their uids. */
  readonly #reported = new Map<string, Pick<PodStatus, "conditions">>();
  readonly #seen = new WeakMap<EndpointSlice, { known: string; slice: EndpointSlice }>();
  readonly #lists = new WeakMap<readonly KubeObject[], readonly KubeObject[]>();

  constructor(view: View, nodeName: string, unreported?: UnreportedStatuses) {
    this.#view = view;
    this.#nodeName = nodeName;
    this.#unreported = unreported;
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
    const tell = (event: ViewEvent<T>) => listener({ ...event, object: this.#shown(event.object) });
    const stops = [
      this.#view.subscribe(resource, tell),
      this.#followPods((namespace, uid) => {
        for (const object of this.#view.list(resource, namespace)) {
          const { endpoints } = object as unknown as EndpointSlice; // the kind is EndpointSlice
          const isIn = endpoints.some(({ targetRef }) => targetRef?.uid === uid);
          if (isIn) tell({ type: "MODIFIED", object });
        }
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }

  /** Calls `listener` when one of the node's own pods has become ready, or is so no longer. Returns the stop. */
  #followPods(listener: (namespace: string, uid: string) => void): () => void {
    const known = new Map(this.#own().map((pod) => [pod.metadata.uid, this.#isReady(pod)]));
    const look = (pod: Pod) => {
      const { namespace, uid } = pod.metadata;
      const isReady = this.#isReady(pod);
      if (known.get(uid) === isReady) return;
      known.set(uid, isReady);
      listener(namespace!, uid);
    };
    const stops = [
      this.#view.subscribe(pods, ({ type, object }) => {
        if (object.spec.nodeName !== this.#nodeName) return;
        const { uid } = object.metadata;
        if (type === "DELETED" || !this.#unreported?.get(uid)) this.#reported.delete(uid);
        if (type === "DELETED") known.delete(uid);
        else look(object);
      }),
      this.#unreported?.onChange((podUid) => {
        this.#note(podUid);
        const pod = this.#own().find(({ metadata }) => metadata.uid === podUid);
        if (pod) look(pod);
      }),
    ];
    return () => stops.forEach((stop) => stop?.());
  }

  /** What was reported counts until the view shows the pod anew: it may be late. */
  #note(podUid: string): void {
    const status = this.#unreported?.get(podUid);
    if (status) this.#reported.set(podUid, status);
  }

  #own(): readonly Pod[] {
    return this.#view.by(pods, "node", this.#nodeName);
  }

  #isReady({ metadata: { uid }, status }: Pod): boolean {
    const newest = this.#unreported?.get(uid) ?? this.#reported.get(uid) ?? status;
    return isConditionTrue(newest.conditions, "Ready");
  }

  /** An unchanged list stays the same, as that of any view. */
  #allShown<T extends KubeObject>(found: readonly T[]): readonly T[] {
    const shown = found.map((object) => this.#shown(object));
    const before = this.#lists.get(found);
    if (before?.every((object, i) => object === shown[i])) return before as readonly T[]; // of this list
    this.#lists.set(found, shown);
    return shown;
  }

  #shown<T extends KubeObject>(object: T): T {
    const slice = object as unknown as EndpointSlice; // the kind is EndpointSlice
    const own = slice.endpoints.filter(({ nodeName }) => nodeName === this.#nodeName);
    if (own.length === 0) return object;
    const readiness = own.map((endpoint) => this.#readinessOf(slice, endpoint));
    const known = readiness.map((isReady) => `${isReady}`).join();
    const before = this.#seen.get(slice);
    if (before?.known === known) return before.slice as unknown as T;
    const byEndpoint = new Map(own.map((endpoint, i) => [endpoint, readiness[i]]));
    const seen = sliceSeenBy(this.#nodeName, slice, (endpoint) => byEndpoint.get(endpoint));
    this.#seen.set(slice, { known, slice: seen });
    return seen as unknown as T;
  }

  /** Whether the pod behind an own endpoint is ready; `undefined`: only the slice can say. */
  #readinessOf({ metadata }: EndpointSlice, { targetRef }: Endpoint): boolean | undefined {
    if (metadata.labels?.[MANAGED_BY] !== MANAGER || targetRef?.kind !== "Pod") return undefined;
    const { namespace = metadata.namespace!, name = "", uid } = targetRef;
    const pod = this.#view.get(pods, { namespace, name });
    if (pod === undefined || pod.metadata.uid !== uid) return undefined;
    const service = { namespace, name: metadata.labels[SERVICE_NAME] ?? "" };
    return this.#isReady(pod) ||
      this.#view.get(services, service)?.spec.publishNotReadyAddresses === true;
  }
}

/**
 * A slice with the endpoints of a node as the node itself takes them: as `readinessOf` says, and by the slice where that does
 * not know. The same when nothing differs. Pure.
 */
export function sliceSeenBy(
  nodeName: string,
  slice: EndpointSlice,
  readinessOf: (endpoint: Endpoint) => boolean | undefined = () => undefined,
): EndpointSlice {
  let hasChanged = false;
  const endpoints = slice.endpoints.map((endpoint) => {
    const { ready, serving, terminating } = endpoint.conditions;
    if (endpoint.nodeName !== nodeName || terminating) return endpoint;
    const isReady = readinessOf(endpoint) ?? (ready !== false || serving === true);
    if (isReady === (ready !== false)) return endpoint;
    hasChanged = true;
    return {
      ...endpoint,
      conditions: { ...endpoint.conditions, ready: isReady, serving: isReady },
    };
  });
  return hasChanged ? { ...slice, endpoints } : slice;
}

function isSlices({ plural, group }: { plural: string; group: string }): boolean {
  return plural === endpointSlices.plural && group === endpointSlices.group;
}
