import { isJsonObject, type JsonObject, objectIn } from "../../lib/json/json_value.ts";
import { readJson } from "../../lib/json/json_reader.ts";
import { ownField } from "../../lib/own_field.ts";
import { fieldsOf } from "../../schema/fields/claims.ts";
import { comparisonOf } from "../../schema/fields/comparison.ts";
import { difference, type FieldSet } from "../../schema/fields/field_set.ts";
import { typingFaults } from "../../schema/fields/typing.ts";
import type { ValueType } from "../../schema/fields/value_type.ts";
import { LAST_APPLIED, sorted } from "./last_applied.ts";

/** Whether the manager is `kubectl apply --server-side`, which goes on where its client-side apply has ended. */
export function isKubectl(manager: string): boolean {
  return manager === "kubectl";
}

/**
 * The fields that a client-side apply has set and that are still so: an apply of kubectl may take them from whoever has them.
 * `undefined`: nothing was applied so, or it cannot be read.
 */
export function allowedByLastApplied(type: ValueType, live: JsonObject): FieldSet | undefined {
  const last = lastAppliedIn(live);
  if (last === undefined || last["apiVersion"] !== live["apiVersion"]) return undefined;
  if (typingFaults(type, last).length > 0 || typingFaults(type, live).length > 0) return undefined;
  const fields = fieldsOf(type, last);
  const changes = comparisonOf(type, last, live);
  if (!changes) return fields;
  return difference(
    difference(difference(fields, changes.modified), changes.added),
    changes.removed,
  );
}

function lastAppliedIn(live: JsonObject): JsonObject | undefined {
  const text = lastAppliedText(live);
  if (text === "") return undefined;
  try {
    const value: unknown = readJson(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // somebody has written over it
  }
}

function lastAppliedText(object: JsonObject): string {
  const text = ownField(objectIn(objectIn(object, "metadata"), "annotations"), LAST_APPLIED);
  return typeof text === "string" ? text : "";
}

/** The object with what was sent as the annotation of client-side apply, where it has that: so that either goes on. */
export function withLastAppliedOf(object: JsonObject, sent: JsonObject): JsonObject {
  if (lastAppliedText(object) === "") return object;
  const metadata = objectIn(object, "metadata");
  const text = `${JSON.stringify(sorted(withoutLastApplied(sent)))}\n`;
  const annotations = { ...objectIn(metadata, "annotations"), [LAST_APPLIED]: text };
  return { ...object, metadata: { ...metadata, annotations } };
}

function withoutLastApplied(sent: JsonObject): JsonObject {
  const metadata = objectIn(sent, "metadata");
  if (ownField(objectIn(metadata, "annotations"), LAST_APPLIED) === undefined) return sent;
  const { [LAST_APPLIED]: _, ...annotations } = objectIn(metadata, "annotations");
  return { ...sent, metadata: { ...metadata, annotations } };
}
