import {
  type HttpRouteFilter,
  UNSUPPORTED_FILTERS,
} from "../resources/gateway/http_route_filters.ts";
import type { HttpBackendRef, HttpRoute } from "../resources/gateway/http_routes.ts";

/** In the words of the condition `PartiallyInvalid` of a route. */
export interface FilterFault {
  readonly type: HttpRouteFilter["type"];
  readonly reason: "UnsupportedValue";
  readonly message: string;
}

/**
 * The first of the filters that Coracle does not act on. "The filter must not be skipped": requests that need it get an
 * error (Gateway API, HTTPRouteFilter).
 */
export function unsupportedFilterIn(filters: readonly HttpRouteFilter[]): FilterFault | undefined {
  const type = filters.map(({ type }) => type).find((type) => UNSUPPORTED_FILTERS.includes(type));
  if (type === undefined) return undefined;
  const message = `Filters of type ${type} are not supported; their requests get an error`;
  return { type, reason: "UnsupportedValue", message };
}

/** The first of all filters of a route that Coracle does not act on, whichever rule or backend they are of. */
export function unsupportedFilterOf({ spec }: HttpRoute): FilterFault | undefined {
  return unsupportedFilterIn(spec.rules.flatMap(({ filters = [], backendRefs = [] }) => [
    ...filters,
    ...backendRefs.flatMap((reference) => reference.filters ?? []),
  ]));
}

/** Whether the backend has filters of its own: Coracle acts on none of these. */
export function hasFilters({ filters = [] }: HttpBackendRef): boolean {
  return filters.length > 0;
}
