import {
  anything,
  boolean,
  fallback,
  flag,
  list,
  listMap,
  long,
  mapOf,
  number,
  object,
  omitEmpty,
  type Schema,
  string,
  type ValidationRule,
} from "../../../schema/schema.ts";

const validationRule: Schema<ValidationRule> = object("A rule in CEL.", {
  rule: fallback(
    "",
    string("An expression that is true for what is allowed; `self` is the value."),
  ),
  message: string("What is said when it is false."),
  messageExpression: string("An expression that makes the message."),
  reason: string("Reason of the cause. Default: FieldValueInvalid."),
  fieldPath: string("The field to name, from here: `.spec.x`."),
  optionalOldSelf: boolean("Whether the rule is asked without an old value, too."),
});

/** Filled below: a schema contains schemas. */
const properties: Record<string, Schema> = {};

/**
 * A schema within a CustomResourceDefinition:
 * https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/custom-resource-definition-v1/#JSONSchemaProps
 */
export const jsonSchemaProps: Schema<Schema> = {
  type: "object",
  description: "The shape of a value, in the words of OpenAPI v3.",
  properties,
};

/** Few objects for many fields, so that whoever follows the schema into itself soon meets what it knows. */
const orArray: Schema = { ...jsonSchemaProps, "x-coracle-or": "array" };
const orBoolean: Schema = { ...jsonSchemaProps, "x-coracle-or": "boolean" };
const named = (description: string) => mapOf(description, jsonSchemaProps as Schema);
const all = (description: string) => list(description, jsonSchemaProps as Schema);

Object.assign(properties, {
  "id": string("Not supported."),
  "$schema": string("Version of the schema language."),
  "$ref": kept(string("Not supported.")),
  description: string("What the value means."),
  type: string("object, array, string, integer, number or boolean."),
  format: string("A further condition on the value, e.g. date-time."),
  title: string("A short name."),
  default: anything("What an absent value becomes."),
  maximum: number("The largest value."),
  exclusiveMaximum: flag("Whether the largest value itself is too large."),
  minimum: number("The smallest value."),
  exclusiveMinimum: flag("Whether the smallest value itself is too small."),
  maxLength: long("Most characters of a string."),
  minLength: long("Fewest characters of a string."),
  pattern: string("A regular expression that a string has to match."),
  maxItems: long("Most items of a list."),
  minItems: long("Fewest items of a list."),
  uniqueItems: flag("Not supported."),
  multipleOf: number("What a number has to be a multiple of."),
  enum: list("The values that are allowed.", anything("A value.")),
  maxProperties: long("Most fields of an object."),
  minProperties: long("Fewest fields of an object."),
  required: list("Fields that must be there.", string("A field.")),
  items: orArray,
  allOf: all("Schemas that must all hold."),
  oneOf: all("Schemas of which exactly one must hold."),
  anyOf: all("Schemas of which one must hold."),
  not: jsonSchemaProps,
  properties: named("Shapes of the fields of an object."),
  additionalProperties: orBoolean,
  patternProperties: named("Not supported."),
  dependencies: mapOf("Not supported.", orArray),
  additionalItems: orBoolean,
  definitions: named("Not supported."),
  externalDocs: object("Where more is said.", {
    description: string("What is said there."),
    url: string("Where it is."),
  }),
  example: anything("An example."),
  nullable: flag("Whether null is a value."),
  "x-kubernetes-preserve-unknown-fields": boolean("Whether fields that are not named are kept."),
  "x-kubernetes-embedded-resource": flag("Whether the value is a whole object of some kind."),
  "x-kubernetes-int-or-string": flag("Whether the value is a whole number or a string."),
  "x-kubernetes-list-map-keys": list("The fields that tell items apart.", string("A field.")),
  "x-kubernetes-list-type": kept(string("atomic, set or map.")),
  "x-kubernetes-map-type": kept(string("granular or atomic.")),
  "x-kubernetes-validations": omitEmpty({
    ...listMap("Rules in CEL.", ["rule"], validationRule),
    "x-coracle-duplicates": true as const,
    "x-kubernetes-patch-merge-key": "rule",
    "x-kubernetes-patch-strategy": "merge",
  }),
});

/** A pointer to a string in Go's types: an empty one is kept. */
function kept({ "x-coracle-omit-empty": _, ...schema }: Schema): Schema {
  return schema;
}
