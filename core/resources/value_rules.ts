import { type Cause, invalid } from "./causes.ts";

/**
 * Rules for single values that many kinds share. Each gives the causes why `value` may not stand at `field`,
 * in the words of k8s.io/apimachinery/pkg/util/validation.
 */

export function portNumberCauses(field: string, port: number): Cause[] {
  return rangeCauses(field, port, 1, 65535);
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

/** An IANA service name. */
export function portNameCauses(field: string, name: string): Cause[] {
  const faults: string[] = [];
  if (name.length > 15) faults.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(name)) {
    faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(name)) faults.push("must contain at least one letter (a-z)");
  if (name.includes("--")) faults.push("must not contain consecutive hyphens");
  if (/^-|-$/.test(name)) faults.push("must not begin or end with a hyphen");
  return faults.map((fault) => invalid(field, name, fault));
}

export function portCauses(field: string, port: number | string): Cause[] {
  return typeof port === "number" ? portNumberCauses(field, port) : portNameCauses(field, port);
}

/** A key of a ConfigMap or a Secret, and the file that it becomes. */
export function dataKeyCauses(field: string, key: string): Cause[] {
  const faults: string[] = [];
  if (key.length > 253) faults.push("must be no more than 253 characters");
  if (!/^[-._a-zA-Z0-9]+$/.test(key)) {
    faults.push(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    );
  }
  if (key === ".") faults.push("must not be '.'");
  else if (key === "..") faults.push("must not be '..'");
  else if (key.startsWith("..")) faults.push("must not start with '..'");
  return faults.map((fault) => invalid(field, key, fault));
}

/** All that an environment can hold: printable ASCII without `=`. */
export function envNameCauses(field: string, name: string): Cause[] {
  return /^[ -<>-~]+$/.test(name) ? [] : [
    invalid(
      field,
      name,
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
    ),
  ];
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
