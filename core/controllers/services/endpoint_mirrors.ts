import type { Draft, ObjectName, View } from "../../client/client.ts";
import { parseIp, specialUseOf } from "../../lib/addresses/ip_address.ts";
import { formatIp } from "../../lib/addresses/ip_text.ts";
import { isEqual } from "../../lib/equality.ts";
import {
  type EndpointAddress,
  type Endpoints,
  endpoints,
  type EndpointSubset,
} from "../../resources/core/endpoints.ts";
import { services } from "../../resources/core/services/services.ts";
import {
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
  endpointSlices,
} from "../../resources/discovery/endpoint_slices.ts";
import {
  type Controller,
  create,
  keyOf,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  remove,
  update,
  type Write,
} from "../runtime/controller.ts";
import { canonicalJson, suffixOf } from "../runtime/hashes.ts";
import { controllerReference } from "../runtime/ownership.ts";
import type { Family } from "./selected_pods.ts";
import { portAddressesOf, subsetsOf } from "./subsets.ts";

/** Kubernetes: `--mirroring-max-endpoints-per-subset`. */
export const MIRRORED_ADDRESSES_MAX = 1_000;
const SERVICE_NAME = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslicemirroring-controller.k8s.io";
const SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror";
const LEADER = "control-plane.alpha.kubernetes.io/leader";
const NOT_MIRRORED = [
  "endpoints.kubernetes.io/last-change-trigger-time",
  "kubectl.kubernetes.io/last-applied-configuration",
];
const NAME_LENGTH_MAX = 253;

/**
 * Writes Endpoints that users keep for a Service without selector as EndpointSlices, which is what traffic follows.
 *
 * Kubernetes: `pkg/controller/endpointslicemirroring`.
 */
export const endpointMirrorController: Controller<Endpoints> = {
  name: "endpoint-slice-mirroring-controller",
  resource: endpoints,
  watches: [
    { resource: services, concerns: ({ metadata }) => [metadata] },
    {
      resource: endpointSlices,
      concerns({ metadata: { namespace, labels } }): ObjectName[] {
        const name = labels?.[SERVICE_NAME];
        return namespace && name && labels?.[MANAGED_BY] === MANAGER ? [{ namespace, name }] : [];
      },
    },
  ],
  workers: 4,
  reconcile,
  gone: (name, view) => plan(mirrorsOf(name, view).map((slice) => remove(endpointSlices, slice))),
};

function reconcile(object: Endpoints, view: View): Plan {
  if (object.metadata.deletionTimestamp !== undefined) return NOTHING;
  const existing = mirrorsOf(object.metadata, view);
  if (!isMirrored(object, view)) {
    return plan(existing.map((slice) => remove(endpointSlices, slice)));
  }
  const { groups, invalid, skipped } = groupsOf(object);
  const writes = writesFor(object, placed(groups, existing), existing);
  if (writes.length === 0) return NOTHING;
  return plan([...writes, ...warningsOf(object, invalid, skipped)]);
}

function mirrorsOf(name: ObjectName, view: View): EndpointSlice[] {
  return view.by(endpointSlices, "service", keyOf(name))
    .filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === MANAGER);
}

function isMirrored({ metadata }: Endpoints, view: View): boolean {
  if (metadata.labels?.[SKIP_MIRROR] === "true") return false;
  if (Object.hasOwn(metadata.annotations ?? {}, LEADER)) return false;
  const service = view.get(services, metadata);
  return service !== undefined && Object.keys(service.spec.selector ?? {}).length === 0;
}

/** What one slice says: the endpoints of one family that have the same ports. */
interface Group {
  family: Family;
  ports: EndpointPort[];
  endpoints: Endpoint[];
}

interface Grouped {
  groups: Group[];
  /** How many addresses no traffic may be sent to. */
  invalid: number;
  /** How many addresses are left out, the invalid ones included. */
  skipped: number;
}

function groupsOf({ subsets = [] }: Endpoints): Grouped {
  const all: Group[] = [];
  let [invalid, skipped] = [0, 0];
  for (const subset of subsetsOf(portAddressesOf(subsets))) {
    const candidates = candidatesOf(subset);
    const ports = (subset.ports ?? []).map(({ name = "", ...port }) => ({ name, ...port }));
    const valid = candidates.flatMap((candidate) => candidate ?? []);
    const kept = valid.slice(0, MIRRORED_ADDRESSES_MAX);
    invalid += candidates.length - valid.length;
    skipped += candidates.length - kept.length;
    for (const family of ["IPv4", "IPv6"] as const) {
      const endpoints = kept.filter((each) => each.family === family).map((each) => each.endpoint);
      if (endpoints.length > 0) all.push({ family, ports, endpoints });
    }
  }
  return { groups: all, invalid, skipped };
}

type Candidate = { family: Family; endpoint: Endpoint } | undefined;

function candidatesOf({ addresses = [], notReadyAddresses = [] }: EndpointSubset): Candidate[] {
  return [
    ...addresses.map((address) => candidateOf(address, true)),
    ...notReadyAddresses.map((address) => candidateOf(address, false)),
  ];
}

/** Addresses that lead back to this machine or its link are not written in a user's name: the rule of EndpointSlices. */
function candidateOf(
  { ip, hostname, nodeName, targetRef }: EndpointAddress,
  ready: boolean,
): Candidate {
  const address = parseIp(ip);
  if (address === undefined || specialUseOf(address) !== undefined) return undefined;
  const text = formatIp(address);
  return {
    family: text.includes(":") ? "IPv6" : "IPv4",
    endpoint: {
      addresses: [text],
      conditions: { ready },
      ...(hostname && { hostname }),
      ...(nodeName && { nodeName }),
      ...(targetRef && { targetRef }),
    },
  };
}

type PlacedGroup = Group & { slice: EndpointSlice | undefined };

/** Each group stays in its slice; a new one takes a slice of its family that would be deleted. Kubernetes: `recycleSlices`. */
function placed(
  groups: readonly Group[],
  existing: readonly EndpointSlice[],
): PlacedGroup[] {
  const free = [...existing];
  const take = (matches: (slice: EndpointSlice) => boolean): EndpointSlice | undefined => {
    const at = free.findIndex(matches);
    return at < 0 ? undefined : free.splice(at, 1)[0];
  };
  const kept = groups.map((group) => ({
    ...group,
    slice: take(({ addressType, ports }) =>
      addressType === group.family && isEqual(ports, group.ports)
    ),
  }));
  return kept.map((group) => ({
    ...group,
    slice: group.slice ?? take(({ addressType }) => addressType === group.family),
  }));
}

function writesFor(
  object: Endpoints,
  groups: readonly PlacedGroup[],
  existing: readonly EndpointSlice[],
): Write[] {
  const kept = new Set(groups.map(({ slice }) => slice));
  return [
    ...groups.flatMap((group) => groupWrites(object, group)),
    ...existing.filter((slice) => !kept.has(slice)).map((slice) => remove(endpointSlices, slice)),
  ];
}

function groupWrites(object: Endpoints, { slice, ...group }: PlacedGroup): Write[] {
  const draft = draftOf(object, group);
  if (slice === undefined) return [create(endpointSlices, draft)];
  const { labels, annotations, ownerReferences } = draft.metadata;
  const { annotations: _, ...metadata } = slice.metadata;
  const next: EndpointSlice = {
    ...slice,
    metadata: {
      ...metadata,
      ...(labels && { labels }),
      ...(ownerReferences && { ownerReferences }),
      ...(annotations && { annotations }),
    },
    endpoints: group.endpoints,
    ports: group.ports,
  };
  return isEqual(slice, next) ? [] : [update(endpointSlices, next)];
}

function draftOf(
  object: Endpoints,
  { family, ports, endpoints: all }: Group,
): Draft<EndpointSlice> {
  const { name, namespace, uid, labels, annotations = {} } = object.metadata;
  const mirrored = Object.entries(annotations).filter(([key]) => !NOT_MIRRORED.includes(key));
  return {
    metadata: {
      name: `${name.slice(0, NAME_LENGTH_MAX - 6)}-${
        suffixOf(`${uid} ${family} ${canonicalJson(ports)}`)
      }`,
      generateName: `${name}-`,
      namespace,
      labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
      ...(mirrored.length > 0 && { annotations: Object.fromEntries(mirrored) }),
      ownerReferences: [controllerReference(endpoints, object)],
    },
    addressType: family,
    endpoints: all,
    ports,
  };
}

function warningsOf(about: Endpoints, invalid: number, skipped: number): Write[] {
  const warning = (reason: string, message: string) =>
    recordEvent({ about, type: "Warning", reason, message });
  return [
    ...(invalid > 0
      ? [warning(
        "InvalidIPAddress",
        `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`,
      )]
      : []),
    ...(skipped > invalid
      ? [warning(
        "TooManyAddressesToMirror",
        `A max of ${MIRRORED_ADDRESSES_MAX} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`,
      )]
      : []),
  ];
}
