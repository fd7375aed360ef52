import { cloneJson, isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import type { Schema } from "../../schema/schema.ts";
import { badRequest } from "../../client/refusals.ts";
import {
  fieldSchema,
  identityOf,
  inOrder,
  isMerged,
  mergeKeyOf,
  strategiesOf,
} from "./list_merge.ts";
import { DIRECTIVE, keyedItem, patchedItems, shown, unknownDirective } from "./list_patch.ts";

const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM_LIST = "$deleteFromPrimitiveList/";
const SET_ORDER = "$setElementOrder/";

/**
 * Kubernetes' strategic merge patch: like a merge patch, but lists whose schema names a merge key are merged
 * item by item. Directives: `$patch: replace|delete`, `$retainKeys`, `$deleteFromPrimitiveList/FIELD`,
 * `$setElementOrder/FIELD`. Neither argument is changed; throws BadRequest for a patch that makes no sense.
 *
 * Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
export function strategicMergePatch(target: unknown, patch: unknown, schema: Schema): unknown {
  if (!isJsonObject(patch)) throw badRequest("error decoding patch: a patch is an object");
  return mergeObject(isJsonObject(target) ? target : {}, patch, schema);
}

function mergeObject(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const { [DIRECTIVE]: directive, [RETAIN_KEYS]: retained, ...fields } = patch;
  if (directive === "delete") return {};
  if (directive === "replace") return withoutNulls(fields);
  if (directive !== undefined && directive !== "merge") throw unknownDirective(directive, patch);
  const result = retained === undefined ? { ...target } : onlyRetained(target, fields, retained);
  for (const [field, value] of Object.entries(fields)) {
    if (isDirective(field)) continue;
    if (value === null) delete result[field];
    else result[field] = mergeValue(ownField(result, field), value, fieldSchema(schema, field));
  }
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith(DELETE_FROM_LIST)) {
      deleteItems(result, field.slice(DELETE_FROM_LIST.length), value);
    }
  }
  for (const [field, order] of Object.entries(fields)) {
    if (!field.startsWith(SET_ORDER)) continue;
    const name = field.slice(SET_ORDER.length);
    const key = mergeKeyOf(fieldSchema(schema, name));
    const [patched, before] = [ownField(fields, name), ownField(target, name)];
    setOrder(result, name, { order, key, patched, before });
  }
  return result;
}

/** Other names that begin so are fields. */
function isDirective(field: string): boolean {
  return field === DIRECTIVE || field === RETAIN_KEYS || field.startsWith(DELETE_FROM_LIST) ||
    field.startsWith(SET_ORDER);
}

function mergeValue(target: unknown, patch: unknown, schema: Schema): unknown {
  if (isJsonObject(patch)) {
    const replaces = strategiesOf(schema).includes("replace");
    return mergeObject(isJsonObject(target) && !replaces ? target : {}, patch, schema);
  }
  if (!Array.isArray(patch)) return cloneJson(patch);
  if (!isMerged(schema)) return cloneJson(patch);
  const before = Array.isArray(target) ? target : [];
  const key = mergeKeyOf(schema);
  if (key === undefined) return mergePrimitives(before, patch);
  return mergeItems(before, patch, key, schema.items ?? {});
}

function mergePrimitives(before: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const all = [...new Set([...before, ...patch])];
  return inOrder(all, patch, before, undefined);
}

function mergeItems(
  before: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  schema: Schema,
): unknown[] {
  const items = patch.map((item) => keyedItem(item, key));
  if (items.some((item) => item[DIRECTIVE] === "replace")) {
    return items.filter((item) => item[DIRECTIVE] === undefined).map(withoutNulls);
  }
  const merge = (target: JsonObject = {}, item: JsonObject) => mergeObject(target, item, schema);
  return patchedItems(before, items, { key, merge });
}

function deleteItems(result: JsonObject, field: string, values: unknown): void {
  const list = ownField(result, field);
  if (!Array.isArray(values)) throw badRequest(`${DELETE_FROM_LIST}${field} must be a list`);
  const gone = new Set<unknown>(values);
  if (Array.isArray(list)) result[field] = list.filter((item) => !gone.has(item));
}

interface Order {
  order: unknown;
  key: string | undefined;
  /** The list in the patch, whose items must come in the same order. */
  patched: unknown;
  before: unknown;
}

function setOrder(result: JsonObject, field: string, { order, key, patched, before }: Order): void {
  if (!Array.isArray(order)) throw badRequest(`${SET_ORDER}${field} must be a list`);
  if (Array.isArray(patched)) refuseOtherOrder(patched, order, field, key);
  const list = ownField(result, field);
  if (!Array.isArray(list)) return;
  result[field] = inOrder(list, order, Array.isArray(before) ? before : [], key);
}

function refuseOtherOrder(
  patched: readonly unknown[],
  order: readonly unknown[],
  field: string,
  key: string | undefined,
): void {
  const kept = patched.filter((item) => !isJsonObject(item) || item[DIRECTIVE] === undefined);
  let at = 0;
  for (const wanted of order) {
    if (at < kept.length && identityOf(kept[at], key) === identityOf(wanted, key)) at++;
  }
  if (at < kept.length) {
    throw badRequest(
      `The order in patch list: ${shown(patched)} doesn't match ${SET_ORDER}${field} list: ${
        shown(order)
      }`,
    );
  }
}

function onlyRetained(target: JsonObject, patch: JsonObject, retained: unknown): JsonObject {
  const names = new Set<unknown>(Array.isArray(retained) ? retained : []);
  const isRetained = (field: string) => names.has(field);
  const stray = Object.entries(patch).find(([field, value]) =>
    value !== null && !isDirective(field) && !isRetained(field)
  );
  if (!Array.isArray(retained) || stray) {
    throw badRequest("patch is in an invalid format: all its fields must be in $retainKeys");
  }
  return Object.fromEntries(Object.entries(target).filter(([field]) => isRetained(field)));
}

function withoutNulls(value: JsonObject): JsonObject {
  const kept = Object.entries(value).filter(([field, inner]) =>
    inner !== null && !isDirective(field)
  );
  return Object.fromEntries(
    kept.map((
      [field, inner],
    ) => [field, isJsonObject(inner) ? withoutNulls(inner) : cloneJson(inner)]),
  );
}
