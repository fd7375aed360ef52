import type { LabelSelector } from "../../../../../schema/label_selector.ts";
import { RoutingError } from "../../port/traffic_writer.ts";

/** A route that is named, and whether header routes are added to it. */
export interface NamedRoute {
  readonly name: string;
  readonly useHeaderRoutes: boolean;
}

/** `trafficRouting.plugins."argoproj-labs/gatewayAPI"`, with the one route and the list of routes put together. */
export interface GatewaySettings {
  /** Of the routes; the rollout's own when absent. */
  readonly namespace?: string;
  readonly routes: Readonly<Record<RouteKind, readonly NamedRoute[]>>;
  readonly selectors: Readonly<Partial<Record<RouteKind, LabelSelector>>>;
  /** `undefined`: no label is set. */
  readonly inProgressLabel?: readonly [key: string, value: string];
}

export type RouteKind = "http" | "grpc" | "tcp" | "tls";
export const ROUTE_KINDS = ["http", "grpc", "tcp", "tls"] as const satisfies readonly RouteKind[];

const IN_PROGRESS = ["rollouts.argoproj.io/gatewayapi-canary", "in-progress"] as const;

/**
 * Reads the settings of the Gateway API plugin, which come as they were written. Throws {@linkcode RoutingError}.
 *
 * https://rollouts-plugin-trafficrouter-gatewayapi.readthedocs.io/
 */
export function gatewaySettings(raw: unknown): GatewaySettings {
  const given = recordOf(raw, "the settings");
  const routes = routesOf(given);
  const selectors = selectorsOf(given);
  if (
    Object.values(routes).every((each) => each.length === 0) && Object.keys(selectors).length === 0
  ) {
    throw new RoutingError(
      "No routes configured. One of 'tcpRoutes', 'httpRoutes', 'tcpRoute' or 'httpRoute' should be set",
    );
  }
  const namespace = textOf(given, "namespace");
  const label = [
    textOf(given, "inProgressLabelKey") ?? IN_PROGRESS[0],
    textOf(given, "inProgressLabelValue") ?? IN_PROGRESS[1],
  ] as const;
  return {
    routes,
    selectors,
    ...(namespace !== undefined && { namespace }),
    ...(given.disableInProgressLabel !== true && { inProgressLabel: label }),
  };
}

function routesOf(given: Record<string, unknown>): Record<RouteKind, NamedRoute[]> {
  const of = (kind: RouteKind) => {
    const one = textOf(given, `${kind}Route`);
    const several = given[`${kind}Routes`] ?? [];
    if (!Array.isArray(several)) throw unreadable(`${kind}Routes`);
    return [
      ...several.map((each) => namedRoute(each, `${kind}Routes`)),
      ...(one === undefined ? [] : [{ name: one, useHeaderRoutes: true }]),
    ];
  };
  return { http: of("http"), grpc: of("grpc"), tcp: of("tcp"), tls: of("tls") };
}

function namedRoute(raw: unknown, field: string): NamedRoute {
  const given = recordOf(raw, field);
  const name = textOf(given, "name");
  if (name === undefined) throw unreadable(field);
  return { name, useHeaderRoutes: given.useHeaderRoutes === true };
}

function selectorsOf(given: Record<string, unknown>): Partial<Record<RouteKind, LabelSelector>> {
  const all = ROUTE_KINDS.flatMap((kind) => {
    const raw = given[`${kind}RouteSelector`];
    return raw === undefined ? [] : [[kind, selectorOf(raw, `${kind}RouteSelector`)] as const];
  });
  return Object.fromEntries(all);
}

function selectorOf(raw: unknown, field: string): LabelSelector {
  const { matchLabels, matchExpressions } = recordOf(raw, field);
  const labels = matchLabels === undefined ? {} : recordOf(matchLabels, field);
  if (!Object.values(labels).every((value) => typeof value === "string")) throw unreadable(field);
  if (matchExpressions !== undefined && !isListOfExpressions(matchExpressions)) {
    throw unreadable(field);
  }
  return {
    matchLabels: labels as Record<string, string>, // all of them are texts
    ...(matchExpressions !== undefined && { matchExpressions }),
  };
}

function isListOfExpressions(
  value: unknown,
): value is NonNullable<LabelSelector["matchExpressions"]> {
  return Array.isArray(value) && value.every((each) => {
    if (typeof each !== "object" || each === null) return false;
    const { key, operator, values = [] } = each as Record<string, unknown>;
    return typeof key === "string" && OPERATORS.has(operator) && Array.isArray(values) &&
      values.every((text) => typeof text === "string");
  });
}

const OPERATORS: ReadonlySet<unknown> = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

function textOf(given: Record<string, unknown>, field: string): string | undefined {
  const value = given[field];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw unreadable(field);
  return value;
}

function recordOf(raw: unknown, field: string): Record<string, unknown> {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw unreadable(field);
  return raw as Record<string, unknown>;
}

function unreadable(field: string): RoutingError {
  return new RoutingError(
    `Cannot read trafficRouting.plugins["argoproj-labs/gatewayAPI"]: ${field} has a value of another type`,
  );
}
