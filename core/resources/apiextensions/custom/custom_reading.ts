import type { JsonObject } from "../../../lib/json/json_value.ts";
import type { Cause } from "../../../schema/causes.ts";
import { embeddedCauses } from "../../../schema/custom/embedded_objects.ts";
import { listTypeCauses } from "../../../schema/custom/list_types.ts";
import { shaped } from "../../../schema/custom/shaping.ts";
import { valueCauses } from "../../../schema/custom/value_checks.ts";
import type { Schema } from "../../../schema/schema.ts";
import type { KubeObject, Reading, ScalePaths } from "../../resource.ts";
import { scaleCauses } from "./scale_rules.ts";

export interface ReadingOptions {
  /** `example.com/v1`. */
  apiVersion: string;
  /** The version in which objects are stored. */
  storageApiVersion: string;
  schema: Schema;
  scale: ScalePaths | undefined;
}

/** How a version of a custom resource is read and checked, where versions differ in nothing but their shape. */
export function customReading(options: ReadingOptions): Reading {
  const { schema, apiVersion, storageApiVersion } = options;
  const shown = new WeakMap<KubeObject, KubeObject>();
  return {
    read: (input) => {
      const { value, unknown, fault } = shaped(schema, input, { isRoot: true });
      const result = { value: value as JsonObject, causes: [], unknown };
      return fault === undefined ? result : { ...result, fault };
    },
    fromStored: (object) => {
      let known = shown.get(object);
      if (!known) {
        const own = inVersion(object, apiVersion);
        const { value } = shaped(schema, own, { isRoot: true, isStored: true });
        shown.set(object, known = value as KubeObject); // an object stays one
      }
      return known;
    },
    toStored: (object) => inVersion(object, storageApiVersion),
    check: (next, previous, { isOfStatus, causes }) => ({
      causes: causesOf(options, next, previous, { isOfStatus, causes }),
      warnings: [],
    }),
  };
}

function inVersion(object: KubeObject, apiVersion: string): KubeObject {
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** In the order of apiextensions-apiserver `pkg/registry/customresource/strategy.go`. */
function causesOf(
  { schema, scale }: ReadingOptions,
  next: KubeObject,
  previous: KubeObject | undefined,
  { isOfStatus }: { isOfStatus: boolean; causes: readonly Cause[] },
): Cause[] {
  const { metadata: _, ...content } = next;
  const own = isOfStatus
    ? statusCauses(schema, next, previous)
    : valueCauses(schema, content, previous && { value: previous });
  return [
    ...own,
    ...(scale ? scaleCauses(scale, next, { isOfStatus }) : []),
    ...(isOfStatus ? [] : embeddedCauses(schema, next)),
    ...listCauses(schema, next, previous),
  ];
}

/** Of a status alone, the fields are named within it, as Kubernetes does. */
function statusCauses(schema: Schema, next: KubeObject, previous: KubeObject | undefined): Cause[] {
  const status = statusOf(next);
  const statusSchema = schema.properties?.["status"];
  if (status === undefined || !statusSchema) return [];
  const before = previous && statusOf(previous);
  return valueCauses(statusSchema, status, before === undefined ? undefined : { value: before })
    .map((cause) => ({
      ...cause,
      field: cause.field === "<nil>" ? "status" : `status.${cause.field}`,
    }));
}

function statusOf(object: KubeObject): unknown {
  return (object as KubeObject & { status?: unknown }).status;
}

/** An object that has duplicates already may keep them. */
function listCauses(schema: Schema, next: KubeObject, previous: KubeObject | undefined): Cause[] {
  const causes = listTypeCauses(schema, next);
  const isOld = causes.length > 0 && previous && listTypeCauses(schema, previous).length > 0;
  return isOld ? [] : causes;
}
