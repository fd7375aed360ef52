import type { Draft, ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import {
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
  endpointSlices,
} from "../../resources/discovery/endpoint_slices.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { HEADLESS, type Service, services } from "../../resources/core/services/services.ts";
import {
  type Controller,
  create,
  NOTHING,
  type Plan,
  plan,
  remove,
  update,
  type Watch,
  type Write,
} from "../runtime/controller.ts";
import { canonicalJson, suffixOf } from "../runtime/hashes.ts";
import { controllerReference, isControlledBy } from "../runtime/ownership.ts";
import { isReady } from "../../resources/core/pods/pod_states.ts";
import {
  addressOf,
  familiesOf,
  type Family,
  hostnameOf,
  isHeadless,
  isReachable,
  offlineNodesOfServices,
  podsOf,
  podsOfServices,
  portsOf,
  selectsPods,
} from "./selected_pods.ts";

/** Kubernetes: `--max-endpoints-per-slice`. */
export const ENDPOINTS_PER_SLICE_MAX = 100;
const SERVICE_NAME = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslice-controller.k8s.io";
const NAME_LENGTH_MAX = 253;

const slicesOfServices: Watch = {
  resource: endpointSlices,
  concerns({ metadata: { namespace, labels } }: KubeObject): ObjectName[] {
    const name = labels?.[SERVICE_NAME];
    return namespace && name && labels?.[MANAGED_BY] === MANAGER ? [{ namespace, name }] : [];
  },
};

/**
 * Keeps the EndpointSlices of every Service that selects pods up to date.
 *
 * Pods are partitioned by address family and by the ports that they have for the Service, then into slices of
 * 100. An endpoint stays in its slice while it is there, so that a change of one pod changes one slice.
 * https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
 */
export const endpointSliceController: Controller<Service> = {
  name: "endpoint-slice-controller",
  resource: services,
  watches: [podsOfServices, offlineNodesOfServices, slicesOfServices],
  workers: 4,
  reconcile,
};

function reconcile(service: Service, view: View): Plan {
  const { namespace, name, deletionTimestamp } = service.metadata;
  if (!selectsPods(service) || deletionTimestamp !== undefined) return NOTHING;
  const selectedPods = podsOf(service, view);
  const existing = view.by(endpointSlices, "service", `${namespace}/${name}`).filter((slice) =>
    isControlledBy(slice, service) && slice.metadata.labels?.[MANAGED_BY] === MANAGER
  );
  const endpointOf = (pod: Pod, address: string) => endpointFor(service, pod, address, view);
  const wanted = familiesOf(service)
    .flatMap((family) => groupsOf(service, selectedPods, { family, endpointOf }))
    .flatMap((group) => slicesOf(service, group, existing));
  return plan(writesFor(service, recycled(wanted, existing), existing));
}

/** Endpoints of one family that have the same ports. */
interface Group {
  family: Family;
  ports: readonly EndpointPort[];
  endpoints: ReadonlyMap<string, Endpoint>;
}

/** A Service without pods still has one group, for an empty slice. */
function groupsOf(
  service: Service,
  selectedPods: readonly Pod[],
  { family, endpointOf }: {
    family: Family;
    endpointOf: (pod: Pod, address: string) => Endpoint;
  },
): Group[] {
  const groups = new Map<string, Group & { endpoints: Map<string, Endpoint> }>();
  for (const pod of selectedPods) {
    const address = addressOf(pod, family);
    if (address === undefined) continue;
    const ports = portsOf(service, pod);
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { family, ports, endpoints: new Map() };
    groups.set(key, group);
    group.endpoints.set(pod.metadata.uid, endpointOf(pod, address));
  }
  if (groups.size === 0) return [{ family, ports: [], endpoints: new Map() }];
  return [...groups.values()];
}

function endpointFor(service: Service, pod: Pod, address: string, view: View): Endpoint {
  const { metadata: { namespace, name, uid, deletionTimestamp }, spec } = pod;
  const terminating = deletionTimestamp !== undefined;
  const isOnlyHere = !isReachable(pod, view);
  const serving = isReady(pod) && !(terminating && isOnlyHere); // nobody turns to it for want of others
  const ready = service.spec.publishNotReadyAddresses === true ||
    (serving && !terminating && !isOnlyHere);
  const hostname = hostnameOf(service, pod);
  const zone = spec.nodeName ? zoneOf(view, spec.nodeName) : undefined;
  const hints = ready ? hintsFor(service, spec.nodeName, zone) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname && { hostname }),
    ...(spec.nodeName && { nodeName: spec.nodeName }),
    ...(zone !== undefined && { zone }),
    ...(hints && { hints }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

function zoneOf(view: View, nodeName: string): string | undefined {
  return view.get(nodes, { name: nodeName })?.metadata.labels?.["topology.kubernetes.io/zone"];
}

/**
 * Who should use an endpoint, by the Service's wish: those of its zone, or of its node and then of its zone.
 * https://kubernetes.io/docs/concepts/services-networking/service/#traffic-distribution
 */
function hintsFor(
  { spec: { trafficDistribution } }: Service,
  nodeName: string | undefined,
  zone: string | undefined,
): Endpoint["hints"] {
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  switch (trafficDistribution) {
    case "PreferClose":
    case "PreferSameZone":
      return zone === undefined ? undefined : forZones;
    case "PreferSameNode":
      return nodeName ? { ...forZones, forNodes: [{ name: nodeName }] } : undefined;
    default:
      return undefined;
  }
}

/** A slice as it should be: one that is there, or one to be created. */
interface DesiredSlice {
  name: string;
  family: Family;
  ports: readonly EndpointPort[];
  endpoints: Endpoint[];
}

/** Endpoints stay in their slices; new ones fill the room there is, then new slices. */
function slicesOf(
  service: Service,
  group: Group,
  existing: readonly EndpointSlice[],
): DesiredSlice[] {
  const { family, ports, endpoints } = group;
  const left = new Map(endpoints);
  const kept = existing
    .filter((slice) => slice.addressType === family && isEqual(slice.ports, ports))
    .map((slice): DesiredSlice => ({
      name: slice.metadata.name,
      family,
      ports,
      endpoints: slice.endpoints.flatMap(({ targetRef }) => takeFrom(left, targetRef?.uid)),
    }));
  const rest = [...left.values()];
  for (const slice of kept) {
    slice.endpoints.push(...rest.splice(0, ENDPOINTS_PER_SLICE_MAX - slice.endpoints.length));
  }
  const filled = kept.filter((slice) => slice.endpoints.length > 0);
  if (rest.length > 0) return [...filled, ...newSlices(service, group, rest, existing)];
  if (filled.length > 0) return filled;
  return kept.length > 0 ? kept.slice(0, 1) : newSlices(service, group, rest, existing);
}

/** At least one, which is empty when there are no endpoints. */
function newSlices(
  { metadata: { name, uid } }: Service,
  { family, ports }: Group,
  endpoints: readonly Endpoint[],
  existing: readonly EndpointSlice[],
): DesiredSlice[] {
  const taken = new Set(existing.map(({ metadata }) => metadata.name));
  const slices: DesiredSlice[] = [];
  const count = Math.max(1, Math.ceil(endpoints.length / ENDPOINTS_PER_SLICE_MAX));
  for (let slot = 0; slices.length < count; slot++) {
    const free = sliceName(name, `${uid} ${family} ${canonicalJson(ports)} ${slot}`);
    if (taken.has(free)) continue;
    taken.add(free);
    const from = slices.length * ENDPOINTS_PER_SLICE_MAX;
    const part = endpoints.slice(from, from + ENDPOINTS_PER_SLICE_MAX);
    slices.push({ name: free, family, ports, endpoints: part });
  }
  return slices;
}

function takeFrom(endpoints: Map<string, Endpoint>, uid: string | undefined): Endpoint[] {
  const endpoint = uid === undefined ? undefined : endpoints.get(uid);
  if (endpoint === undefined) return [];
  endpoints.delete(uid!);
  return [endpoint];
}

function sliceName(service: string, seed: string): string {
  return `${service.slice(0, NAME_LENGTH_MAX - 6)}-${suffixOf(seed)}`;
}

/** A slice to be created takes the name of one of its family that would be deleted: one write instead of two. Kubernetes: `recycleSlices`. */
function recycled(
  wanted: readonly DesiredSlice[],
  existing: readonly EndpointSlice[],
): DesiredSlice[] {
  const isWanted = new Set(wanted.map(({ name }) => name));
  const isThere = new Set(existing.map(({ metadata }) => metadata.name));
  const free = existing.filter(({ metadata }) => !isWanted.has(metadata.name));
  return wanted.map((slice) => {
    if (isThere.has(slice.name)) return slice;
    const at = free.findIndex(({ addressType }) => addressType === slice.family);
    return at < 0 ? slice : { ...slice, name: free.splice(at, 1)[0]!.metadata.name };
  });
}

function writesFor(
  service: Service,
  wanted: readonly DesiredSlice[],
  existing: readonly EndpointSlice[],
): Write[] {
  const byName = new Map(existing.map((slice) => [slice.metadata.name, slice]));
  const names = new Set(wanted.map(({ name }) => name));
  return [
    ...wanted.flatMap((slice) => sliceWrites(service, slice, byName.get(slice.name))),
    ...existing.filter(({ metadata }) => !names.has(metadata.name))
      .map((slice) => remove(endpointSlices, slice)),
  ];
}

function sliceWrites(
  service: Service,
  wanted: DesiredSlice,
  before: EndpointSlice | undefined,
): Write[] {
  const labels = labelsFor(service);
  if (before === undefined) return [create(endpointSlices, draftOf(service, wanted, labels))];
  const next: EndpointSlice = {
    ...before,
    metadata: { ...before.metadata, labels },
    endpoints: wanted.endpoints,
    ports: [...wanted.ports],
  };
  return isEqual(before, next) ? [] : [update(endpointSlices, next)];
}

function draftOf(
  service: Service,
  { name, family, ports, endpoints }: DesiredSlice,
  labels: Record<string, string>,
): Draft<EndpointSlice> {
  const { metadata } = service;
  return {
    metadata: {
      name,
      generateName: `${metadata.name}-`,
      namespace: metadata.namespace,
      labels,
      ownerReferences: [controllerReference(services, service)],
    },
    addressType: family,
    endpoints,
    ports: [...ports],
  };
}

function labelsFor(service: Service): Record<string, string> {
  return {
    ...service.metadata.labels,
    [SERVICE_NAME]: service.metadata.name,
    [MANAGED_BY]: MANAGER,
    ...(isHeadless(service) && { [HEADLESS]: "" }),
  };
}
