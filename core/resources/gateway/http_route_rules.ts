import { type Cause, invalid } from "../../schema/causes.ts";
import { FILTER_FIELDS, type HttpRouteFilter } from "./http_route_filters.ts";
import type { HttpRouteRule, HttpRouteSpec } from "./http_route_shape.ts";
import { sessionCauses } from "./session_persistence.ts";
import { hostnameCauses } from "../../schema/value_rules.ts";

/**
 * The rules that the Gateway API writes in CEL, with their words.
 * https://gateway-api.sigs.k8s.io/reference/spec/#httproute
 */
export function routeCauses({ hostnames = [], rules }: HttpRouteSpec): Cause[] {
  return [
    ...hostnames.flatMap((host, i) => hostnameCauses(`spec.hostnames[${i}]`, host)),
    ...rules.flatMap((rule, i) => ruleCauses(rule, `spec.rules[${i}]`)),
  ];
}

function ruleCauses(
  { matches, filters = [], backendRefs = [], sessionPersistence }: HttpRouteRule,
  at: string,
): Cause[] {
  const causes = [
    ...matches.flatMap(({ path }, i) => pathCauses(path, `${at}.matches[${i}].path`)),
    ...filters.flatMap((filter, i) => filterCauses(filter, `${at}.filters[${i}]`)),
    ...repeatedCauses(filters, `${at}.filters`),
    ...(sessionPersistence ? sessionCauses(sessionPersistence, `${at}.sessionPersistence`) : []),
  ];
  if (backendRefs.length > 0 && filters.some(({ requestRedirect }) => requestRedirect)) {
    const rule = "RequestRedirect filter must not be used together with backendRefs";
    causes.push(invalid(at, "object", rule));
  }
  backendRefs.forEach(({ group, kind, port, filters = [] }, i) => {
    const field = `${at}.backendRefs[${i}]`;
    if (group === "" && kind === "Service" && port === undefined) {
      causes.push(invalid(field, "object", "Must have port for Service reference"));
    }
    causes.push(...filters.flatMap((each, j) => filterCauses(each, `${field}.filters[${j}]`)));
  });
  return causes;
}

const PATH = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;
const NOT_IN_PATHS = ["//", "/./", "/../", "%2f", "%2F", "#"];

function pathCauses({ type, value }: { type: string; value: string }, field: string): Cause[] {
  if (type === "RegularExpression") return [];
  const faults: string[] = [];
  if (!value.startsWith("/")) {
    faults.push(
      "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
    );
  }
  for (const part of NOT_IN_PATHS) {
    if (value.includes(part)) {
      faults.push(`must not contain '${part}' when type one of ['Exact', 'PathPrefix']`);
    }
  }
  for (const end of ["/..", "/."]) {
    if (value.endsWith(end)) {
      faults.push(`must not end with '${end}' when type one of ['Exact', 'PathPrefix']`);
    }
  }
  if (!PATH.test(value)) {
    faults.push(
      "must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']",
    );
  }
  return faults.map((fault) => invalid(field, "object", fault));
}

/** The type says which one of the fields is set. */
function filterCauses(filter: HttpRouteFilter, at: string): Cause[] {
  const causes = Object.entries(FILTER_FIELDS).flatMap(([type, field]) => {
    const isSet = filter[field] !== undefined;
    if (isSet === (filter.type === type)) return [];
    const rule = isSet
      ? `filter.${field} must be nil if the filter.type is not ${type}`
      : `filter.${field} must be specified for ${type} filter.type`;
    return [invalid(at, "object", rule)];
  });
  const status = filter.requestRedirect?.statusCode;
  if (status !== undefined && !REDIRECT_CODES.includes(status)) {
    const supported = REDIRECT_CODES.map((code) => `"${code}"`).join(", ");
    causes.push({
      field: `${at}.requestRedirect.statusCode`,
      reason: "FieldValueNotSupported",
      message: `Unsupported value: ${status}: supported values: ${supported}`,
    });
  }
  return [...causes, ...corsCauses(filter.cors, `${at}.cors`)];
}

const REDIRECT_CODES = [301, 302, 303, 307, 308];

function corsCauses(cors: HttpRouteFilter["cors"], at: string): Cause[] {
  const isMixed = (list: readonly string[] = []) => list.includes("*") && list.length > 1;
  return [
    ...(isMixed(cors?.allowOrigins)
      ? [
        invalid(
          `${at}.allowOrigins`,
          "array",
          "AllowOrigins cannot contain '*' alongside other origins",
        ),
      ]
      : []),
    ...(isMixed(cors?.allowMethods)
      ? [
        invalid(
          `${at}.allowMethods`,
          "array",
          "AllowMethods cannot contain '*' alongside other methods",
        ),
      ]
      : []),
  ];
}

function repeatedCauses(filters: readonly HttpRouteFilter[], field: string): Cause[] {
  const types = filters.map(({ type }) => type);
  const once = [
    ...["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "CORS"],
  ];
  const causes = once
    .filter((type) => types.filter((each) => each === type).length > 1)
    .map((type) => invalid(field, "array", `${type} filter cannot be repeated`));
  if (types.includes("RequestRedirect") && types.includes("URLRewrite")) {
    const rule =
      "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both";
    causes.push(invalid(field, "array", rule));
  }
  return causes;
}
