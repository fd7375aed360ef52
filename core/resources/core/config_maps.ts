import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid, tooLong } from "../../schema/causes.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { configKeyFaults } from "../../schema/names.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { boolean, bytes, mapOf, object, string, type TypeOf } from "../../schema/schema.ts";
import { keyCauses } from "../../schema/value_rules.ts";

const configMap = object("Settings for pods to use.", {
  immutable: boolean("Whether it can no longer be changed."),
  data: mapOf("Texts by their keys.", string("Text.")),
  binaryData: mapOf("Bytes by their keys, in base64.", bytes("Bytes.")),
});
type Shape = TypeOf<typeof configMap>;

/** https://kubernetes.io/docs/concepts/configuration/configmap/ */
export const configMaps = defineResource({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  namespaced: true,
  schema: configMap,
  columns: [
    nameColumn,
    {
      name: "Data",
      description: "How many keys it has.",
      value: ({ data, binaryData }) =>
        Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    },
    ageColumn,
  ],
  validate: configMapCauses,
});

export type ConfigMap = ObjectOf<typeof configMaps>;

/** A ConfigMap or a Secret holds at most 1 MiB. */
export const DATA_BYTES_MAX = 1024 * 1024;

function configMapCauses(next: Shape, previous: Shape | undefined): Cause[] {
  const { data = {}, binaryData = {} } = next;
  const causes = previous?.immutable ? immutableCauses(next, previous) : [];
  for (const key of Object.keys(data)) {
    causes.push(...keyCauses("data", key, configKeyFaults));
    if (Object.hasOwn(binaryData, key)) {
      causes.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
    }
  }
  for (const key of Object.keys(binaryData)) {
    causes.push(...keyCauses("binaryData", key, configKeyFaults));
    if (Object.hasOwn(data, key)) {
      causes.push(invalid(`binaryData[${key}]`, key, "duplicate of key present in data"));
    }
  }
  const size = Object.values(data).reduce((sum, text) => sum + utf8BytesOf(text), 0) +
    Object.values(binaryData).reduce((sum, text) => sum + base64BytesOf(text), 0);
  if (size > DATA_BYTES_MAX) causes.push(tooLong("[]", DATA_BYTES_MAX));
  return causes;
}

function immutableCauses(next: Shape, previous: Shape): Cause[] {
  const rule = "field is immutable when `immutable` is set";
  const causes = next.immutable ? [] : [forbidden("immutable", rule)];
  for (const name of ["data", "binaryData"] as const) {
    if (!isEqual(next[name] ?? {}, previous[name] ?? {})) causes.push(forbidden(name, rule));
  }
  return causes;
}

export function utf8BytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** How many bytes a base64 text stands for. */
export function base64BytesOf(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor(text.length / 4) * 3 - padding;
}
