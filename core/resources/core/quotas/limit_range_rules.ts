import { ownField } from "../../../lib/own_field.ts";
import { type Cause, duplicate, forbidden, invalid, missing } from "../../../schema/causes.ts";
import { qualifiedNameFaults } from "../../../schema/names.ts";
import { compareQuantities, milliValueOf, quantityFault } from "../../../schema/quantities.ts";
import { amountNameCauses, containerAmountNameCauses, mayOvercommit } from "./amount_names.ts";
import type { LimitRangeItem, LimitRangeSpec } from "./limit_range_spec.ts";

const TYPES = ["Pod", "Container", "PersistentVolumeClaim"];
type Amounts = Readonly<Record<string, string>>;

/** The rules for the bounds, in the words of `ValidateLimitRange`. */
export function limitRangeCauses({ limits }: LimitRangeSpec): Cause[] {
  const types = new Set<string>();
  return limits.flatMap((item, i) => {
    const field = `spec.limits[${i}]`;
    const causes = typeCauses(item.type, `${field}.type`);
    if (types.has(item.type)) causes.push(duplicate(`${field}.type`, item.type));
    types.add(item.type);
    return [...causes, ...nameCauses(item, field), ...boundCauses(item, field)];
  });
}

function typeCauses(type: string, field: string): Cause[] {
  const faults = qualifiedNameFaults(type);
  if (faults.length > 0) return faults.map((fault) => invalid(field, type, fault));
  return type.includes("/") || TYPES.includes(type)
    ? []
    : [invalid(field, type, "must be a standard limit type or fully qualified")];
}

function nameCauses(item: LimitRangeItem, field: string): Cause[] {
  const isOfPod = item.type === "Pod";
  const rule = isOfPod || item.type === "Container" ? containerAmountNameCauses : amountNameCauses;
  const named = (part: "max" | "min" | "default" | "defaultRequest" | "maxLimitRequestRatio") =>
    Object.keys(item[part] ?? {}).flatMap((name) => rule(name, `${field}.${part}[${name}]`));
  const defaults = (["default", "defaultRequest"] as const).flatMap((part) => {
    if (!isOfPod) return named(part);
    return Object.keys(item[part] ?? {}).length === 0
      ? []
      : [forbidden(`${field}.${part}`, "may not be specified when `type` is 'Pod'")];
  });
  const isUnbounded = item.type === "PersistentVolumeClaim" &&
    ownField(item.min, "storage") === undefined && ownField(item.max, "storage") === undefined;
  const why = "either minimum or maximum storage value is required, but neither was provided";
  return [
    ...named("max"),
    ...named("min"),
    ...defaults,
    ...(isUnbounded ? [missing(`${field}.limits`, why)] : []),
    ...named("maxLimitRequestRatio"),
  ];
}

function boundCauses(item: LimitRangeItem, field: string): Cause[] {
  const ofPod = item.type === "Pod";
  const parts: Amounts[] = [
    item.max ?? {},
    item.min ?? {},
    ...(ofPod ? [] : [item.default ?? {}, item.defaultRequest ?? {}]),
    item.maxLimitRequestRatio ?? {},
  ];
  const names = new Set(parts.flatMap((amounts) => Object.keys(amounts)));
  return [...names].flatMap((name) => {
    const found: Bounds = {
      min: amountIn(item.min, name),
      max: amountIn(item.max, name),
      limit: ofPod ? undefined : amountIn(item.default, name),
      request: ofPod ? undefined : amountIn(item.defaultRequest, name),
      ratio: amountIn(item.maxLimitRequestRatio, name),
    };
    const at = (part: string) => `${field}.${part}[${name}]`;
    return [
      ...orderCauses(found, at),
      ...ratioCauses(found, at("maxLimitRequestRatio")),
      ...equalityCauses(found, name, at("defaultRequest")),
    ];
  });
}

interface Bounds {
  min: string | undefined;
  max: string | undefined;
  limit: string | undefined;
  request: string | undefined;
  ratio: string | undefined;
}

/** What is no amount, the schema has named already. */
function amountIn(amounts: Amounts | undefined, name: string): string | undefined {
  const amount = ownField(amounts, name);
  return amount !== undefined && quantityFault(amount) === undefined ? amount : undefined;
}

function isMore(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
}

function orderCauses(
  { min, max, limit, request }: Bounds,
  at: (part: string) => string,
): Cause[] {
  const rule = (part: string, value: string | undefined, less: string, more: string) =>
    invalid(at(part), value, `${less} is greater than ${more}`);
  const [least, most] = [`min value ${min}`, `max value ${max}`];
  const asked = `default request value ${request}`;
  return [
    ...(isMore(min, max) ? [rule("min", min, least, most)] : []),
    ...(isMore(min, request) ? [rule("defaultRequest", request, least, asked)] : []),
    ...(isMore(request, max) ? [rule("defaultRequest", request, asked, most)] : []),
    ...(isMore(request, limit)
      ? [rule("defaultRequest", request, asked, `default limit value ${limit}`)]
      : []),
    ...(isMore(min, limit) ? [rule("default", min, least, `default value ${limit}`)] : []),
    ...(isMore(limit, max) ? [rule("default", max, `default value ${limit}`, most)] : []),
  ];
}

function ratioCauses({ min, max, ratio }: Bounds, field: string): Cause[] {
  if (ratio === undefined) return [];
  const causes = isMore("1", ratio) ? [invalid(field, ratio, `ratio ${ratio} is less than 1`)] : [];
  if (min === undefined || max === undefined) return causes;
  const ratioMax = milliValueOf(max) / milliValueOf(min);
  if (milliValueOf(ratio) / 1000 > ratioMax) {
    const why = `ratio ${ratio} is greater than max/min = ${ratioMax.toFixed(6)}`;
    causes.push(invalid(field, ratio, why));
  }
  return causes;
}

/** What cannot be shared is limited to what is requested. */
function equalityCauses({ limit, request }: Bounds, name: string, field: string): Cause[] {
  if (limit === undefined || request === undefined || mayOvercommit(name)) return [];
  if (compareQuantities(limit, request) === 0) return [];
  const why = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
  return [invalid(field, request, why)];
}
