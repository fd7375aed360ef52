import { type Cause, invalid } from "../../../schema/causes.ts";
import { embeddedCauses } from "../../../schema/custom/embedded_objects.ts";
import { asResource, isOfResource, shaped } from "../../../schema/custom/shaping.ts";
import { valueCauses } from "../../../schema/custom/value_checks.ts";
import type { Schema } from "../../../schema/schema.ts";

/** Whether every default is a value that its own schema allows. */
export function defaultCauses(root: Schema, field: string): Cause[] {
  return causesOf(asResource(root), field, false);
}

function causesOf(schema: Schema, field: string, isMetadata: boolean): Cause[] {
  const { items, properties = {} } = schema;
  const isResource = schema["x-kubernetes-embedded-resource"] === true;
  return [
    ...(schema.default === undefined ? [] : ownCauses(schema, `${field}.default`, isMetadata)),
    ...(items ? causesOf(items, `${field}.items`, isMetadata && !isResource) : []),
    ...Object.entries(properties).flatMap(([name, inner]) => {
      const isInside = (isMetadata && !isResource) || (isResource && isOfResource(name));
      return causesOf(inner, `${field}.properties[${name}]`, isInside);
    }),
  ];
}

function ownCauses(schema: Schema, field: string, isMetadata: boolean): Cause[] {
  const value = schema.default;
  const { unknown, fault } = shaped(schema, value, { isRoot: false });
  const pruned = unknown.length > 0 && !isMetadata
    ? [invalid(field, value, "must not have unknown fields")]
    : [];
  if (fault !== undefined) return [...pruned, invalid(field, value, fault)];
  const embedded = isMetadata ? [] : embeddedCauses(schema, value, field);
  if (embedded.length > 0) return [...pruned, ...embedded];
  const causes = valueCauses(schema, value, undefined).map((cause) => ({
    ...cause,
    field: cause.field === "<nil>" ? field : `${field}.${cause.field}`,
  }));
  return [...pruned, ...causes];
}
