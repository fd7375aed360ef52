import { ageColumn, nameColumn } from "../columns.ts";
import { endpointAddressCauses } from "./endpoint_addresses.ts";
import { objectReference } from "../../schema/references.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import {
  boolean,
  fallback,
  integer,
  list,
  mapOf,
  object,
  oneOf,
  required,
  set,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

const named = (description: string) =>
  list(description, object("A name.", { name: required(string("The name.")) }));

const endpoint = object("Something that answers.", {
  addresses: required(
    set("Its addresses; they all mean the same thing.", string("Address."), { maxItems: 100 }),
  ),
  conditions: fallback(
    {},
    object("How it is.", {
      ready: boolean("Whether it should get new connections; yes when absent."),
      serving: boolean("Whether it can answer, even while it ends; as ready when absent."),
      terminating: boolean("Whether it is ending; no when absent."),
    }),
  ),
  hostname: string("Name that it has in DNS."),
  targetRef: objectReference,
  deprecatedTopology: mapOf("Where it is, in the words of v1beta1.", string("Value.")),
  nodeName: string("Node that it is on."),
  zone: string("Zone that it is in."),
  hints: object("Who should use it.", {
    forZones: named("Zones that should use it."),
    forNodes: named("Nodes that should use it."),
  }),
});
export type Endpoint = TypeOf<typeof endpoint>;

const endpointPort = object("A port of all endpoints of the slice.", {
  name: fallback("", string("Name of the port in the Service.")),
  protocol: fallback("TCP", oneOf("Transport.", ["SCTP", "TCP", "UDP"])),
  port: integer("Number of the port; any when absent."),
  appProtocol: string("Protocol on top."),
});
export type EndpointPort = TypeOf<typeof endpointPort>;

/** https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/ */
export const endpointSlices = defineResource({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
  schema: object("Some of the addresses behind a Service.", {
    addressType: required(oneOf("What the addresses are.", ["FQDN", "IPv4", "IPv6"])),
    endpoints: fallback([], list("Who answers.", endpoint, { maxItems: 1000 })),
    ports: fallback([], list("On which ports.", endpointPort, { maxItems: 100 })),
  }),
  generation: "content",
  admit: (next, previous, { isOwn, causes }) => {
    if (!isOwn) causes.push(...endpointAddressCauses(next, previous));
    return next;
  },
  columns: [
    nameColumn,
    {
      name: "AddressType",
      description: "What the addresses are.",
      value: ({ addressType }) => addressType,
    },
    {
      name: "Ports",
      description: "On which ports they answer.",
      value: ({ ports }) =>
        shortList(ports.map(({ port, name }) => port === undefined ? name || "*" : String(port))),
    },
    {
      name: "Endpoints",
      description: "Who answers.",
      value: ({ endpoints }) => shortList(endpoints.flatMap(({ addresses }) => addresses)),
    },
    ageColumn,
  ],
  indexes: {
    service: ({ metadata }) => {
      const service = metadata.labels?.["kubernetes.io/service-name"];
      return service ? [`${metadata.namespace}/${service}`] : [];
    },
  },
});

export type EndpointSlice = ObjectOf<typeof endpointSlices>;

/** How many items kubectl shows of a list before it counts the rest. */
const SHOWN_MAX = 3;

function shortList(items: readonly string[]): string {
  if (items.length === 0) return "<unset>";
  const shown = items.slice(0, SHOWN_MAX).join(",");
  return items.length > SHOWN_MAX ? `${shown} + ${items.length - SHOWN_MAX} more...` : shown;
}
