import { defineResource, type ObjectOf } from "./resource.ts";
import { boolean, mapOf, object, string } from "./schema.ts";

/** https://kubernetes.io/docs/concepts/configuration/configmap/ */
export const configMaps = defineResource({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  namespaced: true,
  schema: object("Settings for pods to use.", {
    immutable: boolean("Whether it can no longer be changed."),
    data: mapOf("Texts by their keys.", string("Text.")),
    binaryData: mapOf("Bytes by their keys, in base64.", string("Bytes.", { format: "byte" })),
  }),
});

export type ConfigMap = ObjectOf<typeof configMaps>;
