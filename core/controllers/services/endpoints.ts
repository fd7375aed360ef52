import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { conditionOf } from "../../resources/conditions.ts";
import {
  type EndpointAddress,
  type Endpoints,
  endpoints,
  type EndpointSubset,
} from "../../resources/core/endpoints.ts";
import { isReady } from "../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { HEADLESS, type Service, services } from "../../resources/core/services/services.ts";
import {
  type ControllerWithMemory,
  create,
  keyOf,
  NOTHING,
  type Past,
  type PlanWithMemory,
  remove,
  update,
} from "../runtime/controller.ts";
import {
  addressOf,
  familiesOf,
  hostnameOf,
  isHeadless,
  isReachable,
  offlineNodesOfServices,
  podsOf,
  podsOfServices,
  portsOf,
  selectsPods,
} from "./selected_pods.ts";
import { type PortAddress, subsetsOf } from "./subsets.ts";

/** Kubernetes: `maxCapacity`. */
export const ADDRESSES_MAX = 1_000;
const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const MANAGER = "endpoint-controller";
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";
const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

/** More addresses than these are written once a second at most: each write holds all of them. */
const SMALL_ADDRESSES_MAX = 100;
const LARGE_PAUSE_MS = 1_000;

/** What is known of a Service that was looked at. */
interface Seen {
  /** When pods last became ready or not ready, by their names. */
  triggerTimes: ReadonlyMap<string, string>;
  /** When its Endpoints were last written, on the clock that does not jump. */
  writtenMs?: number;
}

/**
 * Keeps the Endpoints of every Service that selects pods up to date, for older clients: the same pods as in its
 * EndpointSlices, those of its first address family alone, and at most 1000 addresses. Endpoints go with their Service.
 *
 * Kubernetes: `pkg/controller/endpoint/endpoints_controller.go`.
 */
export const endpointsController: ControllerWithMemory<Service, Seen> = {
  name: "endpoint-controller",
  resource: services,
  watches: [podsOfServices, offlineNodesOfServices, {
    resource: endpoints,
    concerns: ({ metadata }) => [metadata],
  }],
  workers: 4,
  reconcile,
  gone,
};

function reconcile(
  service: Service,
  view: View,
  _nowMs: number,
  { memory, elapsedMs }: Past<Seen>,
): PlanWithMemory<Seen> {
  const key = keyOf(service.metadata);
  const seen = memory.get(key);
  if (!selectsPods(service) || service.metadata.deletionTimestamp !== undefined) {
    return { writes: [], remember: [[key, seen ?? { triggerTimes: new Map() }]] };
  }
  const selectedPods = podsOf(service, view);
  const before = view.get(endpoints, service.metadata);
  const addresses = selectedPods.flatMap((pod) =>
    portAddressesOf(service, pod, isReady(pod) && isReachable(pod, view))
  );
  const next = wanted(service, addresses, before);
  const isSame = before !== undefined && isEqual(withoutTriggerTime(before), next);
  if (
    !isSame && seen?.writtenMs !== undefined && addressCount(next.subsets) > SMALL_ADDRESSES_MAX
  ) {
    const waitMs = seen.writtenMs + LARGE_PAUSE_MS - elapsedMs;
    if (waitMs > 0) return { writes: [], againAfterMs: waitMs };
  }
  const triggerTimes = triggerTimesOf(selectedPods);
  const writtenMs = isSame ? seen?.writtenMs : elapsedMs;
  const remember = [[
    key,
    { triggerTimes, ...(writtenMs !== undefined && { writtenMs }) },
  ]] as const;
  if (isSame) return { writes: [], remember };
  const made = withTriggerTime(next, triggerTimeOf(service, seen?.triggerTimes, triggerTimes));
  return { writes: [before ? update(endpoints, made) : create(endpoints, made)], remember };
}

/** Endpoints without a Service that nobody has seen here are a user's own, unless they say that they are ours. */
function gone(
  name: ObjectName,
  view: View,
  _nowMs: number,
  { memory }: Past<Seen>,
): PlanWithMemory<Seen> {
  const key = keyOf(name);
  const left = view.get(endpoints, name);
  if (left === undefined) return { writes: [], remember: [[key, undefined]] };
  const isOurs = memory.has(key) || left.metadata.labels?.[MANAGED_BY] === MANAGER;
  return isOurs && !left.metadata.deletionTimestamp
    ? { writes: [remove(endpoints, left)] }
    : NOTHING;
}

/** The Endpoints as they should be, without the time of the change. */
function wanted(
  service: Service,
  addresses: readonly PortAddress[],
  before: Endpoints | undefined,
): Endpoints {
  const { namespace, name, labels } = service.metadata;
  const all = subsetsOf(addresses);
  const isOver = addressCount(all) > ADDRESSES_MAX;
  const { [TRIGGER_TIME]: _, [OVER_CAPACITY]: __, ...others } = before?.metadata.annotations ?? {};
  const annotations = { ...others, ...(isOver && { [OVER_CAPACITY]: "truncated" }) };
  const { annotations: ___, ...metadata } = before?.metadata ?? { namespace, name };
  const { subsets: ____, ...rest } = before ?? {};
  return {
    ...rest,
    metadata: {
      ...metadata,
      labels: labelsFor(service, labels),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    ...(all.length > 0 && { subsets: isOver ? truncated(all) : all }),
  } as Endpoints; // a draft when there are none before
}

function labelsFor(service: Service, labels: Service["metadata"]["labels"]) {
  const { [HEADLESS]: _, ...others } = labels ?? {};
  return { ...others, ...(isHeadless(service) && { [HEADLESS]: "" }), [MANAGED_BY]: MANAGER };
}

/** A pod that is ending counts only where pods that are not ready do. */
function portAddressesOf(service: Service, pod: Pod, isServing: boolean): PortAddress[] {
  const { publishNotReadyAddresses = false, ports = [] } = service.spec;
  const ip = addressOf(pod, familiesOf(service)[0]);
  if (ip === undefined) return [];
  if (pod.metadata.deletionTimestamp !== undefined && !publishNotReadyAddresses) return [];
  const address = endpointAddress(service, pod, ip);
  const state = { address, isReady: publishNotReadyAddresses || isServing };
  if (ports.length === 0) return isHeadless(service) ? [{ ...state, port: undefined }] : [];
  return portsOf(service, pod).map(({ name, ...port }) => ({
    ...state,
    port: { ...(name && { name }), ...port },
  }));
}

function endpointAddress(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { metadata: { namespace, name, uid }, spec: { nodeName } } = pod;
  const hostname = hostnameOf(service, pod);
  return {
    ip,
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

function addressCount(subsets: readonly EndpointSubset[] = []): number {
  return subsets.reduce(
    (count, { addresses = [], notReadyAddresses = [] }) =>
      count + addresses.length + notReadyAddresses.length,
    0,
  );
}

/**
 * Those that are ready come first; each subset keeps its share, rounded up, and the last ones what is left.
 *
 * Kubernetes: `truncateEndpoints`.
 */
function truncated(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const ready = subsets.reduce((count, { addresses = [] }) => count + addresses.length, 0);
  const cutsReady = ready > ADDRESSES_MAX;
  const max = cutsReady ? ADDRESSES_MAX : ADDRESSES_MAX - ready;
  const total = cutsReady ? ready : addressCount(subsets) - ready;
  let left = max;
  const cut = (all: EndpointAddress[] = []): EndpointAddress[] => {
    const kept = all.slice(0, Math.min(left, Math.ceil(all.length / total * max)));
    left -= kept.length;
    return kept;
  };
  return subsets.map(({ addresses, notReadyAddresses, ...subset }) =>
    withAddresses(
      subset,
      cutsReady ? cut(addresses) : addresses,
      cutsReady ? [] : cut(notReadyAddresses),
    )
  );
}

function withAddresses(
  subset: EndpointSubset,
  addresses: EndpointAddress[] = [],
  notReadyAddresses: EndpointAddress[] = [],
): EndpointSubset {
  return {
    ...subset,
    ...(addresses.length > 0 && { addresses }),
    ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
  };
}

function withoutTriggerTime(object: Endpoints): Endpoints {
  const { annotations, ...metadata } = object.metadata;
  const { [TRIGGER_TIME]: _, ...others } = annotations ?? {};
  return {
    ...object,
    metadata: Object.keys(others).length > 0 ? { ...metadata, annotations: others } : metadata,
  };
}

function withTriggerTime(object: Endpoints, time: string | undefined): Endpoints {
  if (time === undefined) return object;
  const annotations = { ...object.metadata.annotations, [TRIGGER_TIME]: time };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function triggerTimesOf(selectedPods: readonly Pod[]): ReadonlyMap<string, string> {
  return new Map(selectedPods.flatMap(({ metadata, status }) => {
    const time = conditionOf(status.conditions, "Ready")?.lastTransitionTime;
    return time ? [[metadata.name, time] as const] : [];
  }));
}

/**
 * The earliest of the changes since the last look, by which clients measure how long it took; the making of the Service
 * at the first look.
 *
 * Kubernetes: `TriggerTimeTracker`.
 */
function triggerTimeOf(
  { metadata: { creationTimestamp } }: Service,
  before: ReadonlyMap<string, string> | undefined,
  now: ReadonlyMap<string, string>,
): string | undefined {
  if (before === undefined) return creationTimestamp;
  return [...now].filter(([name, time]) => time > (before.get(name) ?? ""))
    .map(([, time]) => time).sort()[0];
}
