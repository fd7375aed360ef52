import type { Schema } from "../../schema/schema.ts";
import { customColumns } from "../apiextensions/custom/columns.ts";
import { customReading } from "../apiextensions/custom/custom_reading.ts";
import type { Column, KubeObject, Reading, ScalePaths } from "../resource.ts";
import { type TemplatePath, withoutMalformedAmounts } from "./malformed_amounts.ts";

export const ARGO_GROUP = "argoproj.io";
export const ARGO_VERSION = "v1alpha1";
const API_VERSION = `${ARGO_GROUP}/${ARGO_VERSION}`;

/**
 * Reads and checks objects just as Kubernetes does those of Argo Rollouts' CustomResourceDefinitions: what is unknown is
 * pruned, almost nothing is defaulted, empty values stay, and there is no strategic merge. `shape`: what the object has
 * besides apiVersion, kind and metadata. `templates`: where it has pod templates, of which amounts that are none go.
 */
export function argoReading(
  shape: Schema,
  { scale, templates }: { scale?: ScalePaths; templates: readonly TemplatePath[] },
): Reading {
  const text: Schema = { type: "string" };
  const schema: Schema = {
    ...shape,
    properties: { apiVersion: text, kind: text, metadata: { type: "object" }, ...shape.properties },
  };
  const reading = customReading({
    apiVersion: API_VERSION,
    storageApiVersion: API_VERSION,
    schema,
    storageSchema: schema,
    scale,
  });
  return {
    read: (input) => {
      const result = reading.read(input);
      if (result.fault !== undefined) return result;
      return { ...result, ...withoutMalformedAmounts(result.value, templates) };
    },
    check: reading.check,
    fromStored: (object) => object, // there is one version, which has always had the same shape
    toStored: (object) => object,
  };
}

/** A column of a custom resource. `path`: as in a CustomResourceDefinition. */
interface PathColumn {
  name: string;
  type: string;
  description: string;
  path: string;
}

/** The columns of Argo Rollouts' CustomResourceDefinitions: the given ones, and the age. */
export function argoColumns(columns: readonly PathColumn[]): readonly Column<KubeObject>[] {
  return customColumns(
    [...columns, AGE].map(({ path, ...column }) => ({ ...column, jsonPath: path })),
    (object) => object,
  );
}

const AGE: PathColumn = {
  name: "Age",
  type: "date",
  description: "Time since resource was created",
  path: ".metadata.creationTimestamp",
};

/** The column of what has a phase. */
export function phaseColumn(kind: string): PathColumn {
  return {
    name: "Status",
    type: "string",
    description: `${kind} status`,
    path: ".status.phase",
  };
}
