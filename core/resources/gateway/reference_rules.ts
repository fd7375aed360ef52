import { type Cause, invalid } from "../../schema/causes.ts";

interface Reference {
  group?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  sectionName?: string;
}

/**
 * Several references to one object must each name a section of it, and another one each: the rules that the Gateway API
 * writes in CEL, with their words. `what`: `parent` or `target`.
 */
export function sectionCauses(
  references: readonly Reference[],
  what: string,
  field: string,
): Cause[] {
  const plural = `${what}Refs`;
  const sections = new Map<string, string[]>();
  for (const { group, kind, namespace = "", name, sectionName = "" } of references) {
    const key = JSON.stringify([group, kind, namespace, name]);
    sections.set(key, [...sections.get(key) ?? [], sectionName]);
  }
  const all = [...sections.values()];
  const rule = (verb: string) =>
    `sectionName must be ${verb} when ${plural} includes 2 or more references to the same ${what}`;
  return [
    ...(all.some((names) => names.includes("") && names.some((name) => name !== ""))
      ? [invalid(field, "array", rule("specified"))]
      : []),
    ...(all.some((names) => new Set(names).size < names.length)
      ? [invalid(field, "array", rule("unique"))]
      : []),
  ];
}
