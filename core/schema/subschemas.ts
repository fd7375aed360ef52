import type { Schema } from "./schema.ts";

/**
 * The schema with another one wherever `old` itself stands in it. The same object when it stands nowhere; a schema that
 * contains itself stays as it is there.
 */
export function withSubschema(schema: Schema, old: Schema, replacement: Schema): Schema {
  const around = new Set<Schema>();
  const replaced = (schema: Schema): Schema => {
    if (schema === old) return replacement;
    if (around.has(schema)) return schema;
    around.add(schema);
    const next = withParts(schema, replaced);
    around.delete(schema);
    return next;
  };
  return replaced(schema);
}

function withParts(schema: Schema, change: (schema: Schema) => Schema): Schema {
  const { properties, items, additionalProperties } = schema;
  const next = {
    ...(properties && { properties: mapped(properties, change) }),
    ...(items && { items: change(items) }),
    ...(additionalProperties && { additionalProperties: change(additionalProperties) }),
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
