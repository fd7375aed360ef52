import type { Schema } from "../../../../schema/schema.ts";
import { withSubschema } from "../../../../schema/subschemas.ts";
import type { AnyResource } from "../../../resource.ts";
import { volumes } from "./volumes.ts";

/**
 * The kinds, with more fields that say where a volume of a pod comes from: in pods and in all that has a template of
 * pods. The same objects when there are no such fields, or no pods in a kind.
 */
export function withVolumeSources(
  resources: readonly AnyResource[],
  sources: Readonly<Record<string, Schema>>,
): readonly AnyResource[] {
  if (Object.keys(sources).length === 0) return resources;
  const { items: volume } = volumes;
  const extended = extendedVolume(volume!, sources);
  return resources.map((resource) => {
    const schema = withSubschema(resource.schema, volume!, extended);
    return schema === resource.schema ? resource : { ...resource, schema };
  });
}

function extendedVolume(volume: Schema, sources: Readonly<Record<string, Schema>>): Schema {
  const rule = volume["x-coracle-one-of-fields"];
  return {
    ...volume,
    properties: { ...volume.properties, ...sources },
    ...(rule && {
      "x-coracle-one-of-fields": { ...rule, fields: [...rule.fields, ...Object.keys(sources)] },
    }),
  };
}
