import { ownField } from "../../../lib/own_field.ts";
import type { RuleSchema } from "./rule_schema.ts";

const STEP = /\.([^.[\]']+)|\['((?:[^'\\]|\\.)*)'\]/y;
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "'": "'",
  "\\": "\\",
};

/**
 * The path that a `fieldPath` such as `.spec.labels['a.b']` names, as paths are printed: `spec.labels[a.b]`; `undefined`
 * if there is no such field. Fields and keys of maps only.
 */
export function normalFieldPath(written: string, schema: RuleSchema): string | undefined {
  let [at, path] = [0, ""];
  let current: RuleSchema | undefined = schema;
  while (at < written.length) {
    STEP.lastIndex = at;
    const match = STEP.exec(written);
    const name = match && (match[1] ?? unescaped(match[2]!));
    if (!match || name === undefined || name === null) return undefined;
    at += match[0].length;
    if (current.properties) {
      current = ownField(current.properties, name);
      path = path ? `${path}.${name}` : name;
    } else {
      const { additionalProperties }: RuleSchema = current;
      current = typeof additionalProperties === "object" ? additionalProperties : undefined;
      path = `${path}[${name}]`;
    }
    if (!current) return undefined;
  }
  return path;
}

function unescaped(text: string): string | undefined {
  let isValid = true;
  const result = text.replace(/\\(.)/gs, (_, letter: string) => {
    const character = ownField(ESCAPES, letter);
    isValid &&= character !== undefined;
    return character ?? "";
  });
  return isValid ? result : undefined;
}
