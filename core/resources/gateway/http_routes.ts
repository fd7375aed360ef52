import { isEqual } from "../../lib/equality.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { FILTER_FIELDS, UNSUPPORTED_FILTERS } from "./http_route_filters.ts";
import { routeCauses } from "./http_route_rules.ts";
import { httpRouteSpec, routeStatus } from "./http_route_shape.ts";
import { warnerOf } from "../unimplemented_fields.ts";
import { betaVersion } from "./versions.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { object, present } from "../../schema/schema.ts";

export type {
  HttpBackendRef,
  HttpRouteMatch,
  HttpRouteRule,
  HttpRouteSpec,
  ParentReference,
  RouteParentStatus,
} from "./http_route_shape.ts";

/** What a route can say and Coracle does not implement yet. Take a field out when it is implemented. */
const unimplementedWarnings = warnerOf({
  ...Object.fromEntries(
    UNSUPPORTED_FILTERS.map((type) => [`rules[].filters[].${FILTER_FIELDS[type]}`, undefined]),
  ),
  "rules[].backendRefs[].filters": undefined,
}, "requests that need it get 500");

const httpRoute = object("Which requests of a gateway go where.", {
  spec: present(httpRouteSpec),
  status: present(routeStatus),
});

/** https://gateway-api.sigs.k8s.io/api-types/httproute/ */
export const httpRoutes = defineResource({
  group: "gateway.networking.k8s.io",
  version: "v1",
  kind: "HTTPRoute",
  plural: "httproutes",
  categories: ["gateway-api"],
  needsVersion: true,
  namespaced: true,
  schema: httpRoute,
  servedVersions: [betaVersion(httpRoute)],
  columns: [
    nameColumn,
    {
      name: "Hostnames",
      description: "Hosts that it is for.",
      value: ({ spec }) => spec.hostnames && JSON.stringify(spec.hostnames),
    },
    ageColumn,
  ],
  validate: ({ spec }) => routeCauses(spec),
  warnings: (next, previous) =>
    previous && isEqual(next.spec, previous.spec) ? [] : unimplementedWarnings(next.spec, "spec"),
});

export type HttpRoute = ObjectOf<typeof httpRoutes>;
