import {
  boolean,
  fallback,
  integer,
  listMap,
  object,
  oneOf,
  required,
  set,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

/** What a reference to a backend has in all its places. */
export const backendFields = {
  group: fallback("", string("Group of the backend.")),
  kind: fallback("Service", string("Kind of the backend.")),
  name: required(string("Name of the backend.")),
  namespace: string("Namespace of the backend, when it is another one."),
  port: integer("Port of the backend; needed for a Service.", { minimum: 1, maximum: 65535 }),
};

const backendObjectReference = object("Where the copies go.", backendFields);
export type BackendObjectReference = TypeOf<typeof backendObjectReference>;

const headers = (description: string) =>
  listMap(
    description,
    ["name"],
    object("A header.", {
      name: required(
        string("Name of the header.", {
          maxLength: 256,
          pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
        }),
      ),
      value: required(string("Value of the header.", { maxLength: 4096 })),
    }),
    { maxItems: 16 },
  );

// deno-lint-ignore explicit-module-boundary-types -- what it returns is the type
export const headerModifier = (of: string) =>
  object(`Changes headers of the ${of}.`, {
    set: headers("Headers that replace what is there."),
    add: headers("Headers that are added to what is there."),
    remove: set("Headers that are taken away.", string("Name of the header."), { maxItems: 16 }),
  });

const pathModifier = object("Changes the path.", {
  type: required(
    oneOf("Whether all of it is replaced, or what the route's prefix matched.", [
      "ReplaceFullPath",
      "ReplacePrefixMatch",
    ]),
  ),
  replaceFullPath: string("The new path.", { maxLength: 1024 }),
  replacePrefixMatch: string("What takes the place of the prefix.", { maxLength: 1024 }),
});

const hostname = string("Host in place of the request's.", { maxLength: 253 });

export const requestMirror = object(
  "Sends a copy of requests elsewhere; its answers are dropped.",
  {
    backendRef: required(backendObjectReference),
    percent: integer("How many of 100 requests are copied.", { minimum: 0, maximum: 100 }),
    fraction: object("How many requests are copied, as a fraction.", {
      numerator: required(integer("So many …", { minimum: 0 })),
      denominator: fallback(100, integer("… of so many.", { minimum: 1 })),
    }),
  },
);

const requestRedirect = object("Answers with a redirect.", {
  scheme: oneOf("Scheme of the new place; the request's when absent.", ["http", "https"]),
  hostname,
  path: pathModifier,
  port: integer("Port of the new place.", { minimum: 1, maximum: 65535 }),
  statusCode: fallback(302, integer("301, 302, 303, 307 or 308.")),
});

const headerNames = (description: string) =>
  set(
    description,
    string("Name of a header; `*` for all.", {
      maxLength: 256,
      pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
    }),
    { maxItems: 64 },
  );

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpcorsfilter */
const cors = object("Which scripts of other origins may use the answers.", {
  allowOrigins: set(
    "Origins whose scripts may, such as `https://*.example.com`; `*` for all.",
    string("An origin.", {
      maxLength: 253,
      pattern: "(^\\*$)|(^(https?):\\/\\/([^:/?#]+)(:([0-9]{1,5}))?$)",
    }),
    { maxItems: 64 },
  ),
  allowCredentials: boolean("Whether requests may carry cookies and the like."),
  allowMethods: set(
    "Methods that they may use, besides GET, HEAD and POST; `*` for all.",
    oneOf("A method.", [
      ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"],
    ]),
    { maxItems: 9 },
  ),
  allowHeaders: headerNames("Headers that they may send; `*` for all."),
  exposeHeaders: headerNames("Headers of answers that they may read; `*` for all."),
  maxAge: fallback(5, integer("Seconds that a browser may remember this.", { minimum: 1 })),
});

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter */
export const httpRouteFilter = object("Changes requests or answers on their way.", {
  type: required(
    oneOf("Which of the filters it is; the field of that name is set.", [
      "RequestHeaderModifier",
      "ResponseHeaderModifier",
      "RequestMirror",
      "RequestRedirect",
      "URLRewrite",
      "ExtensionRef",
      "CORS",
    ]),
  ),
  requestHeaderModifier: headerModifier("request"),
  responseHeaderModifier: headerModifier("answer"),
  requestMirror,
  requestRedirect,
  urlRewrite: object("Changes host and path of the request.", { hostname, path: pathModifier }),
  cors,
  extensionRef: object("A filter of the controller.", {
    group: required(string("Group of the object.")),
    kind: required(string("Kind of the object.")),
    name: required(string("Name of the object.")),
  }),
});
export type HttpRouteFilter = TypeOf<typeof httpRouteFilter>;

/** What Coracle does not act on yet: requests that need such a filter get 500. Take a field out when it is implemented. */
export const UNSUPPORTED_FILTERS: readonly HttpRouteFilter["type"][] = [
  "ExtensionRef",
];

/** The field that a filter of each type sets. */
export const FILTER_FIELDS = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  ExtensionRef: "extensionRef",
  CORS: "cors",
} as const satisfies Record<HttpRouteFilter["type"], keyof HttpRouteFilter>;
