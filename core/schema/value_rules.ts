import { isEqual } from "../lib/equality.ts";
import { type Cause, invalid } from "./causes.ts";
import {
  type NameRule,
  portNameFaults,
  subdomainFaults,
  wildcardSubdomainFaults,
} from "./names.ts";

/**
 * Rules for single values that many kinds share. Each returns the causes why `value` is invalid at `field`, in the words of
 * k8s.io/apimachinery/pkg/util/validation.
 */

/** Applies a rule for names to `name`. A missing name is refused by the schema. */
export function nameCauses(field: string, name: string | undefined, rule: NameRule): Cause[] {
  return name ? rule(name).map((fault) => invalid(field, name, fault)) : [];
}

/** The same for a key of a map, which is there even when it is empty. */
export function keyCauses(field: string, key: string, rule: NameRule): Cause[] {
  return rule(key).map((fault) => invalid(`${field}[${key}]`, key, fault));
}

export function rangeCauses(field: string, value: number, least: number, most: number): Cause[] {
  return value >= least && value <= most
    ? []
    : [invalid(field, value, `must be between ${least} and ${most}, inclusive`)];
}

export function nonNegativeCauses(field: string, value: number | undefined): Cause[] {
  return value === undefined || value >= 0
    ? []
    : [invalid(field, value, "must be greater than or equal to 0")];
}

export function portNumberCauses(field: string, port: number): Cause[] {
  return rangeCauses(field, port, 1, 65535);
}

/** The number of a port, or its name. */
export function portCauses(field: string, port: number | string): Cause[] {
  return typeof port === "number"
    ? portNumberCauses(field, port)
    : portNameFaults(port).map((fault) => invalid(field, port, fault));
}

/** A path that stays below where it starts. */
export function localPathCauses(field: string, path: string): Cause[] {
  return [
    ...(path.startsWith("/") ? [invalid(field, path, "must be a relative path")] : []),
    ...backstepCauses(field, path),
  ];
}

export function backstepCauses(field: string, path: string): Cause[] {
  return path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];
}

/** A host of the Gateway API: a name, or `*.` and a name. */
export function hostnameCauses(field: string, host: string | undefined): Cause[] {
  return nameCauses(
    field,
    host,
    host?.startsWith("*.") ? wildcardSubdomainFaults : subdomainFaults,
  );
}

/** A field that stays as it was created. */
export function immutableCauses(field: string, next: unknown, previous: unknown): Cause[] {
  return isEqual(next, previous) ? [] : [invalid(field, next, "field is immutable")];
}
