import type { JsonObject } from "../../../lib/json/json_value.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";
import {
  compileRules,
  type RuleNode,
  validateRules,
} from "../../../schema/cel/rules/validation.ts";
import { embeddedCauses } from "../../../schema/custom/embedded_objects.ts";
import { listTypeCauses } from "../../../schema/custom/list_types.ts";
import { shaped } from "../../../schema/custom/shaping.ts";
import { NO_FIELD, valueCauses } from "../../../schema/custom/value_checks.ts";
import type { Schema } from "../../../schema/schema.ts";
import type { KubeObject, Reading, ScalePaths } from "../../resource.ts";
import type { ConvertedObjects } from "./converted_objects.ts";
import { scaleCauses } from "./scale_rules.ts";

export interface ReadingOptions {
  /** `example.com/v1`. */
  apiVersion: string;
  /** The version in which objects are stored. */
  storageApiVersion: string;
  schema: Schema;
  /** Of the version in which objects are stored. */
  storageSchema: Schema;
  scale: ScalePaths | undefined;
  /** Where a webhook converts; absent: versions differ in nothing but their shape. */
  conversions?: ConvertedObjects;
}

/** How a version of a custom resource is read and checked. */
export function customReading(options: ReadingOptions): Reading {
  const { schema, apiVersion, storageApiVersion, storageSchema, conversions } = options;
  const inVersion = (object: KubeObject, wanted: string) =>
    conversions ? conversions.inVersion(object, wanted) : renamed(object, wanted);
  let rules: { compiled: RuleNode | undefined } | undefined; // compiled at the first write
  const shown = new WeakMap<KubeObject, KubeObject>();
  return {
    read: (input) => {
      const { value, unknown, fault } = shaped(schema, input, { isRoot: true });
      const result = { value: value as JsonObject, causes: [], unknown };
      return fault === undefined ? result : { ...result, fault };
    },
    fromStored: (object) => {
      let known = shown.get(object);
      if (!known) {
        const own = inVersion(object, apiVersion);
        const { value } = shaped(schema, own, { isRoot: true, isStored: true });
        shown.set(object, known = value as KubeObject); // an object stays one
      }
      return known;
    },
    toStored: (object) => {
      const own = inVersion(object, storageApiVersion);
      if (!conversions || own === object) return own;
      return shaped(storageSchema, own as unknown as JsonObject, { isRoot: true })
        .value as KubeObject;
    },
    ...(conversions && { conversions }),
    check: (next, previous, { isOfStatus, causes }) => {
      const found = causesOf(options, next, previous, { isOfStatus });
      rules ??= { compiled: compileRules(schema) };
      const said = ruled(rules.compiled, next, previous, [...causes, ...found]);
      const warnings = [...finalizerWarnings(next, previous), ...said.warnings];
      return { causes: [...found, ...said.causes], warnings };
    },
  };
}

function renamed(object: KubeObject, apiVersion: string): KubeObject {
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** In the order of apiextensions-apiserver `pkg/registry/customresource/strategy.go`. */
function causesOf(
  { schema, scale }: ReadingOptions,
  next: KubeObject,
  previous: KubeObject | undefined,
  { isOfStatus }: { isOfStatus: boolean },
): Cause[] {
  const { metadata: _, ...content } = next;
  const own = isOfStatus
    ? statusCauses(schema, next, previous)
    : valueCauses(schema, content, previous && { value: previous });
  return [
    ...own,
    ...(scale ? scaleCauses(scale, next, { isOfStatus }) : []),
    ...(isOfStatus ? [] : embeddedCauses(schema, next)),
    ...listCauses(schema, next, previous),
  ];
}

const OWN_FINALIZERS = ["orphan", "foregroundDeletion", "kubernetes"];

/** New finalizers should say whose they are. */
function finalizerWarnings(next: KubeObject, previous: KubeObject | undefined): string[] {
  const before = previous?.metadata.finalizers ?? [];
  const added = (next.metadata.finalizers ?? []).filter((word) =>
    !before.includes(word) && !word.includes("/") && !OWN_FINALIZERS.includes(word)
  );
  return [...new Set(added)].sort().map((word) => {
    const how = word.includes(".") ? " including a path (/)" : "";
    return `metadata.finalizers: ${
      JSON.stringify(word)
    }: prefer a domain-qualified finalizer name${how} ` +
      "to avoid accidental conflicts with other finalizer writers";
  });
}

/** Of these, rules say nothing reliable. */
const BLOCKING: readonly Cause["reason"][] = [
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
];
const NOT_CHECKED = invalid(
  NO_FIELD,
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

/** What the rules in CEL say. */
function ruled(
  rules: RuleNode | undefined,
  next: KubeObject,
  previous: KubeObject | undefined,
  causes: readonly Cause[],
): { causes: Cause[]; warnings: string[] } {
  if (!rules) return { causes: [], warnings: [] };
  if (causes.some(({ reason }) => BLOCKING.includes(reason))) {
    return { causes: [NOT_CHECKED], warnings: [] };
  }
  return validateRules(rules, next, previous);
}

/** Of a status alone, the fields are named within it, as Kubernetes does. */
function statusCauses(schema: Schema, next: KubeObject, previous: KubeObject | undefined): Cause[] {
  const status = statusOf(next);
  const statusSchema = schema.properties?.["status"];
  if (status === undefined || !statusSchema) return [];
  const before = previous && statusOf(previous);
  return valueCauses(statusSchema, status, before === undefined ? undefined : { value: before })
    .map((cause) => ({
      ...cause,
      field: cause.field === NO_FIELD ? "status" : `status.${cause.field}`,
    }));
}

function statusOf(object: KubeObject): unknown {
  return (object as KubeObject & { status?: unknown }).status;
}

/** An object that has duplicates already may keep them. */
function listCauses(schema: Schema, next: KubeObject, previous: KubeObject | undefined): Cause[] {
  const causes = listTypeCauses(schema, next);
  const isOld = causes.length > 0 && previous && listTypeCauses(schema, previous).length > 0;
  return isOld ? [] : causes;
}
