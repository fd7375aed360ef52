import { ownField } from "../../../lib/own_field.ts";
import { type Cause, forbidden, invalid, missing, notSupported } from "../../../schema/causes.ts";
import {
  ruleDeclarationFaults,
  ruleExpressionFaults,
} from "../../../schema/cel/rules/rule_faults.ts";
import { isOfResource } from "../../../schema/custom/shaping.ts";
import type { Schema } from "../../../schema/schema.ts";
import { defaultCauses } from "./default_rules.ts";
import { listCauses } from "./list_rules.ts";
import { structuralCauses } from "./structural_rules.ts";

/** The words that definitions know and schemas of values do not. */
interface Props extends Omit<Schema, "items" | "additionalProperties"> {
  id?: string;
  $ref?: string;
  uniqueItems?: boolean;
  items?: Schema | readonly Schema[];
  additionalProperties?: Schema | boolean;
  additionalItems?: unknown;
  patternProperties?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
  dependencies?: unknown;
}

/** What is wrong with the schema of a version. */
export function schemaCauses(
  schema: Schema,
  field: string,
  { hasStatus }: { hasStatus: boolean },
): Cause[] {
  const causes = [
    ...(hasStatus ? rootCauses(schema, field) : []),
    ...(schema.nullable
      ? [forbidden(`${field}.nullable`, "nullable cannot be true at the root")]
      : []),
  ];
  if (!hasUnsupported(schema)) {
    const structural = structuralCauses(schema, field);
    causes.push(...(structural.length > 0 ? structural : defaultCauses(schema, field)));
  }
  causes.push(...propsCauses(schema, field, { isRoot: true }));
  causes.push(...ruleDeclarationFaults(schema, field));
  return causes.length > 0 ? causes : ruleExpressionFaults(schema, field);
}

/** Beside a status that is a resource of its own, the root can say only what is kept when the status is taken out. */
const NOT_AT_ROOT = [
  "default",
  "enum",
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "additionalProperties",
  "maxProperties",
  "minProperties",
  "nullable",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-list-type",
  "x-kubernetes-map-type",
] as const;
const AT_ROOT =
  "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength " +
  "Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example " +
  "XPreserveUnknownFields XValidations]";

function rootCauses(schema: Schema, field: string): Cause[] {
  if (schema.type !== undefined && schema.type !== "object") {
    const detail =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    return [invalid(`${field}.type`, schema.type, detail)];
  }
  if (!NOT_AT_ROOT.some((word) => schema[word] !== undefined)) return [];
  const detail =
    `only ${AT_ROOT} fields are allowed at the root of the schema if the status subresource is enabled`;
  return [invalid(field, schema, detail)];
}

/** Whether the schema has words of which no shape can be made; then only they are told. */
function hasUnsupported(schema: Schema): boolean {
  const props = schema as Props;
  return Object.keys(UNSUPPORTED).some((word) => props[word as keyof Props] !== undefined) ||
    props.uniqueItems === true || Array.isArray(props.items) ||
    subschemasOf(schema).some(({ schema }) => hasUnsupported(schema));
}

const UNSUPPORTED = {
  id: "id is not supported",
  additionalItems: "additionalItems is not supported",
  patternProperties: "patternProperties is not supported",
  definitions: "definitions is not supported",
  dependencies: "dependencies is not supported",
  $ref: "$ref is not supported",
};
const TYPES = ["array", "boolean", "integer", "number", "object", "string"];

interface Place {
  isRoot?: boolean;
  /** Within what every object has. */
  isMetadata?: boolean;
  /** Why there may be no default here. */
  noDefault?: string;
}

function propsCauses(schema: Schema, field: string, place: Place): Cause[] {
  return [
    ...wordCauses(schema as Props, field, place),
    ...subschemasOf(schema).flatMap(({ schema: inner, at, property }) =>
      propsCauses(inner, `${field}.${at}`, placeOf(schema, place, { at, property }))
    ),
    ...listCauses(schema, field),
  ];
}

function placeOf(
  schema: Schema,
  { isRoot, isMetadata, noDefault }: Place,
  { at, property }: { at: string; property: string | undefined },
): Place {
  if (at === "additionalProperties" && isMetadata) {
    return { isMetadata, noDefault: "inside additionalProperties applying to object metadata" };
  }
  const isOfObject = property !== undefined && isOfResource(property) &&
    (isRoot || schema["x-kubernetes-embedded-resource"]);
  const inner = { isMetadata: isMetadata || Boolean(isOfObject) };
  const reason = isOfObject && isRoot ? `in top-level ${property}` : noDefault;
  return reason === undefined ? inner : { ...inner, noDefault: reason };
}

function wordCauses(schema: Props, field: string, { isMetadata, noDefault }: Place): Cause[] {
  const { type, items } = schema;
  const unsupported = Object.entries(UNSUPPORTED).filter(([word]) =>
    ownField(schema as never, word)
  );
  return [
    ...(type && !TYPES.includes(type) ? [notSupported(`${field}.type`, type, TYPES)] : []),
    ...(schema.default !== undefined && noDefault !== undefined
      ? [forbidden(`${field}.default`, `must not be set ${noDefault}`)]
      : []),
    ...unsupported.map(([word, detail]) => forbidden(`${field}.${word}`, detail)),
    ...(Array.isArray(items)
      ? [forbidden(`${field}.items`, "items must be a schema object and not an array")]
      : []),
    ...(isMetadata && schema["x-kubernetes-embedded-resource"]
      ? [forbidden(
        `${field}.x-kubernetes-embedded-resource`,
        "must not be used inside of resource meta",
      )]
      : []),
    ...(schema.uniqueItems
      ? [forbidden(
        `${field}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      )]
      : []),
    ...mapCauses(schema, field),
  ];
}

function mapCauses(schema: Props, field: string): Cause[] {
  const { additionalProperties, properties, type } = schema;
  const mapType = schema["x-kubernetes-map-type"] as string | undefined;
  const mustBeObject = "must be object if x-kubernetes-map-type is specified";
  return [
    ...(additionalProperties !== undefined && additionalProperties !== true && properties
      ? [forbidden(
        `${field}.additionalProperties`,
        "additionalProperties and properties are mutual exclusive",
      )]
      : []),
    ...(schema["x-kubernetes-preserve-unknown-fields"] as boolean | undefined === false
      ? [invalid(
        `${field}.x-kubernetes-preserve-unknown-fields`,
        false,
        "must be true or undefined",
      )]
      : []),
    ...(mapType !== undefined && type !== "object"
      ? [
        type
          ? invalid(`${field}.type`, type, mustBeObject)
          : missing(`${field}.type`, mustBeObject),
      ]
      : []),
    ...(mapType !== undefined && !["atomic", "granular"].includes(mapType)
      ? [notSupported(`${field}.x-kubernetes-map-type`, mapType, ["atomic", "granular"])]
      : []),
  ];
}

/** The schemas within a schema, and where they are. */
function subschemasOf(schema: Schema): { schema: Schema; at: string; property?: string }[] {
  const { additionalProperties, properties = {}, not, items } = schema as Props;
  const numbered = (word: "allOf" | "oneOf" | "anyOf") =>
    (schema[word] ?? []).map((inner, i) => ({ schema: inner, at: `${word}[${i}]` }));
  return [
    ...(typeof additionalProperties === "object"
      ? [{ schema: additionalProperties, at: "additionalProperties" }]
      : []),
    ...Object.entries(properties).map(([property, inner]) => (
      { schema: inner, at: `properties[${property}]`, property }
    )),
    ...(not ? [{ schema: not, at: "not" }] : []),
    ...numbered("allOf"),
    ...numbered("oneOf"),
    ...numbered("anyOf"),
    ...(items && !Array.isArray(items) ? [{ schema: items as Schema, at: "items" }] : []),
  ];
}
