import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { quantityFault } from "../../schema/quantities.ts";

/** Where a kind has pod templates: fields, `[]` for each item of a list. */
export type TemplatePath = readonly string[];

/** What was dropped of an object, and why. */
export interface Mended {
  value: JsonObject;
  warnings: string[];
}

/**
 * Drops amounts of containers that nobody could read, with a warning for each; of ephemeral containers, which a template
 * may not have anyway, the whole list. Clients in Go cannot read a list in which one object has such an amount, so it must
 * not be stored; Argo Rollouts' first write drops them too. The same object when there are none.
 */
export function withoutMalformedAmounts(
  object: JsonObject,
  paths: readonly TemplatePath[],
): Mended {
  const warnings: string[] = [];
  const value = paths.reduce<unknown>(
    (value, path) => changedAt(value, path, "", (spec, at) => mendedSpec(spec, at, warnings)),
    object,
  );
  return { value: value as JsonObject, warnings };
}

/** A copy with what `change` makes of the values at a path; the same value when that changes nothing. */
function changedAt(
  value: unknown,
  [step, ...rest]: TemplatePath,
  at: string,
  change: (value: unknown, at: string) => unknown,
): unknown {
  if (step === undefined) return change(value, at);
  if (step === "[]") {
    if (!Array.isArray(value)) return value;
    const next = value.map((item, i) => changedAt(item, rest, `${at}[${i}]`, change));
    return next.some((item, i) => item !== value[i]) ? next : value;
  }
  if (!isJsonObject(value) || !Object.hasOwn(value, step)) return value;
  const next = changedAt(value[step], rest, at === "" ? step : `${at}.${step}`, change);
  if (next === value[step]) return value;
  if (next !== undefined) return { ...value, [step]: next };
  const { [step]: _, ...others } = value;
  return others;
}

const AMOUNTS = ["limits", "requests"].map((name) => ["[]", "resources", name]);

function mendedSpec(spec: unknown, at: string, warnings: string[]): unknown {
  const mend = (amounts: unknown, field: string) => mendedAmounts(amounts, field, warnings);
  let next = spec;
  for (const list of ["containers", "initContainers"]) {
    for (const path of AMOUNTS) next = changedAt(next, [list, ...path], at, mend);
  }
  const before = warnings.length;
  for (const path of AMOUNTS) next = changedAt(next, ["ephemeralContainers", ...path], at, mend);
  if (warnings.length === before) return next;
  return changedAt(next, ["ephemeralContainers"], at, () => undefined);
}

function mendedAmounts(amounts: unknown, at: string, warnings: string[]): unknown {
  if (!isJsonObject(amounts)) {
    warnings.push(warningOf(at, amounts, "amounts must be an object"));
    return undefined;
  }
  const faulty = Object.entries(amounts).flatMap(([name, amount]) => {
    const fault = amountFault(amount);
    if (fault === undefined) return [];
    warnings.push(warningOf(`${at}[${name}]`, amount, fault));
    return [name];
  });
  if (faulty.length === 0) return amounts;
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => !faulty.includes(name)));
}

/** A number is as good as a text. */
function amountFault(amount: unknown): string | undefined {
  if (typeof amount === "number") return quantityFault(String(amount));
  return typeof amount === "string" ? quantityFault(amount) : "must be a number or a string";
}

function warningOf(field: string, value: unknown, fault: string): string {
  return `${field}: Invalid value: ${JSON.stringify(value)}: ${fault}; it is dropped`;
}
