import { defineResource, type ObjectOf } from "./resource.ts";
import { boolean, fallback, mapOf, object, string } from "./schema.ts";

/** https://kubernetes.io/docs/concepts/configuration/secret/ */
export const secrets = defineResource({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  schema: object("Settings for pods to use that others should not see.", {
    immutable: boolean("Whether it can no longer be changed."),
    data: mapOf("Bytes by their keys, in base64.", string("Bytes.", { format: "byte" })),
    stringData: mapOf("Texts that become data; never shown.", string("Text.")),
    type: fallback("Opaque", string("What it holds, such as kubernetes.io/tls.")),
  }),
  fields: { type: (secret) => secret.type },
});

export type Secret = ObjectOf<typeof secrets>;
