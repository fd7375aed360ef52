import { parseIp } from "../../lib/addresses/ip_address.ts";
import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid, missing } from "../../schema/causes.ts";
import { labelNameFaults, qualifiedNameFaults, subdomainFaults } from "../../schema/names.ts";
import { objectReference } from "../../schema/references.ts";
import {
  atomic,
  fallback,
  integer,
  list,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { nameCauses, portNumberCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { specialUseCauses } from "../discovery/endpoint_addresses.ts";
import { defineResource, type ObjectOf } from "../resource.ts";

const address = atomic(object("Something that answers.", {
  ip: required(string("Its address.")),
  hostname: string("Name that it has in DNS."),
  nodeName: string("Node that it is on."),
  targetRef: objectReference,
}));
export type EndpointAddress = TypeOf<typeof address>;

const port = atomic(object("A port of all addresses of the set.", {
  name: string("Name of the port in the Service."),
  port: required(integer("Number of the port.")),
  protocol: fallback("TCP", oneOf("Transport.", ["SCTP", "TCP", "UDP"])),
  appProtocol: string("Protocol on top."),
}));
export type SubsetPort = TypeOf<typeof port>;

const subset = object("Addresses with the same ports.", {
  addresses: list("Those that are ready.", address),
  notReadyAddresses: list("Those that are not.", address),
  ports: list("Their ports.", port),
});
export type EndpointSubset = TypeOf<typeof subset>;

/** https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoints-v1/ */
export const endpoints = defineResource({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  shortNames: ["ep"],
  namespaced: true,
  deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  schema: object("The addresses of a Service in one object; EndpointSlices took its place.", {
    subsets: list("All addresses are those of all sets together.", subset),
  }),
  columns: [
    nameColumn,
    {
      name: "Endpoints",
      description: "The first addresses.",
      value: ({ subsets = [] }) => addressesText(subsets),
    },
    ageColumn,
  ],
  admit: (next, previous, { isOwn, causes }) => {
    if (!isOwn && !isEqual(next.subsets, previous?.subsets)) {
      causes.push(...(next.subsets ?? []).flatMap(specialUseCausesOf));
    }
    return next;
  },
  validate: ({ subsets = [] }, previous) =>
    previous && isEqual(subsets, previous.subsets ?? []) ? [] : subsets.flatMap(subsetCauses),
});

export type Endpoints = ObjectOf<typeof endpoints>;

/** In the words of `ValidateEndpoints`. */
function subsetCauses(
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
  index: number,
): Cause[] {
  const field = `subsets[${index}]`;
  return [
    ...(addresses.length + notReadyAddresses.length === 0
      ? [missing(field, "must specify `addresses` or `notReadyAddresses`")]
      : []),
    ...addresses.flatMap((each, i) => addressCauses(each, `${field}.addresses[${i}]`)),
    ...notReadyAddresses.flatMap((each, i) =>
      addressCauses(each, `${field}.notReadyAddresses[${i}]`)
    ),
    ...ports.flatMap((each, i) => portCauses(each, `${field}.ports[${i}]`, ports.length > 1)),
  ];
}

/** Only our own controllers may name addresses of this machine or its link: see {@linkcode specialUseCauses}. */
function specialUseCausesOf(
  { addresses = [], notReadyAddresses = [] }: EndpointSubset,
  index: number,
): Cause[] {
  return Object.entries({ addresses, notReadyAddresses }).flatMap(([list, all]) =>
    all.flatMap(({ ip }, i) =>
      parseIp(ip) ? specialUseCauses(ip, `subsets[${index}].${list}[${i}].ip`) : []
    )
  );
}

function addressCauses({ ip, hostname, nodeName }: EndpointAddress, field: string): Cause[] {
  const isAddress = parseIp(ip) !== undefined;
  return [
    ...(isAddress ? [] : [
      invalid(`${field}.ip`, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    ]),
    ...nameCauses(`${field}.hostname`, hostname, labelNameFaults),
    ...nameCauses(`${field}.nodeName`, nodeName, subdomainFaults),
    ...(isAddress ? [] : [invalid(`${field}.ip`, ip, "must be a valid IP address")]),
  ];
}

function portCauses(
  { name, port, appProtocol }: SubsetPort,
  field: string,
  isOneOfMany: boolean,
): Cause[] {
  return [
    ...(isOneOfMany && !name ? [missing(`${field}.name`)] : []),
    ...nameCauses(`${field}.name`, name, labelNameFaults),
    ...portNumberCauses(`${field}.port`, port),
    ...nameCauses(`${field}.appProtocol`, appProtocol, qualifiedNameFaults),
  ];
}

const SHOWN_MAX = 3;

/** As kubectl writes them: `10.0.0.1:80,10.0.0.2:80 + 3 more...`. */
function addressesText(subsets: readonly EndpointSubset[]): string {
  if (subsets.length === 0) return "<none>";
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => withPort(ip, port)))
  );
  const text = all.slice(0, SHOWN_MAX).join(",");
  return all.length > SHOWN_MAX ? `${text} + ${all.length - SHOWN_MAX} more...` : text;
}

function withPort(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
