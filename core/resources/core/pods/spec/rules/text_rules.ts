import { type Cause, invalid } from "../../../../../schema/causes.ts";

/**
 * The texts of a value that have a NUL in them. To the kernel a path, an argument or a variable ends there: what was
 * checked would be one text, and what is opened or run another. The Go programs of Kubernetes refuse such a text when
 * they come to use it. `field` is the path of the value.
 */
export function nulCauses(value: unknown, field: string): Cause[] {
  const causes: Cause[] = [];
  findNul(value, field, causes);
  return causes;
}

function findNul(value: unknown, field: string, causes: Cause[]): void {
  if (typeof value === "string") {
    if (value.includes("\0")) causes.push(invalid(field, value, "must not contain NUL characters"));
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) findNul(value[i], `${field}[${i}]`, causes);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) findNul(inner, `${field}.${name}`, causes);
  }
}
