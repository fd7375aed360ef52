import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { type Cause, invalid, missing } from "../causes.ts";
import { validateMetadata } from "../metadata_rules.ts";
import { dns1035LabelFaults, pathSegmentFaults } from "../names.ts";
import type { Schema } from "../schema.ts";

/**
 * What is wrong with objects within an object (`x-kubernetes-embedded-resource`): their apiVersion, kind and metadata.
 * Source: apiextensions-apiserver `pkg/apiserver/schema/objectmeta/validation.go`.
 */
export function embeddedCauses(schema: Schema, value: unknown, field = ""): Cause[] {
  if (!hasEmbedded(schema)) return [];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.flatMap((item, i) => embeddedCauses(items, item, `${field}[${i}]`)) : [];
  }
  if (!isJsonObject(value)) return [];
  const own = schema["x-kubernetes-embedded-resource"] ? objectCauses(value, field) : [];
  return own.concat(
    Object.entries(value).flatMap(([name, inner]) => {
      const known = ownField(schema.properties, name);
      if (known) return embeddedCauses(known, inner, field ? `${field}.${name}` : name);
      const { additionalProperties } = schema;
      return additionalProperties
        ? embeddedCauses(additionalProperties, inner, `${field}[${name}]`)
        : [];
    }),
  );
}

const known = new WeakMap<Schema, boolean>();

function hasEmbedded(schema: Schema): boolean {
  let found = known.get(schema);
  if (found === undefined) {
    const { items, properties = {}, additionalProperties } = schema;
    found = schema["x-kubernetes-embedded-resource"] === true ||
      [items, additionalProperties, ...Object.values(properties)].some((inner) =>
        inner && hasEmbedded(inner)
      );
    known.set(schema, found);
  }
  return found;
}

function objectCauses(object: JsonObject, field: string): Cause[] {
  return [
    ...["apiVersion", "kind"].filter((name) => !Object.hasOwn(object, name))
      .map((name) => missing(`${field}.${name}`)),
    ...versionCauses(object["apiVersion"], `${field}.apiVersion`),
    ...kindCauses(object["kind"], `${field}.kind`),
    ...metadataCauses(object["metadata"], `${field}.metadata`),
  ];
}

function versionCauses(version: unknown, field: string): Cause[] {
  if (typeof version !== "string") return [];
  if (version === "") return [invalid(field, version, "must not be empty")];
  if (version.split("/").length <= 2) return [];
  return [invalid(field, version, `unexpected GroupVersion string: ${version}`)];
}

function kindCauses(kind: unknown, field: string): Cause[] {
  if (typeof kind !== "string") return [];
  if (kind === "") return [invalid(field, kind, "must not be empty")];
  const faults = dns1035LabelFaults(kind.toLowerCase());
  if (faults.length === 0) return [];
  const text = `may have mixed case, but should otherwise match: ${faults.join(",")}`;
  return [invalid(field, kind, text)];
}

/** A name may be left out. */
function metadataCauses(metadata: unknown, field: string): Cause[] {
  if (!isJsonObject(metadata)) return [];
  const named = { ...metadata, name: String(metadata["name"] || "fakename") };
  const namespaced = Boolean(metadata["namespace"]);
  const rules = { namespaced, nameFaults: pathSegmentFaults };
  return validateMetadata(named, undefined, rules).map((cause) => ({
    ...cause,
    field: cause.field.replace(/^metadata/, field),
  }));
}
