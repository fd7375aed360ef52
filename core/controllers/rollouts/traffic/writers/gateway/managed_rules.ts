import type { SetHeaderRoute, SetMirrorRoute } from "../../../../../resources/argoproj/mod.ts";
import type {
  HttpRouteMatch,
  HttpRouteRule,
} from "../../../../../resources/gateway/http_routes.ts";
import { RoutingError } from "../../port/traffic_writer.ts";
import { refersTo } from "./route_backends.ts";

/** Whose rules are meant, and between which services they share traffic. */
export interface RuleTarget {
  readonly routeNamespace: string;
  readonly namespace: string;
  readonly services: { readonly stable: string; readonly canary: string };
}

/** Whether a step's route of one of these names made the rule: `<name>`, `<name>-1`, `<name>-2` … */
export function isManaged({ name = "" }: { name?: string }, routes: readonly string[]): boolean {
  return routes.some((route) => {
    if (!name.startsWith(route)) return false;
    return /^(?:-[1-9][0-9]*)?$/.test(name.slice(route.length));
  });
}

/** The rules with those of a header route: what it matches goes to the canary alone. Without `match` the route goes. */
export function withHeaderRoute(
  rules: readonly HttpRouteRule[],
  { name = "", match = [] }: SetHeaderRoute,
  target: RuleTarget,
  managed: readonly string[],
): HttpRouteRule[] {
  const headers = match.map(headerMatch);
  return withRoute(
    rules,
    name,
    target,
    managed,
    match.length === 0 ? undefined : (rule) => ({
      ...rule,
      matches: matchesOf(rule).map((each) => ({
        ...each,
        headers: [...each.headers ?? [], ...headers],
      })),
      backendRefs: rule.backendRefs!.filter((each) =>
        refersTo(each, target.services.canary, target)
      )
        .map((each) => ({ ...each, weight: 1 })),
    }),
  );
}

/** The rules with those of a mirror route: what it matches is shared as before, and copied to the canary. */
export function withMirrorRoute(
  rules: readonly HttpRouteRule[],
  { name, match = [], percentage }: SetMirrorRoute,
  target: RuleTarget,
  managed: readonly string[],
): HttpRouteRule[] {
  return withRoute(
    rules,
    name,
    target,
    managed,
    match.length === 0 ? undefined : (rule) => {
      const canary = rule.backendRefs!.find((each) =>
        refersTo(each, target.services.canary, target)
      )!;
      const { group, kind, name, namespace, port } = canary;
      const backendRef = {
        group,
        kind,
        name,
        ...(namespace !== undefined && { namespace }),
        ...(port !== undefined && { port }),
      };
      const percent = percentage === undefined ? {} : { percent: percentage };
      return {
        ...rule,
        matches: matchesOf(rule).flatMap((each) => match.flatMap((wanted) => bothOf(each, wanted))),
        filters: [
          ...rule.filters ?? [],
          { type: "RequestMirror" as const, requestMirror: { backendRef, ...percent } },
        ],
      };
    },
  );
}

/** The rules without those of routes that steps made. */
export function withoutManaged<R extends { name?: string }>(
  rules: readonly R[],
  routes: readonly string[],
): R[] {
  return rules.filter((rule) => !isManaged(rule, routes));
}

/**
 * In place of the rules of the route that are there, one for each rule that shares traffic between the two services. They
 * stand at the end: the Gateway API prefers what matches more headers, and other rules keep their places.
 */
function withRoute(
  rules: readonly HttpRouteRule[],
  name: string,
  target: RuleTarget,
  managed: readonly string[],
  made: ((source: HttpRouteRule) => HttpRouteRule) | undefined,
): HttpRouteRule[] {
  const others = withoutManaged(rules, [name]);
  if (made === undefined) return others;
  const sources = withoutManaged(others, managed).filter(({ backendRefs = [] }) =>
    [target.services.canary, target.services.stable].every((service) =>
      backendRefs.some((each) => refersTo(each, service, target))
    )
  );
  if (sources.length === 0) throw new RoutingError("backendRef was not found in httpRoute");
  const additional = sources.map(made).filter(({ matches }) => matches.length > 0)
    .map((rule, i) => ({ ...rule, name: i === 0 ? name : `${name}-${i}` }));
  return [...others, ...additional];
}

const ANY_PATH = { type: "PathPrefix", value: "/" } as const;

function matchesOf({ matches }: HttpRouteRule): HttpRouteMatch[] {
  return matches.length === 0 ? [{ path: ANY_PATH }] : matches;
}

interface StringMatch {
  exact?: string;
  prefix?: string;
  regex?: string;
}

function headerMatch(
  { headerName, headerValue }: { headerName: string; headerValue: StringMatch },
): NonNullable<HttpRouteMatch["headers"]>[number] {
  return valueMatch(headerName, headerValue);
}

function valueMatch(name: string, { exact, prefix, regex }: StringMatch) {
  if (exact) return { type: "Exact" as const, name, value: exact };
  if (prefix) return { type: "RegularExpression" as const, name, value: `${literal(prefix)}.*` };
  if (regex) return { type: "RegularExpression" as const, name, value: regex };
  throw new RoutingError("invalid header match type");
}

/** A regular expression for just this text. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

type MirrorMatch = NonNullable<SetMirrorRoute["match"]>[number];

/** What both match; none when nothing can match both. */
function bothOf(
  source: HttpRouteMatch,
  { method, path, headers = {} }: MirrorMatch,
): HttpRouteMatch[] {
  const bothPaths = path === undefined ? source.path : pathOfBoth(source.path, path);
  const wantedMethod = method === undefined ? undefined : methodOf(method);
  const isOther = source.method !== undefined && wantedMethod !== undefined &&
    source.method !== wantedMethod;
  if (bothPaths === undefined || isOther) return [];
  const added = Object.entries(headers).map(([name, value]) => valueMatch(name, value));
  const both = wantedMethod ?? source.method;
  return [{
    ...source,
    path: bothPaths,
    ...(added.length > 0 && { headers: [...source.headers ?? [], ...added] }),
    ...(both !== undefined && { method: both }),
  }];
}

function methodOf({ exact, prefix, regex }: StringMatch): NonNullable<HttpRouteMatch["method"]> {
  if (exact && !prefix && !regex) return exact as NonNullable<HttpRouteMatch["method"]>; // the API refuses others
  throw new RoutingError("setMirrorRoute: an HTTPRoute compares methods by 'exact' only");
}

function pathOfBoth(
  source: HttpRouteMatch["path"],
  { exact, prefix, regex }: StringMatch,
): HttpRouteMatch["path"] | undefined {
  if (regex) {
    throw new RoutingError(
      "setMirrorRoute: a path of an HTTPRoute that is to win must be 'exact' or 'prefix'",
    );
  }
  const wanted = exact
    ? { type: "Exact" as const, value: exact }
    : { type: "PathPrefix" as const, value: prefix ?? "/" };
  if (covers(source, wanted)) return wanted;
  return covers(wanted, source) ? source : undefined;
}

/** Whether a path fits whatever fits another one. */
function covers(outer: HttpRouteMatch["path"], inner: HttpRouteMatch["path"]): boolean {
  if (outer.type === "RegularExpression" || inner.type === "RegularExpression") return false;
  if (outer.type === "Exact") return inner.type === "Exact" && inner.value === outer.value;
  const prefix = outer.value.replace(/\/+$/, "");
  return inner.value === outer.value || inner.value === prefix ||
    inner.value.startsWith(`${prefix}/`);
}
