import { parentReference, routeStatus } from "./http_route_shape.ts";
import { HOSTNAME_SHAPE } from "./reference_shapes.ts";
import { backendFields, headerModifier, requestMirror } from "./http_route_filters.ts";
import {
  fallback,
  integer,
  list,
  listMap,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

const howCompared = fallback("Exact", oneOf("How it is compared.", ["Exact", "RegularExpression"]));

const grpcRouteFilter = object("Changes requests or answers on their way.", {
  type: required(
    oneOf("Which of the filters it is; the field of that name is set.", [
      "ResponseHeaderModifier",
      "RequestHeaderModifier",
      "RequestMirror",
      "ExtensionRef",
    ]),
  ),
  requestHeaderModifier: headerModifier("request"),
  responseHeaderModifier: headerModifier("answer"),
  requestMirror,
  extensionRef: object("A filter of the controller.", {
    group: string("Group of the object."),
    kind: required(string("Kind of the object.")),
    name: required(string("Name of the object.")),
  }),
});
export type GrpcRouteFilter = TypeOf<typeof grpcRouteFilter>;

const filters = list("What is done to requests and answers.", grpcRouteFilter, { maxItems: 16 });

const grpcRouteMatch = object("Requests that are meant; all that is set must fit.", {
  method: object("Methods that are meant.", {
    type: howCompared,
    service: string("Service that must fit, with its package.", { maxLength: 1024 }),
    method: string("Method that must fit.", { maxLength: 1024 }),
  }),
  headers: listMap(
    "Headers that must fit.",
    ["name"],
    object("A header.", {
      type: howCompared,
      name: required(
        string("Name of the header, in any case.", {
          maxLength: 256,
          pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
        }),
      ),
      value: required(string("Value of the header.", { maxLength: 4096 })),
    }),
    { maxItems: 16 },
  ),
});
export type GrpcRouteMatch = TypeOf<typeof grpcRouteMatch>;

const grpcRouteRule = object("Requests, and who answers them.", {
  name: string("Name of the rule, unique in the route.", { maxLength: 253 }),
  matches: list("Requests that are meant; one must fit.", grpcRouteMatch, { maxItems: 64 }),
  filters,
  backendRefs: list(
    "Who answers; none answers `UNAVAILABLE`.",
    object("Who answers, and how large its share is.", {
      ...backendFields,
      weight: fallback(
        1,
        integer("Its share, compared with the sum of all weights; 0 for none.", {
          minimum: 0,
          maximum: 1_000_000,
        }),
      ),
      filters,
    }),
    { maxItems: 16 },
  ),
});
export type GrpcRouteRule = TypeOf<typeof grpcRouteRule>;

const grpcRouteSpec = object("What the route should be.", {
  parentRefs: list("What it is attached to.", parentReference, { maxItems: 32 }),
  hostnames: list(
    "Hosts that it is for; those of the listener when absent.",
    string("Host, or `*.example.com` for all below.", HOSTNAME_SHAPE),
    { maxItems: 16 },
  ),
  rules: list("Its rules.", grpcRouteRule, { maxItems: 16 }),
});
export type GrpcRouteSpec = TypeOf<typeof grpcRouteSpec>;

export const grpcRoute = object("Which gRPC requests of a gateway go where.", {
  spec: required(grpcRouteSpec),
  status: routeStatus,
});
