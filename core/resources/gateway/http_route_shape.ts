import { sessionPersistence } from "./session_persistence.ts";
import { condition } from "../conditions.ts";
import { backendFields, httpRouteFilter } from "./http_route_filters.ts";
import {
  fallback,
  integer,
  kept,
  list,
  listMap,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

export const parentReference = object("What the route is attached to.", {
  group: kept(
    fallback("gateway.networking.k8s.io", string('Group of the parent; `""` for the core group.')),
  ),
  kind: fallback("Gateway", string("Kind of the parent.")),
  namespace: string("Namespace of the parent, when it is another one."),
  name: required(string("Name of the parent.", { maxLength: 253 })),
  sectionName: string("Name of the one listener that is meant; all when absent.", {
    maxLength: 253,
  }),
  port: integer("Port of the listeners that are meant; all when absent.", {
    minimum: 1,
    maximum: 65535,
  }),
});
export type ParentReference = TypeOf<typeof parentReference>;

const howCompared = fallback(
  "Exact",
  oneOf("How it is compared.", ["Exact", "RegularExpression"]),
);
const token = { maxLength: 256, pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$" };

const wholeSite = { type: "PathPrefix" as const, value: "/" };

const routeMatch = object("Requests that are meant; all that is set must fit.", {
  path: fallback(
    wholeSite,
    object("Paths that fit.", {
      type: fallback(
        "PathPrefix",
        oneOf("How it is compared.", ["Exact", "PathPrefix", "RegularExpression"]),
      ),
      value: fallback("/", string("The path, or its first whole parts.", { maxLength: 1024 })),
    }),
  ),
  headers: listMap(
    "Headers that must fit.",
    ["name"],
    object("A header.", {
      type: howCompared,
      name: required(string("Name of the header, in any case.", token)),
      value: required(string("Value of the header.", { maxLength: 4096 })),
    }),
    { maxItems: 16 },
  ),
  queryParams: listMap(
    "Parameters of the query that must fit.",
    ["name"],
    object("A parameter.", {
      type: howCompared,
      name: required(string("Name of the parameter.", token)),
      value: required(string("Value of the parameter.", { maxLength: 1024 })),
    }),
    { maxItems: 16 },
  ),
  method: oneOf("Method that must fit.", [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
  ]),
});
export type HttpRouteMatch = TypeOf<typeof routeMatch>;

const filters = list("What is done to requests and answers.", httpRouteFilter, { maxItems: 16 });

const backendReference = object("Who answers, and how large its share is.", {
  ...backendFields,
  weight: fallback(
    1,
    integer("Its share, compared with the sum of all weights; 0 for none.", {
      minimum: 0,
      maximum: 1_000_000,
    }),
  ),
  filters,
});
export type HttpBackendRef = TypeOf<typeof backendReference>;

const duration = { pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" };

const routeRule = object("Requests, and who answers them.", {
  name: string("Name of the rule, unique in the route.", { maxLength: 253 }),
  matches: fallback(
    [{ path: wholeSite }],
    list("Requests that are meant; one of the matches must fit.", routeMatch, { maxItems: 64 }),
  ),
  filters,
  backendRefs: list("Who answers; none answers 500.", backendReference, { maxItems: 16 }),
  timeouts: object("How long things may take.", {
    request: string("For the whole request, such as `10s`; `0s` for no limit.", duration),
    backendRequest: string("For one attempt at a backend.", duration),
  }),
  sessionPersistence,
});
export type HttpRouteRule = TypeOf<typeof routeRule>;

const parentStatus = object("What a parent says of the route.", {
  parentRef: required(parentReference),
  controllerName: required(string("Controller of the parent.")),
  conditions: listMap("Aspects of the route's state there.", ["type"], condition, {
    minItems: 1,
    maxItems: 8,
  }),
});
export type RouteParentStatus = TypeOf<typeof parentStatus>;

export const httpRouteSpec = object("What the route should be.", {
  parentRefs: list("What it is attached to.", parentReference, { maxItems: 32 }),
  hostnames: list(
    "Hosts that it is for; those of the listener when absent.",
    string("Host, or `*.example.com` for all below.", { maxLength: 253 }),
    { maxItems: 16 },
  ),
  rules: fallback(
    [{ matches: [{ path: wholeSite }] }],
    list("Its rules.", routeRule, { minItems: 1, maxItems: 16 }),
  ),
});
export type HttpRouteSpec = TypeOf<typeof httpRouteSpec>;

export const routeStatus = object("How the route is.", {
  parents: fallback([], list("What its parents say of it.", parentStatus, { maxItems: 32 })),
});
