import type { SessionPersistence } from "../../core/resources/gateway/session_persistence.ts";
import { gatewayDurationMsOf } from "../../core/schema/durations.ts";
import type {
  BackendObjectReference,
  HttpRouteFilter,
} from "../../core/resources/gateway/http_route_filters.ts";
import type {
  HttpBackendRef,
  HttpRoute,
  HttpRouteMatch,
  HttpRouteRule,
} from "../../core/resources/gateway/http_routes.ts";
import {
  type Cors,
  type HeaderEdit,
  type Mirror,
  type PathRewrite,
  type Persistence,
  type Problem,
  type ProblemReason,
  type RouteMatch,
  type Rule,
  type Share,
  wholePattern,
} from "./route_table.ts";
import { combinedWeights } from "./split_shares.ts";
import type { Backend } from "../../core/traffic/backends.ts";
import type { ReferredPort } from "../../core/traffic/backend_references.ts";
import {
  type FilterFault,
  hasFilters,
  unsupportedFilterIn,
} from "../../core/traffic/unsupported_filters.ts";
import { invalidBackend, type ServicePortName } from "../../core/traffic/service_backends.ts";

/** Of sessions whose route gives them none. */
const SESSION_NAME = "coracle-session";

/** What a rule of a route comes to, before it has a place in a table. */
export interface BuiltRule {
  readonly rule: Rule;
  readonly matches: readonly RouteMatch[];
}

/** Where the rules of a table that is being built send their requests. */
export interface RuleTargets {
  /** The port that a route in `namespace` refers to, or why it may not. */
  referred(reference: BackendObjectReference, namespace: string): ReferredPort;
  /** Index of the backend for a port of a Service. */
  backendOf(port: ServicePortName): number;
  /** Who serves a port of a Service: its backend alone, or by the weights of the Service's own shares. */
  sharesOf(port: ServicePortName): readonly Share[];
  /** Index of a backend that answers 500. */
  add(backend: Backend): number;
  report(problem: Problem): void;
}

type Report = (reason: ProblemReason, message: string) => void;
type Modifier = NonNullable<HttpRouteFilter["requestHeaderModifier"]>;
type RequestMirror = NonNullable<HttpRouteFilter["requestMirror"]>;
type CorsFilter = NonNullable<HttpRouteFilter["cors"]>;
type PathModifier = NonNullable<NonNullable<HttpRouteFilter["urlRewrite"]>["path"]>;

/** The rules of a route. What cannot be done becomes a problem, and answers 500 where it would have been done. */
export function rulesOf(route: HttpRoute, targets: RuleTargets): BuiltRule[] {
  const { namespace, name } = route.metadata;
  return route.spec.rules.map((rule, index) => {
    const report: Report = (reason, message) =>
      targets.report({
        kind: "HTTPRoute",
        namespace,
        name,
        section: `rules[${index}]`,
        reason,
        message,
      });
    const key = `${namespace}/${name}/${index}`;
    return {
      rule: ruleOf(rule, key, namespace, targets, report),
      matches: rule.matches.filter((match) => isPossible(match, report)).map(matchOf),
    };
  });
}

function ruleOf(
  rule: HttpRouteRule,
  key: string,
  namespace: string,
  targets: RuleTargets,
  report: Report,
): Rule {
  const { filters = [], backendRefs = [], timeouts, sessionPersistence } = rule;
  const unsupported = unsupportedFilterIn(filters);
  const shares = unsupported === undefined
    ? combinedShares(backendRefs.map((ref) => ({
      weight: ref.weight,
      shares: referredShares(ref, namespace, targets, report),
    })))
    : [{ weight: 1, backend: targets.add(filterBackend(key, unsupported, report)) }];
  const mirrors = filters.flatMap(({ requestMirror }) =>
    requestMirror ? mirrorOf(requestMirror, namespace, targets, report) ?? [] : []
  );
  return {
    key,
    shares,
    ...filtersOf(filters),
    ...(mirrors.length > 0 && { mirrors }),
    ...(sessionPersistence && { persistence: persistenceOf(sessionPersistence) }),
    ...(timeouts?.request ? { requestMs: gatewayDurationMsOf(timeouts.request) } : {}),
    ...(timeouts?.backendRequest
      ? { backendRequestMs: gatewayDurationMsOf(timeouts.backendRequest) }
      : {}),
  };
}

function filterBackend(key: string, { type, reason, message }: FilterFault, report: Report) {
  report(reason, message);
  return invalidBackend(`${key} ${type}`, message);
}

function combinedShares(parts: readonly { weight: number; shares: readonly Share[] }[]): Share[] {
  if (parts.every(({ shares }) => shares.length === 1)) {
    return parts.map(({ weight, shares }) => ({ ...shares[0]!, weight }));
  }
  const weights = combinedWeights(parts.map(({ weight, shares }) => ({
    weight,
    shares: shares.map((share) => share.weight),
  })));
  return parts.flatMap(({ shares }) => shares).map((share, i) => ({
    ...share,
    weight: weights[i]!,
  }));
}

function referredShares(
  ref: HttpBackendRef,
  namespace: string,
  targets: RuleTargets,
  report: Report,
): readonly Share[] {
  const refuse = (reason: ProblemReason, message: string) => {
    report(reason, message);
    const name = `${namespace}/${ref.kind} ${ref.name} ${reason}`;
    return [{ weight: 1, backend: targets.add(invalidBackend(name, message)) }];
  };
  const target = targets.referred(ref, namespace);
  if ("fault" in target) return refuse(target.fault.reason, target.fault.message);
  if (hasFilters(ref)) {
    const name = `${namespace}/${ref.name}`;
    return refuse("UnsupportedValue", `filters of backendRef "${name}" are not implemented`);
  }
  return targets.sharesOf(target.servicePort);
}

/** `undefined`: its backend cannot be used, and is left out as the Gateway API has it. */
function mirrorOf(
  { backendRef, percent, fraction }: RequestMirror,
  namespace: string,
  targets: RuleTargets,
  report: Report,
): Mirror | undefined {
  const target = targets.referred(backendRef, namespace);
  if ("fault" in target) return void report(target.fault.reason, target.fault.message);
  const backend = targets.backendOf(target.servicePort);
  const { numerator, denominator } = fraction ?? { numerator: percent ?? 100, denominator: 100 };
  return { backend, numerator: Math.min(numerator, denominator), denominator };
}

function persistenceOf(
  { type, sessionName, absoluteTimeout, idleTimeout, cookieConfig }: SessionPersistence,
): Persistence {
  return {
    kind: type,
    name: sessionName ?? SESSION_NAME,
    ...(absoluteTimeout && { absoluteMs: gatewayDurationMsOf(absoluteTimeout) }),
    ...(idleTimeout && { idleMs: gatewayDurationMsOf(idleTimeout) }),
    isPermanent: cookieConfig?.lifetimeType === "Permanent",
  };
}

function filtersOf(
  filters: readonly HttpRouteFilter[],
): Pick<Rule, "requestHeaders" | "responseHeaders" | "rewrite" | "redirect" | "cors"> {
  const one = (type: HttpRouteFilter["type"]) => filters.find((filter) => filter.type === type);
  const request = one("RequestHeaderModifier")?.requestHeaderModifier;
  const response = one("ResponseHeaderModifier")?.responseHeaderModifier;
  const rewrite = one("URLRewrite")?.urlRewrite;
  const redirect = one("RequestRedirect")?.requestRedirect;
  const cors = one("CORS")?.cors;
  return {
    ...(cors ? { cors: corsOf(cors) } : {}),
    ...(request ? { requestHeaders: headerEditOf(request) } : {}),
    ...(response ? { responseHeaders: headerEditOf(response) } : {}),
    ...(rewrite
      ? {
        rewrite: {
          ...(rewrite.hostname ? { hostname: rewrite.hostname } : {}),
          ...(rewrite.path ? { path: pathRewriteOf(rewrite.path) } : {}),
        },
      }
      : {}),
    ...(redirect
      ? {
        redirect: {
          statusCode: redirect.statusCode,
          ...(redirect.scheme ? { scheme: redirect.scheme } : {}),
          ...(redirect.hostname ? { hostname: redirect.hostname } : {}),
          ...(redirect.port ? { port: redirect.port } : {}),
          ...(redirect.path ? { path: pathRewriteOf(redirect.path) } : {}),
        },
      }
      : {}),
  };
}

function corsOf({ maxAge, ...filter }: CorsFilter): Cors {
  return {
    allowOrigins: filter.allowOrigins ?? [],
    allowCredentials: filter.allowCredentials ?? false,
    allowMethods: filter.allowMethods ?? [],
    allowHeaders: filter.allowHeaders ?? [],
    exposeHeaders: filter.exposeHeaders ?? [],
    maxAgeSeconds: maxAge,
  };
}

function headerEditOf({ set = [], add = [], remove = [] }: Modifier): HeaderEdit {
  return { set, add, remove: remove.map((name) => name.toLowerCase()) };
}

function pathRewriteOf({ type, replaceFullPath, replacePrefixMatch }: PathModifier): PathRewrite {
  return { type, value: (type === "ReplaceFullPath" ? replaceFullPath : replacePrefixMatch) ?? "" };
}

function matchOf({ path, method, headers = [], queryParams = [] }: HttpRouteMatch): RouteMatch {
  return {
    path,
    ...(method === undefined ? {} : { method }),
    headers: headers.map((header) => ({ ...header, name: header.name.toLowerCase() })),
    queryParams,
  };
}

function isPossible({ path, headers = [], queryParams = [] }: HttpRouteMatch, report: Report) {
  for (const { type, value } of [path, ...headers, ...queryParams]) {
    if (type !== "RegularExpression") continue;
    try {
      wholePattern(value);
    } catch {
      report("UnsupportedValue", `"${value}" is not a regular expression; its match is left out`);
      return false;
    }
  }
  return true;
}
