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
  const leaves = leavesOf(podSpec, "");
  const known = new Set(leaves);
  return [...new Set(leaves.map((path) => known.has(asMain(path)) ? listOf(path) : path))];
}

/** The same field of a main container. */
function asMain(path: string): string {
  return path.replace(/^(init|ephemeral)Containers\[\]/, "containers[]");
}

/** Init containers and ephemeral ones have the fields of main ones: what is shown of those need not be shown again. */
function listOf(path: string): string {
  return /^(init|ephemeral)Containers(?=\[)/.exec(path)?.[0] ?? path;
}

/** What a claim can ask for is not the pod's: its template is one field. */
const WHOLE: readonly string[] = ["volumes[].ephemeral.volumeClaimTemplate"];

function leavesOf(schema: Schema, path: string): string[] {
  if (WHOLE.includes(path)) return [path];
  const main = asMain(path);
  if (Object.hasOwn(UNIMPLEMENTED_POD_FIELDS, main) || POD_SPEC_REFUSED[main] === isSet) return [];
  const { properties, items } = schema;
  if (properties) {
    return Object.entries(properties).flatMap(([name, field]) =>
      leavesOf(field, path === "" ? name : `${path}.${name}`)
    );
  }
  return items?.properties ? leavesOf(items, `${path}[]`) : [path];
}
