import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { isEqual } from "../../lib/equality.ts";
import { ownField } from "../../lib/own_field.ts";
import { type Cause, invalid, missing, notSupported, tooLong, tooMany } from "../causes.ts";
import { CAUSES_MAX } from "../report.ts";
import type { Schema } from "../schema.ts";
import { formatOf, isOfFormat } from "./string_formats.ts";
import { matcherOf } from "./patterns.ts";

/**
 * Checks a value of a custom resource against its schema; returns every cause, at most 100, in the words of
 * k8s.io/kube-openapi `pkg/validation`.
 *
 * `previous`: of an update, the value that is stored. What is wrong with it already may stay wrong in a part that does
 * not change: a field, a value of a map, an item of a list that is a map.
 */
export function valueCauses(
  schema: Schema,
  value: unknown,
  previous: { value: unknown } | undefined,
): Cause[] {
  return checked({ schema, value, previous, path: "" }).causes;
}

/** A value, and what is stored in its place. */
interface Place {
  schema: Schema;
  value: unknown;
  previous: { value: unknown } | undefined;
  /** E.g. `spec.ports[0]`; empty at the root. */
  path: string;
}

/** What was found. Of several alternatives that all fail, the one with the most points is told. */
class Finding {
  readonly causes: Cause[] = [];
  points = 0;

  refuse(cause: Cause): void {
    if (this.isFull) return;
    const isKnown = this.causes.some(({ field, message }) =>
      field === cause.field && message === cause.message
    );
    if (!isKnown) this.causes.push(cause);
  }

  get isFull(): boolean {
    return this.causes.length >= CAUSES_MAX;
  }

  take({ causes, points }: Finding): void {
    for (const cause of causes) this.refuse(cause);
    this.points += points;
  }
}

function checked(place: Place): Finding {
  const finding = unexcused(place);
  const { value, previous } = place;
  if (finding.causes.length === 0 || !previous || !isEqual(value, previous.value)) return finding;
  const excused = new Finding();
  excused.points = finding.points;
  return excused;
}

/** What is wrong with the value, even where it is what is stored; parts of it are excused for that. */
function unexcused(place: Place): Finding {
  const finding = new Finding();
  const { schema, value } = place;
  if (value === null) {
    checkType(place, finding);
    checkEnum(place, finding);
    return finding;
  }
  if (schema.type || isIntOrString(schema) || formatOf(schema)) {
    checkType(place, finding);
    finding.points++;
  }
  if (hasAlternatives(schema)) checkAlternatives(place, finding);
  finding.points += 2;
  checkByType(place, finding);
  checkEnum(place, finding);
  finding.points += 2;
  return finding;
}

function checkByType(place: Place, finding: Finding): void {
  const { value } = place;
  if (typeof value === "string") checkText(place, value, finding);
  else if (typeof value === "number") checkNumber(place, value, finding);
  else if (Array.isArray(value)) checkItems(place, value, finding);
  else if (isJsonObject(value)) checkFields(place, value, finding);
}

function isIntOrString(schema: Schema): boolean {
  return schema["x-kubernetes-int-or-string"] === true;
}

function typesOf(schema: Schema): readonly string[] {
  if (isIntOrString(schema)) return ["integer", "string"];
  return schema.type ? [schema.type] : [];
}

/** A field of a cause; the root has none. */
function fieldOf(path: string): string {
  return path === "" ? NO_FIELD : path.replace(/^\./, "");
}
export const NO_FIELD = "<nil>";

function checkType({ schema, value, path }: Place, finding: Finding): void {
  const types = typesOf(schema);
  if (value === null) {
    if (types.length > 0 && !schema.nullable) refuseType(finding, path, types.join(","), "null");
    return;
  }
  const type = typeOf(value);
  const format = formatOf(schema);
  const isTyped = types.includes(type) || (type === "integer" && types.includes("number"));
  const isText = type === "string" || type === "array";
  if (!isText && format && !isTyped) {
    const given = type === "integer" ? "int64" : type === "number" ? "double" : "";
    refuseType(finding, path, format, given);
  } else if (isText && format && !types.includes("number") && !types.includes("integer")) {
    finding.points++; // left to the format
  } else if (!isTyped) refuseType(finding, path, types.join(","), type);
  else finding.points++;
}

function refuseType(finding: Finding, path: string, type: string, given: string): void {
  const text = `${path} in body must be of type ${type}: ${JSON.stringify(given)}`;
  const cause = invalid(fieldOf(path), given, text);
  finding.refuse({ ...cause, reason: "FieldValueTypeInvalid" });
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function checkEnum({ schema, value, path }: Place, finding: Finding): void {
  const words = schema.enum;
  if (!words || words.length === 0 || words.some((word) => isEqual(word, value))) return;
  const shown = words.map((word) => typeof word === "string" ? word : JSON.stringify(word));
  finding.refuse(notSupported(fieldOf(path), value, shown));
}

/** The first fault is told. */
function checkText({ schema, path }: Place, text: string, finding: Finding): void {
  const fault = textFault(schema, text, path);
  if (fault) finding.refuse(fault);
  const format = formatOf(schema);
  if (!format) return;
  finding.points++;
  if (!isOfFormat(format, text)) refuseType(finding, path, format, text);
}

function textFault(schema: Schema, text: string, path: string): Cause | undefined {
  const { maxLength, minLength, pattern } = schema;
  const field = fieldOf(path);
  if (maxLength !== undefined && text.length > maxLength && lengthOf(text) > maxLength) {
    return tooLong(field, maxLength);
  }
  if (minLength !== undefined && lengthOf(text) < minLength) {
    return invalid(field, text, `${path} in body should be at least ${minLength} chars long`);
  }
  if (pattern && !matcherOf(pattern)(text)) {
    return invalid(field, text, `${path} in body should match '${pattern}'`);
  }
  return undefined;
}

function lengthOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function checkNumber({ schema, path }: Place, value: number, finding: Finding): void {
  const refuse = (what: string) =>
    finding.refuse(invalid(fieldOf(path), value, `${path} in body should be ${what}`));
  const { multipleOf, maximum, minimum, exclusiveMaximum, exclusiveMinimum } = schema;
  if (multipleOf && !isMultiple(value, multipleOf)) refuse(`a multiple of ${multipleOf}`);
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    refuse(`greater than ${exclusiveMinimum ? "" : "or equal to "}${minimum}`);
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    refuse(`less than ${exclusiveMaximum ? "" : "or equal to "}${maximum}`);
  }
  finding.points++;
}

/** Factors below 1 are turned round, as kube-openapi does: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, factor: number): boolean {
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  return Number.isInteger(quotient);
}

function checkItems(place: Place, items: readonly unknown[], finding: Finding): void {
  const { schema, path } = place;
  if (schema.items) {
    const previousOf = previousItems(place);
    for (let i = 0; i < items.length && !finding.isFull; i++) {
      finding.take(checked({
        schema: schema.items,
        value: items[i],
        previous: previousOf(items[i]),
        path: `${path}[${i}]`,
      }));
    }
  }
  const { minItems, maxItems } = schema;
  const { length } = items;
  if (minItems !== undefined && length < minItems) {
    const text = `${path} in body should have at least ${minItems} items`;
    finding.refuse(invalid(fieldOf(path), length, text));
  }
  if (maxItems !== undefined && length > maxItems) {
    finding.refuse(tooMany(fieldOf(path), length, maxItems));
  }
  finding.points++;
}

/** Finds the stored item with the same keys; other lists have no items that could be told apart. */
function previousItems({ schema, previous }: Place) {
  const keys = schema["x-kubernetes-list-map-keys"];
  const isMap = schema["x-kubernetes-list-type"] === "map";
  if (!keys || !isMap || !previous || !Array.isArray(previous.value)) return () => undefined;
  const keyOf = (item: unknown) =>
    JSON.stringify(keys.map((key) => isJsonObject(item) ? ownField(item, key) ?? null : null));
  const byKey = new Map(previous.value.map((item) => [keyOf(item), { value: item as unknown }]));
  return (item: unknown) => byKey.get(keyOf(item));
}

function checkFields(place: Place, object: JsonObject, finding: Finding): void {
  const { schema, path } = place;
  const { minProperties, maxProperties, properties, additionalProperties, required } = schema;
  const { length } = Object.keys(object);
  if (minProperties !== undefined && length < minProperties) {
    const text = `${path} in body should have at least ${minProperties} properties`;
    finding.refuse(invalid(fieldOf(path), length, text));
  }
  if (maxProperties !== undefined && length > maxProperties) {
    finding.refuse(tooMany(fieldOf(path), length, maxProperties));
  }
  for (const name in object) {
    const known = ownField(properties, name);
    const inner = known ?? additionalProperties;
    if (!inner || finding.isFull) continue;
    finding.take(checked({
      schema: inner,
      value: object[name],
      previous: previousField(place, name),
      path: known && path === "" ? name : `${path}.${name}`,
    }));
  }
  for (const name of required ?? []) {
    if (!Object.hasOwn(object, name)) finding.refuse(missing(fieldOf(`${path}.${name}`)));
  }
}

/** Of a stored object, the field; not that of the kind itself, which is not stored so. */
function previousField({ previous, path }: Place, name: string): { value: unknown } | undefined {
  if (!previous || !isJsonObject(previous.value) || !Object.hasOwn(previous.value, name)) {
    return undefined;
  }
  return path === "" && (name === "kind" || name === "apiVersion")
    ? undefined
    : { value: previous.value[name] };
}

function hasAlternatives({ anyOf, oneOf, allOf, not }: Schema): boolean {
  return (anyOf ?? oneOf ?? allOf ?? not) !== undefined;
}

function checkAlternatives(place: Place, finding: Finding): void {
  const { anyOf = [], oneOf = [], allOf = [], not } = place.schema;
  if (anyOf.length > 0) checkAnyOf(place, anyOf, finding);
  if (oneOf.length > 0) checkOneOf(place, oneOf, finding);
  if (allOf.length > 0) checkAllOf(place, allOf, finding);
  if (not && isFine(alternative(place, not))) {
    refuseWhole(finding, place, "must not validate the schema (not)");
  }
}

function alternative(place: Place, schema: Schema): Finding {
  return unexcused({ ...place, schema });
}

function isFine({ causes }: Finding): boolean {
  return causes.length === 0;
}

function refuseWhole(finding: Finding, { path }: Place, what: string): void {
  finding.refuse(invalid(NO_FIELD, "", `${JSON.stringify(path)} ${what}`));
}

function checkAnyOf(place: Place, schemas: readonly Schema[], finding: Finding): void {
  let best: Finding | undefined;
  for (const schema of schemas) {
    const found = alternative(place, schema);
    if (isFine(found)) return finding.take(found);
    if (!best || found.points > best.points) best = found;
  }
  refuseWhole(finding, place, "must validate at least one schema (anyOf)");
  finding.take(best!);
}

function checkOneOf(place: Place, schemas: readonly Schema[], finding: Finding): void {
  const found = schemas.map((schema) => alternative(place, schema));
  const fine = found.filter(isFine);
  if (fine.length === 1) return finding.take(fine[0]!);
  const how = fine.length === 0 ? "Found none valid" : `Found ${fine.length} valid alternatives`;
  refuseWhole(finding, place, `must validate one and only one schema (oneOf). ${how}`);
  if (fine.length > 0) return;
  finding.take(found.reduce((best, next) => next.points > best.points ? next : best));
}

function checkAllOf(place: Place, schemas: readonly Schema[], finding: Finding): void {
  const found = schemas.map((schema) => alternative(place, schema));
  for (const each of found) finding.take(each);
  const fine = found.filter(isFine).length;
  if (fine === found.length) return;
  const how = fine === 0 ? ". None validated" : "";
  refuseWhole(finding, place, `must validate all the schemas (allOf)${how}`);
}
