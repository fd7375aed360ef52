import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid } from "../../schema/causes.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { condition, conditionOf } from "../conditions.ts";
import { pendingCondition } from "./gateway_classes.ts";
import { NODES, type Placed, placementCauses } from "./placement.ts";
import { settingCauses } from "./settings.ts";
import { labelSelector } from "../../schema/label_selector.ts";
import { warnerOf } from "../unimplemented_fields.ts";
import { betaVersion } from "./versions.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import {
  fallback,
  integer,
  list,
  listMap,
  mapOf,
  object,
  oneOf,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { hostnameCauses } from "../../schema/value_rules.ts";

const address = object("An address.", {
  type: fallback("IPAddress", string("IPAddress, Hostname, or a word of the controller.")),
  value: string("The address.", { maxLength: 253 }),
});

const certificateReference = object("A certificate with its key.", {
  group: fallback("", string("Group of the object.")),
  kind: fallback("Secret", string("Kind of the object.")),
  name: required(string("Name of the object.")),
  namespace: string("Namespace of the object, when it is another one."),
});

const tls = object("How the listener speaks TLS.", {
  mode: fallback(
    "Terminate",
    oneOf("Whether TLS ends here or at the backend.", ["Terminate", "Passthrough"]),
  ),
  certificateRefs: list("Certificates that it shows.", certificateReference, { maxItems: 64 }),
  options: mapOf("Further words for the controller.", string("Value.")),
});

const routeKind = object("A kind of route.", {
  group: fallback("gateway.networking.k8s.io", string("Group of the kind.")),
  kind: required(string("The kind.")),
});

const listener = object("A port that the gateway listens on, and for whom.", {
  name: required(string("Name of the listener, unique in the gateway.", { maxLength: 253 })),
  hostname: string("Host that it is for, `*.example.com` for all below; all when absent.", {
    maxLength: 253,
  }),
  port: required(integer("Port that it listens on.", { minimum: 1, maximum: 65535 })),
  protocol: required(string("HTTP, HTTPS, TLS, TCP, UDP, or a word of the controller.")),
  tls,
  allowedRoutes: fallback(
    { namespaces: { from: "Same" } },
    object("Which routes may attach themselves to it.", {
      namespaces: fallback(
        { from: "Same" },
        object("Namespaces that routes may be in.", {
          from: fallback("Same", oneOf("Which namespaces.", ["All", "Selector", "Same"])),
          selector: labelSelector,
        }),
      ),
      kinds: list("Kinds that routes may have; those of the protocol when absent.", routeKind, {
        maxItems: 8,
      }),
    }),
  ),
});
export type GatewayListener = TypeOf<typeof listener>;

const listenerStatus = object("How a listener is.", {
  name: required(string("Name of the listener.")),
  supportedKinds: list("Kinds of routes that it takes.", routeKind, { maxItems: 8 }),
  attachedRoutes: required(integer("How many routes are attached to it.")),
  conditions: required(
    listMap("Aspects of its state.", ["type"], condition, { maxItems: 8 }),
  ),
});
export type GatewayListenerStatus = TypeOf<typeof listenerStatus>;

/** What a gateway can say and Coracle does not implement yet. Take a field out when it is implemented. */
const unimplementedWarnings = warnerOf({
  addresses: undefined,
  "infrastructure.labels": undefined,
  "infrastructure.annotations": undefined,
  "infrastructure.parametersRef": undefined,
  "listeners[].tls.options": undefined,
});

const gateway = object("Where traffic from outside comes in.", {
  spec: required(object("What the gateway should be.", {
    gatewayClassName: required(string("Its GatewayClass.", { maxLength: 253 })),
    listeners: required(
      listMap("What it listens on.", ["name"], listener, { minItems: 1, maxItems: 64 }),
    ),
    addresses: list("Addresses that it should have.", address, { maxItems: 16 }),
    infrastructure: object("What is made for the gateway.", {
      labels: mapOf("Labels of what is made.", string("Value.")),
      annotations: mapOf("Annotations of what is made.", string("Value.")),
      parametersRef: object("An object with settings for the controller.", {
        group: required(string("Group of the object.")),
        kind: required(string("Kind of the object.")),
        name: required(string("Name of the object.")),
      }),
    }),
  })),
  status: present(object("How the gateway is.", {
    addresses: list("Addresses that it has.", address, { maxItems: 16 }),
    conditions: fallback(
      [pendingCondition("Accepted"), pendingCondition("Programmed")],
      listMap("Aspects of its state.", ["type"], condition, { maxItems: 8 }),
    ),
    listeners: listMap("How its listeners are.", ["name"], listenerStatus, { maxItems: 64 }),
  })),
});

/** https://gateway-api.sigs.k8s.io/api-types/gateway/ */
export const gateways = defineResource({
  group: "gateway.networking.k8s.io",
  version: "v1",
  kind: "Gateway",
  plural: "gateways",
  shortNames: ["gtw"],
  categories: ["gateway-api"],
  needsVersion: true,
  namespaced: true,
  schema: gateway,
  servedVersions: [betaVersion(gateway)],
  columns: [
    nameColumn,
    { name: "Class", description: "Its class.", value: ({ spec }) => spec.gatewayClassName },
    {
      name: "Address",
      description: "Its first address.",
      value: ({ status }) => status.addresses?.[0]?.value,
    },
    {
      name: "Programmed",
      description: "Whether it takes traffic.",
      value: ({ status }) => conditionOf(status.conditions, "Programmed")?.status,
    },
    ageColumn,
  ],
  validate: ({ metadata, spec }) => [
    ...settingCauses(metadata.annotations),
    ...placementCauses(metadata.annotations),
    ...listenerCauses(spec.listeners),
  ],
  warnings: (next, previous) =>
    previous && isEqual(next.spec, previous.spec)
      ? []
      : unimplementedWarnings(withoutPlacement(next.spec), "spec"),
});

export type Gateway = ObjectOf<typeof gateways>;

/** The label that says on which nodes it is, which is acted on, left out. */
function withoutPlacement<T extends Placed["spec"]>(spec: T): unknown {
  const { [NODES]: _, ...labels } = spec.infrastructure?.labels ?? {};
  const isPlain = Object.keys(labels).length === 0;
  const { labels: __, ...rest } = spec.infrastructure ?? {};
  return { ...spec, infrastructure: isPlain ? rest : { ...rest, labels } };
}

/** The rules that the Gateway API writes in CEL, with their words. */
function listenerCauses(listeners: readonly GatewayListener[]): Cause[] {
  const field = "spec.listeners";
  const causes = listeners.flatMap(({ protocol, tls, hostname }, i) => [
    ...hostnameCauses(`${field}[${i}].hostname`, hostname),
    ...(tls && ["HTTP", "TCP", "UDP"].includes(protocol)
      ? [invalid(field, "array", "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']")]
      : []),
    ...(protocol === "HTTPS" && tls && tls.mode !== "Terminate"
      ? [invalid(field, "array", "tls mode must be Terminate for protocol HTTPS")]
      : []),
    ...(hostname && ["TCP", "UDP"].includes(protocol)
      ? [invalid(field, "array", "hostname must not be specified for protocols ['TCP', 'UDP']")]
      : []),
  ]);
  const keys = listeners.map(({ port, protocol, hostname }) => `${port}/${protocol}/${hostname}`);
  if (new Set(keys).size < keys.length) {
    const rule = "Combination of port, protocol and hostname must be unique for each listener";
    causes.push(invalid(field, "array", rule));
  }
  return causes;
}
