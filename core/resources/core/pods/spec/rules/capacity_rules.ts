import { ownField } from "../../../../../lib/own_field.ts";
import { type Cause, invalid, missing } from "../../../../../schema/causes.ts";
import {
  compareQuantities,
  parseQuantity,
  quantityFault,
} from "../../../../../schema/quantities.ts";
import type { ResourceRequirements } from "../containers.ts";

/** Of one whole. */
const NANOS = 10n ** 9n;
const STANDARD = ["cpu", "memory", "ephemeral-storage"];

/** The rules for requests and limits, in the words of `ValidateResourceRequirements`. */
export function capacityCauses(resources: ResourceRequirements, field: string): Cause[] {
  const limits = resources.limits ?? {};
  const requests = resources.requests ?? {};
  return [
    ...amountsCauses(limits, `${field}.limits`),
    ...amountsCauses(requests, `${field}.requests`),
    ...Object.entries(requests).flatMap(([name, request]) =>
      requestCauses(name, request, ownField(limits, name), field)
    ),
  ];
}

function amountsCauses(amounts: Record<string, string>, field: string): Cause[] {
  return Object.entries(amounts).flatMap(([name, amount]) => {
    const at = `${field}[${name}]`;
    const causes = nameCauses(name, at);
    if (isAmount(amount) && compareQuantities(amount, "0") < 0) {
      causes.push(invalid(at, amount, "must be greater than or equal to 0"));
    }
    if (name.includes("/") && isAmount(amount) && parseQuantity(amount).nanos % NANOS !== 0n) {
      causes.push(invalid(at, amount, "must be an integer"));
    }
    return causes;
  });
}

function nameCauses(name: string, field: string): Cause[] {
  const isKnown = STANDARD.includes(name) || name.startsWith("hugepages-") || name.includes("/");
  return isKnown ? [] : [
    invalid(field, name, "must be a standard resource type or fully qualified"),
    invalid(field, name, "must be a standard resource for containers"),
  ];
}

/** What cannot be shared must be limited to what is requested. */
function requestCauses(
  name: string,
  request: string,
  limit: string | undefined,
  field: string,
): Cause[] {
  const isShared = STANDARD.includes(name);
  if (limit === undefined) {
    return isShared
      ? []
      : [missing(`${field}.limits`, "Limit must be set for non overcommitable resources")];
  }
  if (!isAmount(request) || !isAmount(limit)) return [];
  const order = compareQuantities(request, limit);
  if (isShared ? order <= 0 : order === 0) return [];
  const relation = isShared ? "less than or equal to" : "equal to";
  return [invalid(`${field}.requests`, request, `must be ${relation} ${name} limit of ${limit}`)];
}

/** What is no amount, the schema has named already. */
function isAmount(text: string): boolean {
  return quantityFault(text) === undefined;
}
