import { isJsonObject } from "../../../lib/json/json_value.ts";
import { ownField } from "../../../lib/own_field.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";
import type { KubeObject, ScalePaths } from "../../resource.ts";

const REPLICAS_MAX = 2 ** 31 - 1;

/** `.spec.replicas` as a path of fields. */
export function fieldsOf(path: string): string[] {
  return path.replace(/^\./, "").split(".");
}

/**
 * What is wrong with the numbers that the subresource `scale` shows. Source: apiextensions-apiserver
 * `pkg/registry/customresource/validator.go`.
 */
export function scaleCauses(
  { specReplicas, statusReplicas, selector }: ScalePaths,
  object: KubeObject,
  { isOfStatus }: { isOfStatus: boolean },
): Cause[] {
  return [
    ...(isOfStatus ? [] : replicaCauses(object, specReplicas)),
    ...replicaCauses(object, statusReplicas),
    ...(selector ? selectorCauses(object, selector) : []),
  ];
}

function replicaCauses(object: KubeObject, path: readonly string[]): Cause[] {
  const value = valueAt(object, path);
  const field = `.${path.join(".")}`;
  if (value === undefined) return [];
  if (typeof value !== "number" || !Number.isInteger(value)) {
    return [invalid(field, 0, accessorFault(path, value, "int64"))];
  }
  if (value < 0) return [invalid(field, value, "should be a non-negative integer")];
  if (value <= REPLICAS_MAX) return [];
  return [invalid(field, value, `should be less than or equal to ${REPLICAS_MAX}`)];
}

function selectorCauses(object: KubeObject, path: readonly string[]): Cause[] {
  const value = valueAt(object, path);
  if (value === undefined || typeof value === "string") return [];
  return [invalid(`.${path.join(".")}`, "", accessorFault(path, value, "string"))];
}

/** In the words of apimachinery's accessors of unstructured objects. */
function accessorFault(path: readonly string[], value: unknown, wanted: string): string {
  const type = Array.isArray(value)
    ? "[]interface {}"
    : value === null
    ? "<nil>"
    : typeof value === "object"
    ? "map[string]interface {}"
    : typeof value === "number"
    ? "float64"
    : typeof value === "boolean"
    ? "bool"
    : "string";
  const shown = typeof value === "object" ? JSON.stringify(value) : String(value);
  return `.${path.join(".")} accessor error: ${shown} is of the type ${type}, expected ${wanted}`;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => isJsonObject(inner) ? ownField(inner, name) : undefined,
    value,
  );
}
