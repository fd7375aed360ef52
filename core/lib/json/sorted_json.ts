import { isJsonObject } from "./json_value.ts";

const ESCAPED: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** JSON as Go writes a value that it has read: fields by their names, and nothing that HTML could take for its own. */
export function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (!isJsonObject(value)) return escapedJson(value);
  const fields = Object.keys(value).sort();
  return `{${
    fields.map((field) => `${escapedJson(field)}:${sortedJson(value[field])}`).join(",")
  }}`;
}

/** A value as Go writes it, whose fields are in the order of its structure. */
export function escapedJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (each) => ESCAPED[each]!);
}
