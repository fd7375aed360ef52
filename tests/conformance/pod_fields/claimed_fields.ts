import { UNIMPLEMENTED_POD_FIELDS } from "../../../core/resources/core/pods/spec/unimplemented_fields.ts";
import {
  isSet,
  POD_SPEC_REFUSED,
} from "../../../core/resources/core/pods/spec/rules/refused_fields.ts";
import { podSpec } from "../../../core/resources/core/pods/spec/pod_spec.ts";
import type { Schema } from "../../../core/schema/schema.ts";

/**
 * Every field of the PodSpec that Coracle claims to act on: those of the schema without the unimplemented ones and those that
 * are always refused. Maps and lists of plain values are one field; `[]` stands for the items of a list.
 */
export function claimedFields(): string[] {
  return leavesOf(podSpec, "");
}

function leavesOf(schema: Schema, path: string): string[] {
  if (Object.hasOwn(UNIMPLEMENTED_POD_FIELDS, path) || POD_SPEC_REFUSED[path] === isSet) return [];
  const { properties, items } = schema;
  if (properties) {
    return Object.entries(properties).flatMap(([name, field]) =>
      leavesOf(field, path === "" ? name : `${path}.${name}`)
    );
  }
  return items?.properties ? leavesOf(items, `${path}[]`) : [path];
}
