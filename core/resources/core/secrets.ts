import { ownField } from "../../lib/own_field.ts";
import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid, missing, tooLong } from "../../schema/causes.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { base64BytesOf, DATA_BYTES_MAX } from "./config_maps.ts";
import { configKeyFaults } from "../../schema/names.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import {
  boolean,
  bytes,
  fallback,
  mapOf,
  object,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { keyCauses } from "../../schema/value_rules.ts";

const secret = object("Settings for pods to use that others should not see.", {
  immutable: boolean("Whether it can no longer be changed."),
  data: mapOf("Bytes by their keys, in base64.", bytes("Bytes.")),
  stringData: mapOf("Texts that become data; never shown.", string("Text.")),
  type: fallback("Opaque", string("What it holds, such as kubernetes.io/tls.")),
});
type Shape = TypeOf<typeof secret>;

/** https://kubernetes.io/docs/concepts/configuration/secret/ */
export const secrets = defineResource({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  encrypted: true,
  schema: secret,
  columns: [
    nameColumn,
    { name: "Type", description: "What it holds.", value: ({ type }) => type },
    {
      name: "Data",
      description: "How many keys it has.",
      value: ({ data }) => Object.keys(data ?? {}).length,
    },
    ageColumn,
  ],
  fields: { type: ({ type }) => type },
  prepare: ({ stringData, ...next }) => {
    if (!stringData) return next;
    return { ...next, data: { ...next.data, ...encoded(stringData) } };
  },
  validate: (next, previous) => [
    ...secretCauses(next),
    ...typeCauses(next, next.metadata.annotations ?? {}),
    ...(previous ? changeCauses(next, previous) : []),
  ],
});

export type Secret = ObjectOf<typeof secrets>;

function encoded(texts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, new TextEncoder().encode(text).toBase64()]),
  );
}

function secretCauses({ data = {} }: Shape): Cause[] {
  const causes = Object.keys(data).flatMap((key) => keyCauses("data", key, configKeyFaults));
  const size = Object.values(data).reduce((sum, text) => sum + base64BytesOf(text), 0);
  if (size > DATA_BYTES_MAX) causes.push(tooLong("data", DATA_BYTES_MAX));
  return causes;
}

/** Each type that Kubernetes knows has keys that must be there. */
function typeCauses(
  { type, data = {} }: Shape,
  annotations: Readonly<Record<string, string>>,
): Cause[] {
  switch (type) {
    case "kubernetes.io/tls":
      return missingKeys(data, ["tls.crt", "tls.key"]);
    case "kubernetes.io/ssh-auth":
      return missingKeys(data, ["ssh-privatekey"]);
    case "kubernetes.io/basic-auth":
      return data["username"] || data["password"]
        ? []
        : missingKeys(data, ["username", "password"]);
    case "kubernetes.io/dockerconfigjson":
      return jsonCauses(data, ".dockerconfigjson");
    case "kubernetes.io/dockercfg":
      return jsonCauses(data, ".dockercfg");
    case "kubernetes.io/service-account-token": {
      const key = "kubernetes.io/service-account.name";
      return ownField(annotations, key) ? [] : [missing(`metadata.annotations[${key}]`)];
    }
    default:
      return [];
  }
}

function missingKeys(data: Record<string, string>, keys: readonly string[]): Cause[] {
  return keys.filter((key) => !Object.hasOwn(data, key)).map((key) => missing(`data[${key}]`));
}

function jsonCauses(data: Record<string, string>, key: string): Cause[] {
  const content = ownField(data, key);
  if (content === undefined) return missingKeys(data, [key]);
  try {
    JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(content)));
    return [];
  } catch (error) {
    // What is no base64, the schema has named already; what is no JSON is told without showing it.
    const why = error instanceof SyntaxError ? "must be valid JSON" : String(error);
    return [invalid(`data[${key}]`, "<secret contents redacted>", why)];
  }
}

function changeCauses(next: Shape, previous: Shape): Cause[] {
  const causes: Cause[] = [];
  if (next.type !== previous.type) causes.push(invalid("type", next.type, "field is immutable"));
  if (!previous.immutable) return causes;
  const rule = "field is immutable when `immutable` is set";
  if (!next.immutable) causes.push(forbidden("immutable", rule));
  if (!isEqual(next.data ?? {}, previous.data ?? {})) causes.push(forbidden("data", rule));
  return causes;
}
