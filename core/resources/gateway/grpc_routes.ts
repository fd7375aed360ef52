import { type Cause, invalid } from "../../schema/causes.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";
import {
  grpcRoute,
  type GrpcRouteFilter,
  type GrpcRouteMatch,
  type GrpcRouteRule,
  type GrpcRouteSpec,
} from "./grpc_route_shape.ts";
import { sectionCauses } from "./reference_rules.ts";

const MATCHES_MAX = 128;

/** https://gateway-api.sigs.k8s.io/api-types/grpcroute/ */
export const grpcRoutes = defineResource({
  group: "gateway.networking.k8s.io",
  version: "v1",
  kind: "GRPCRoute",
  plural: "grpcroutes",
  categories: ["gateway-api"],
  needsVersion: true,
  namespaced: true,
  schema: grpcRoute,
  columns: [
    nameColumn,
    {
      name: "Hostnames",
      description: "Hosts that it is for.",
      value: ({ spec }) => spec.hostnames && JSON.stringify(spec.hostnames),
    },
    ageColumn,
  ],
  validate: ({ spec }) => spec ? specCauses(spec) : [],
  warnings: (_, previous) =>
    storedOnlyWarnings("GRPCRoute", previous, "no request is routed by it"),
});

export type GrpcRoute = ObjectOf<typeof grpcRoutes>;

/** The rules that the Gateway API writes in CEL, with their words. */
function specCauses({ parentRefs = [], rules = [] }: GrpcRouteSpec): Cause[] {
  const count = rules.reduce((sum, { matches = [] }) => sum + matches.length, 0);
  return [
    ...sectionCauses(parentRefs, "parent", "spec.parentRefs"),
    ...(count > MATCHES_MAX
      ? [
        invalid(
          "spec.rules",
          "array",
          "While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128",
        ),
      ]
      : []),
    ...rules.flatMap((rule, i) => ruleCauses(rule, `spec.rules[${i}]`)),
  ];
}

function ruleCauses(
  { matches = [], filters, backendRefs = [] }: GrpcRouteRule,
  at: string,
): Cause[] {
  return [
    ...matches.flatMap(({ method }, i) => methodCauses(method, `${at}.matches[${i}].method`)),
    ...filtersCauses(filters, `${at}.filters`),
    ...backendRefs.flatMap(({ group, kind, port, filters }, i) => {
      const field = `${at}.backendRefs[${i}]`;
      const isWithoutPort = group === "" && kind === "Service" && port === undefined;
      return [
        ...(isWithoutPort
          ? [invalid(field, "object", "Must have port for Service reference")]
          : []),
        ...filtersCauses(filters, `${field}.filters`),
      ];
    }),
  ];
}

const SERVICE = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

function methodCauses(wanted: GrpcRouteMatch["method"], field: string): Cause[] {
  if (!wanted) return [];
  const { type, service, method } = wanted;
  const faults: string[] = [];
  if (service === undefined && method === undefined) {
    faults.push("One or both of 'service' or 'method' must be specified");
  }
  if (type === "Exact" && service !== undefined && !SERVICE.test(service)) {
    faults.push(
      String
        .raw`service must only contain valid characters (matching ^(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$)`,
    );
  }
  if (type === "Exact" && method !== undefined && !METHOD.test(method)) {
    faults.push("method must only contain valid characters (matching ^[A-Za-z_][A-Za-z_0-9]*$)");
  }
  return faults.map((fault) => invalid(field, "object", fault));
}

const FIELDS = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  ExtensionRef: "extensionRef",
} as const satisfies Record<GrpcRouteFilter["type"], keyof GrpcRouteFilter>;
const ONCE = ["RequestHeaderModifier", "ResponseHeaderModifier"];

/** The type says which one of the fields is set. */
function filtersCauses(filters: readonly GrpcRouteFilter[] = [], at: string): Cause[] {
  const causes = filters.flatMap((filter, i) =>
    Object.entries(FIELDS).flatMap(([type, field]) => {
      const isSet = filter[field] !== undefined;
      if (isSet === (filter.type === type)) return [];
      const rule = isSet
        ? `filter.${field} must be nil if the filter.type is not ${type}`
        : `filter.${field} must be specified for ${type} filter.type`;
      return [invalid(`${at}[${i}]`, "object", rule)];
    })
  );
  for (const type of ONCE) {
    if (filters.filter((filter) => filter.type === type).length < 2) continue;
    causes.push(invalid(at, "array", `${type} filter cannot be repeated`));
  }
  return causes;
}
