import { isEqual } from "../../../lib/equality.ts";
import { formatOf } from "../../../schema/custom/string_formats.ts";
import type { Schema } from "../../../schema/schema.ts";
import type { Definition } from "../definition/definition.ts";

/** What a client should know of a definition that is accepted: what means nothing. */
export function definitionWarnings(next: Definition, previous: Definition | undefined): string[] {
  if (previous && isEqual(next.spec, previous.spec)) return [];
  const before = previous ? formatsIn(previous) : new Set();
  return [...formatsIn(next)].filter((format) => !before.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function formatsIn({ spec: { versions } }: Definition): Set<string> {
  const found = new Set<string>();
  for (const { schema } of versions) {
    if (schema?.openAPIV3Schema) collect(schema.openAPIV3Schema, found);
  }
  return found;
}

function collect(schema: Schema, found: Set<string>): void {
  const { type, format, items, properties = {}, additionalProperties } = schema;
  if (type === "string" && format && !formatOf(schema)) found.add(format);
  for (const inner of [items, additionalProperties, ...Object.values(properties)]) {
    if (typeof inner === "object") collect(inner, found);
  }
}
