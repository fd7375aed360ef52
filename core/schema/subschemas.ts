import type { Schema } from "./schema.ts";

/** The schema with another one wherever `old` itself stands in it. The same object when it stands nowhere. */
export function withSubschema(schema: Schema, old: Schema, replacement: Schema): Schema {
  if (schema === old) return replacement;
  const inner = (each: Schema) => withSubschema(each, old, replacement);
  const { properties, items, additionalProperties } = schema;
  const next = {
    ...(properties && { properties: mapped(properties, inner) }),
    ...(items && { items: inner(items) }),
    ...(additionalProperties && { additionalProperties: inner(additionalProperties) }),
  };
  const isSame = next.properties === properties && next.items === items &&
    next.additionalProperties === additionalProperties;
  return isSame ? schema : { ...schema, ...next };
}

function mapped(
  properties: Readonly<Record<string, Schema>>,
  change: (schema: Schema) => Schema,
): Readonly<Record<string, Schema>> {
  let isSame = true;
  const entries = Object.entries(properties).map(([name, each]) => {
    const next = change(each);
    isSame &&= next === each;
    return [name, next] as const;
  });
  return isSame ? properties : Object.fromEntries(entries);
}
