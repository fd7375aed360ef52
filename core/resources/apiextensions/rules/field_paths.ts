import { ownField } from "../../../lib/own_field.ts";
import type { Schema } from "../../../schema/schema.ts";

const NO_FIELD = "does not refer to a valid field";

/**
 * The schema at a path such as `.spec.ports['http']`, or why there is none. Source: apiextensions-apiserver
 * `pkg/apiserver/schema/cel/validation.go`, ValidFieldPath.
 */
export function fieldAt(
  root: Schema,
  path: string,
  { arrays }: { arrays: boolean },
): { schema: Schema } | { fault: string } {
  let schema = root;
  let rest = path;
  while (rest !== "") {
    const named = /^\.([A-Za-z_][\w-]*)/.exec(rest);
    const quoted = /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest);
    const index = /^\[\d+\]/.exec(rest);
    const [matched] = named ?? quoted ?? index ?? [];
    if (matched === undefined) {
      const isBegun = /^[[.]/.test(rest);
      const given = /^[\w-]+|^./.exec(rest)![0];
      return { fault: isBegun ? NO_FIELD : `expected [ or . but got: ${given}` };
    }
    if (index && !arrays) return { fault: "array notation is not allowed" };
    const name = named?.[1] ?? quoted?.[1]?.replace(/\\(.)/g, "$1");
    const inner = name === undefined
      ? arrays ? schema.items : undefined
      : ownField(schema.properties, name) ?? (quoted ? schema.additionalProperties : undefined);
    if (!inner) return { fault: NO_FIELD };
    schema = inner;
    rest = rest.slice(matched.length);
  }
  return { schema };
}
