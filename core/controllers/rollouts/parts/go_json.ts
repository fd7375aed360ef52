import { ownField } from "../../../lib/own_field.ts";
import { isJsonObject, type JsonObject } from "../../../lib/json/json_value.ts";
import { escapedJson } from "../../../lib/json/sorted_json.ts";
import { canonicalQuantity, quantityFault } from "../../../schema/quantities.ts";
import type { Schema } from "../../../schema/schema.ts";

/**
 * The JSON that Go makes of a struct whose shape is `schema`: fields in the order of the schema, which is that of the struct;
 * keys of maps sorted; amounts in canonical form; nothing of what is empty where the struct leaves it out, and the empty
 * value of what it never leaves out. What the schema does not know is dropped.
 */
export function goJson(schema: Schema, value: unknown): string {
  if (schema.format === "quantity") return escapedJson(amountOf(value));
  if (Array.isArray(value)) {
    return `[${value.map((item) => goJson(schema.items ?? {}, item)).join(",")}]`;
  }
  if (!isJsonObject(value)) return escapedJson(value);
  if (schema.properties) return structOf(schema, value);
  const values = schema.additionalProperties ?? {};
  const entries = Object.keys(value).sort().map((key) =>
    `${escapedJson(key)}:${goJson(values, value[key])}`
  );
  return `{${entries.join(",")}}`;
}

function structOf(schema: Schema, value: JsonObject): string {
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties!).flatMap(([name, field]) => {
    const own = ownField(value, name);
    const isAlways = required.includes(name);
    if (own === undefined || own === null) {
      const zero = isAlways ? zeroOf(field) : zeroKept(schema, name, field);
      return zero === undefined ? [] : [`${escapedJson(name)}:${zero}`];
    }
    const isLeftOut = field["x-coracle-omit-empty"] && !isAlways && isEmpty(own);
    return isLeftOut ? [] : [`${escapedJson(name)}:${goJson(field, own)}`];
  });
  return `{${fields.join(",")}}`;
}

function zeroOf({ type, properties }: Schema): string {
  if (type === "string") return '""';
  if (type === "object") return properties ? "{}" : "null";
  if (type === "boolean") return "false";
  return type === "array" ? "null" : "0";
}

/** Of what need not be sent, and is in Go's JSON all the same. */
function zeroKept(parent: Schema, name: string, field: Schema): string | undefined {
  const has = (field: string) => Object.hasOwn(parent.properties!, field);
  if (name === "resources" && (has("image") || has("accessModes"))) return "{}"; // of containers and claims
  if (name === "metadata") return '{"creationTimestamp":null}';
  if (name === "creationTimestamp") return "null";
  if (name === "divisor") return '"0"';
  if (name === "sources" || (name === "service" && field.default === "")) return "null";
  return name === "value" && field.default === "" ? '""' : undefined;
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object") return Object.keys(value!).length === 0;
  return value === "" || value === 0 || value === false;
}

function amountOf(value: unknown): unknown {
  const text = typeof value === "number" ? numberText(value) : value;
  if (typeof text !== "string") return value;
  return quantityFault(text) === undefined ? canonicalQuantity(text) : text;
}

/** `1e-7` is no amount for some readers; a small number is written out. */
function numberText(value: number): string {
  const text = String(value);
  return /e-/.test(text) ? value.toFixed(20).replace(/0+$/, "") : text;
}
