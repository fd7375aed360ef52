import { type Cause, forbidden, invalid, missing, tooLong } from "../../schema/causes.ts";
import { isEqual } from "../../lib/equality.ts";
import { qualifiedNameFaults, subdomainFaults } from "../../schema/names.ts";
import { nameCauses } from "../../schema/value_rules.ts";

/** Rules that the kinds of storage share, in the words of k8s.io/kubernetes/pkg/apis/storage/validation. */

const PARAMETERS_MAX = 512;
const PARAMETERS_BYTES_MAX = 256 * 1024;
const DRIVER_NAME_CHARS_MAX = 63;

/** A provisioner or driver: a qualified name, of which capitals do not count. A missing one is refused by the schema. */
export function provisionerCauses(field: string, name: string | undefined): Cause[] {
  return nameCauses(field, name?.toLowerCase(), qualifiedNameFaults);
}

/** The name of a CSI driver. A missing one is refused by the schema, and for its form. */
export function driverNameCauses(field: string, name = ""): Cause[] {
  return [
    ...(name.length > DRIVER_NAME_CHARS_MAX ? [tooLong(field, DRIVER_NAME_CHARS_MAX)] : []),
    ...subdomainFaults(name.toLowerCase()).map((fault) => invalid(field, name, fault)),
  ];
}

type Parameters = Record<string, string>;

export function parameterCauses(
  parameters: Parameters = {},
  { isNeeded }: { isNeeded: boolean },
): Cause[] {
  const field = "parameters";
  const entries = Object.entries(parameters);
  if (entries.length > PARAMETERS_MAX) return [tooLong(field, PARAMETERS_MAX)];
  const causes = entries.filter(([key]) => key === "").map(([key]) =>
    invalid(field, key, "field can not be empty.")
  );
  if (bytesOf(entries) > PARAMETERS_BYTES_MAX) causes.push(tooLong(field, PARAMETERS_BYTES_MAX));
  if (isNeeded && entries.length === 0) {
    causes.push(missing(field, "must contain at least one key/value pair"));
  }
  return causes;
}

/** How many bytes keys and values have together. */
export function bytesOf(entries: readonly (readonly [string, string])[]): number {
  const encoder = new TextEncoder();
  return entries.reduce(
    (sum, [key, value]) => sum + encoder.encode(key).length + encoder.encode(value).length,
    0,
  );
}

/** A field of a class that cannot be changed: what was made by the class would not follow. */
export function fixedCauses(field: string, next: unknown, previous: unknown): Cause[] {
  return isEqual(next, previous) ? [] : [forbidden(field, `updates to ${field} are forbidden.`)];
}
