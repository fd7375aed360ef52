import { isEqual } from "../../../lib/equality.ts";
import { ownField } from "../../../lib/own_field.ts";
import { type Cause, forbidden, invalid, missing } from "../../../schema/causes.ts";
import { patternFault } from "../../../schema/custom/patterns.ts";
import type { Schema } from "../../../schema/schema.ts";

type Level = "root" | "item" | "field";

/**
 * Whether a schema says of every value what type it has, apart from conditions on values. Causes are in the order of
 * their texts. Source: apiextensions-apiserver `pkg/apiserver/schema/{validation,complete}.go`.
 */
export function structuralCauses(schema: Schema, field: string): Cause[] {
  const causes = [
    ...invariantCauses(schema, "root", field),
    ...valueCompleteness(schema, schema, field, field),
  ];
  const texts = new Map(causes.map((cause) => [cause, `${cause.field}: ${cause.message}`]));
  return causes.sort((a, b) => texts.get(a)! < texts.get(b)! ? -1 : 1);
}

function propertyField(field: string, name: string): string {
  return `${field}.properties[${name}]`;
}

function invariantCauses(schema: Schema, level: Level, field: string): Cause[] {
  const { items, properties = {}, additionalProperties, type } = schema;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  return [
    ...(type === "array" && !items ? [missing(`${field}.items`, "must be specified")] : []),
    ...(items ? invariantCauses(items, "item", `${field}.items`) : []),
    ...Object.entries(properties).flatMap(([name, inner]) =>
      invariantCauses(inner, "field", propertyField(field, name))
    ),
    ...(additionalProperties !== undefined && level === "root"
      ? [forbidden(`${field}.additionalProperties`, "must not be used at the root")]
      : []),
    ...(isSchema(additionalProperties)
      ? invariantCauses(additionalProperties, "field", `${field}.additionalProperties`)
      : []),
    ...extensionCauses(schema, field),
    ...conditionCauses(schema, field, { isIntOrString: true }),
    ...typeCauses(schema, level, field),
    ...(isEmbedded && additionalProperties !== undefined
      ? [forbidden(
        `${field}.additionalProperties`,
        "must not be used if x-kubernetes-embedded-resource is set",
      )]
      : []),
    ...metadataCauses(schema, level, field),
    ...(isEmbedded && !keepsUnknown(schema) && Object.keys(properties).length === 0
      ? [missing(
        `${field}.properties`,
        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
      )]
      : []),
  ];
}

function isSchema(schema: Schema | boolean | undefined): schema is Schema {
  return typeof schema === "object";
}

function keepsUnknown(schema: Schema): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true;
}

const TYPE_MISSING = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function typeCauses(schema: Schema, level: Level, field: string): Cause[] {
  const { type } = schema;
  const at = `${field}.type`;
  if (schema["x-kubernetes-embedded-resource"] && type !== "object") {
    const text = "must be object if x-kubernetes-embedded-resource is true";
    return [type ? invalid(at, type, text) : missing(at, text)];
  }
  if (!type && !schema["x-kubernetes-int-or-string"] && !keepsUnknown(schema)) {
    return [missing(at, TYPE_MISSING[level])];
  }
  return level === "root" && type && type !== "object"
    ? [invalid(at, type, "must be object at the root")]
    : [];
}

function extensionCauses(schema: Schema, field: string): Cause[] {
  if (!schema["x-kubernetes-int-or-string"]) return [];
  const detail = "must be false if x-kubernetes-int-or-string is true";
  return (["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const)
    .filter((word) => schema[word]).map((word) => invalid(`${field}.${word}`, true, detail));
}

/** Of metadata, only the name may be restricted, and only at the root. */
function metadataCauses(schema: Schema, level: Level, field: string): Cause[] {
  const isResource = level === "root" || schema["x-kubernetes-embedded-resource"];
  const texts = isResource ? ["kind", "apiVersion"] : [];
  const metadata = ownField(schema.properties, "metadata");
  const at = propertyField(field, "metadata");
  return [
    ...texts.flatMap((name) => {
      const property = ownField(schema.properties, name);
      return !property || property.type === "string"
        ? []
        : [invalid(`${propertyField(field, name)}.type`, property.type ?? "", "must be string")];
    }),
    ...(metadata && isResource && metadata.type !== "object"
      ? [invalid(`${at}.type`, metadata.type ?? "", "must be object")]
      : []),
    ...(metadata && level === "root" && !isPlainMetadata(metadata)
      ? [forbidden(
        at,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      )]
      : []),
  ];
}

function isPlainMetadata({ type: _, default: __, properties = {}, ...rest }: Schema): boolean {
  const names = Object.keys(properties).filter((name) =>
    name !== "name" && name !== "generateName"
  );
  return names.length === 0 && Object.keys(rest).length === 0;
}

const INT_OR_STRING = [{ type: "integer" }, { type: "string" }];

/** Conditions on values must not say what the shape says. */
function conditionCauses(
  schema: Schema,
  field: string,
  { isIntOrString }: { isIntOrString: boolean },
): Cause[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const skipsAnyOf = isIntOrString && isEqual(anyOf, INT_OR_STRING);
  const skipsAllOf = isIntOrString && isEqual(allOf[0]?.anyOf ?? [], INT_OR_STRING);
  const fault = pattern ? patternFault(pattern) : undefined;
  return [
    ...(skipsAnyOf ? [] : anyOf.flatMap((each, i) => nestedCauses(each, `${field}.anyOf[${i}]`))),
    ...allOf.flatMap((each, i) =>
      nestedCauses(each, `${field}.allOf[${i}]`, { isIntOrString: skipsAllOf && i === 0 })
    ),
    ...oneOf.flatMap((each, i) => nestedCauses(each, `${field}.oneOf[${i}]`)),
    ...(not ? nestedCauses(not, `${field}.not`) : []),
    ...(fault === undefined ? [] : [
      invalid(
        `${field}.pattern`,
        pattern,
        `must be a valid regular expression, but isn't: ${fault}`,
      ),
    ]),
  ];
}

/** Words that a condition must not have, and how that is said. */
const FORBIDDEN: readonly [keyof Schema & string, string][] = [
  ["type", "must be empty to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
  ["x-kubernetes-map-type", "must be undefined to be structural"],
  ["x-kubernetes-validations", "must be empty to be structural"],
];

function nestedCauses(schema: Schema, field: string, { isIntOrString = false } = {}): Cause[] {
  const { items, properties = {} } = schema;
  const words = FORBIDDEN.filter(([word]) => schema[word] !== undefined);
  return [
    ...conditionCauses(schema, field, { isIntOrString }),
    ...(items ? nestedCauses(items, `${field}.items`) : []),
    ...Object.entries(properties).flatMap(([name, inner]) =>
      nestedCauses(inner, propertyField(field, name))
    ),
    ...words.map(([word, detail]) => forbidden(`${field}.${word}`, detail)),
    ...(ownField(properties, "metadata")
      ? [forbidden(propertyField(field, "metadata"), "must not be specified in a nested context")]
      : []),
  ];
}

/** Every value that a condition speaks of must have a shape. */
function valueCompleteness(
  condition: Schema,
  schema: Schema | undefined,
  field: string,
  conditionField: string,
): Cause[] {
  const { anyOf = [], allOf = [], oneOf = [], not } = condition;
  const inner = (each: Schema, at: string) =>
    nestedCompleteness(each, schema, field, `${conditionField}.${at}`);
  return [
    ...(not ? inner(not, "not") : []),
    ...allOf.flatMap((each, i) => inner(each, `allOf[${i}]`)),
    ...anyOf.flatMap((each, i) => inner(each, `anyOf[${i}]`)),
    ...oneOf.flatMap((each, i) => inner(each, `oneOf[${i}]`)),
  ];
}

function nestedCompleteness(
  condition: Schema,
  schema: Schema | undefined,
  field: string,
  conditionField: string,
): Cause[] {
  if (!schema) return [missing(field, `because it is defined in ${conditionField}`)];
  const { items, properties = {} } = condition;
  return [
    ...valueCompleteness(condition, schema, field, conditionField),
    ...(items
      ? nestedCompleteness(items, schema.items, `${field}.items`, `${conditionField}.items`)
      : []),
    ...Object.entries(properties).flatMap(([name, inner]) =>
      nestedCompleteness(
        inner,
        ownField(schema.properties, name),
        propertyField(field, name),
        propertyField(conditionField, name),
      )
    ),
  ];
}
