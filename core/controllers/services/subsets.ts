import { createHash } from "node:crypto";
import type {
  EndpointAddress,
  EndpointSubset,
  SubsetPort,
} from "../../resources/core/endpoints.ts";

/** An address on a port; `port` is absent for a Service without ports. */
export interface PortAddress {
  address: EndpointAddress;
  port: SubsetPort | undefined;
  isReady: boolean;
}

type AddressState = Pick<PortAddress, "address" | "isReady">;

/** The addresses of subsets, port by port. */
export function portAddressesOf(subsets: readonly EndpointSubset[]): PortAddress[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    (ports.length === 0 ? [undefined] : ports).flatMap((port) => [
      ...addresses.map((address) => ({ address, port, isReady: true })),
      ...notReadyAddresses.map((address) => ({ address, port, isReady: false })),
    ])
  );
}

/**
 * Subsets in their one canonical form: ports with the same addresses in the same states make a subset. An address that
 * is both ready and not ready on a port is not ready.
 *
 * Kubernetes: `RepackSubsets` in `pkg/api/v1/endpoints/util.go`.
 */
export function subsetsOf(all: readonly PortAddress[]): EndpointSubset[] {
  const byPort = new Map<string, { port: SubsetPort | undefined; states: AddressStates }>();
  const firstOf = new Map<string, EndpointAddress>();
  for (const { address, port, isReady } of all) {
    const addressKey = `${address.ip} ${address.targetRef?.uid ?? ""}`;
    const first = firstOf.get(addressKey) ?? address;
    firstOf.set(addressKey, first);
    const portKey = port === undefined ? "" : portText(port);
    const entry = byPort.get(portKey) ?? { port, states: new Map() };
    byPort.set(portKey, entry);
    const wasReady = entry.states.get(addressKey)?.isReady ?? true;
    entry.states.set(addressKey, { address: first, isReady: wasReady && isReady });
  }
  return inHashOrder([...grouped([...byPort.values()])], subsetText);
}

type AddressStates = Map<string, AddressState>;

/** One subset for each set of addresses, with all of its ports. */
function grouped(
  all: readonly { port: SubsetPort | undefined; states: AddressStates }[],
): EndpointSubset[] {
  const groups = new Map<string, { states: readonly AddressState[]; ports: SubsetPort[] }>();
  for (const { port, states } of all) {
    const sorted = [...states.values()].sort((a, b) => compareAddresses(a.address, b.address));
    const key = sorted.map(({ address, isReady }) => `${addressText(address)} ${isReady}`).join();
    const group = groups.get(key) ?? { states: sorted, ports: [] };
    groups.set(key, group);
    if (port !== undefined) group.ports.push(port);
  }
  return [...groups.values()].map(({ states, ports }): EndpointSubset => {
    const addresses = states.filter(({ isReady }) => isReady).map(({ address }) => address);
    const notReady = states.filter(({ isReady }) => !isReady).map(({ address }) => address);
    return {
      ...(addresses.length > 0 && { addresses }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ...(ports.length > 0 && { ports: inHashOrder(ports, portText) }),
    };
  });
}

/** By the text of the address, then by what it belongs to. */
function compareAddresses(a: EndpointAddress, b: EndpointAddress): number {
  if (a.ip !== b.ip) return a.ip < b.ip ? -1 : 1;
  const [aUid, bUid] = [a.targetRef?.uid, b.targetRef?.uid];
  if (aUid === bUid) return 0;
  if (aUid === undefined || bUid === undefined) return aUid === undefined ? 1 : -1;
  return aUid < bUid ? -1 : 1;
}

/** Kubernetes sorts by the MD5 of what its dump of the value looks like. */
function inHashOrder<T>(values: readonly T[], textOf: (value: T) => string): T[] {
  if (values.length < 2) return [...values];
  return values
    .map((value) => ({ value, hash: createHash("md5").update(textOf(value)).digest("hex") }))
    .sort((a, b) => a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0)
    .map(({ value }) => value);
}

function portText(port: SubsetPort): string {
  return `(v1.EndpointPort)${portFields(port)}`;
}

function portFields({ name = "", port, protocol, appProtocol }: SubsetPort): string {
  return `{Name:(string)${name} Port:(int32)${port} Protocol:(v1.Protocol)${protocol} ` +
    `AppProtocol:(*string)${appProtocol ?? "<nil>"}}`;
}

function subsetText({ addresses, notReadyAddresses, ports }: EndpointSubset): string {
  return `(v1.EndpointSubset){Addresses:([]v1.EndpointAddress)${
    listText(addresses, addressText)
  } ` +
    `NotReadyAddresses:([]v1.EndpointAddress)${listText(notReadyAddresses, addressText)} ` +
    `Ports:([]v1.EndpointPort)${listText(ports, portFields)}}`;
}

function listText<T>(values: readonly T[] | undefined, textOf: (value: T) => string): string {
  return values === undefined ? "<nil>" : `[${values.map(textOf).join(" ")}]`;
}

function addressText({ ip, hostname = "", nodeName, targetRef }: EndpointAddress): string {
  return `{IP:(string)${ip} Hostname:(string)${hostname} ` +
    `NodeName:(*string)${nodeName ?? "<nil>"} TargetRef:(*v1.ObjectReference)${
      targetRef === undefined ? "<nil>" : referenceText(targetRef)
    }}`;
}

function referenceText(
  { kind = "", namespace = "", name = "", uid = "", ...others }: NonNullable<
    EndpointAddress["targetRef"]
  >,
): string {
  const { apiVersion = "", resourceVersion = "", fieldPath = "" } = others;
  return `{Kind:(string)${kind} Namespace:(string)${namespace} Name:(string)${name} ` +
    `UID:(types.UID)${uid} APIVersion:(string)${apiVersion} ` +
    `ResourceVersion:(string)${resourceVersion} FieldPath:(string)${fieldPath}}`;
}
