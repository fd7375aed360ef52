import { listKindOf } from "../../resources/resource.ts";
import { isOfResource } from "../../schema/custom/shaping.ts";
import { objectMeta } from "../../schema/metadata.ts";
import type { Schema } from "../../schema/schema.ts";
import { type Descriptor, type FieldDescriptor, FieldShape } from "../http/protobuf.ts";
import {
  customObject,
  customSchemaV2,
  customSchemaV3,
  type MetaProperties,
} from "./custom_schemas.ts";
import type { ServedKind } from "./served_kinds.ts";

export type Json = Record<string, unknown>;

/** The keywords of a schema that OpenAPI and Kubernetes' clients know; our own ones are left out. */
const PUBLISHED = [
  "type",
  "description",
  "format",
  "required",
  "enum",
  "pattern",
  "minimum",
  "maximum",
  "maxLength",
  "minItems",
  "maxItems",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-patch-merge-key",
  "x-kubernetes-patch-strategy",
  "x-kubernetes-map-type",
  "x-kubernetes-int-or-string",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
] as const;
/** Our own formats, which are left out too. */
const OWN_FORMATS: readonly unknown[] = ["quantity", "duration"];

const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const WELL_KNOWN: Readonly<Record<string, Json>> = {
  [QUANTITY]: {
    description: "An amount, such as `100m` or `1.5Gi`.",
    oneOf: [{ type: "string" }, { type: "number" }],
  },
  [INT_OR_STRING]: {
    description: "A whole number, or a string such as a percentage or a name.",
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
};
const OBJECT_META = "meta.v1.ObjectMeta";
const METADATA_DESCRIPTION = "Standard object's metadata.";
const LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const LIST_META_SCHEMA: Json = {
  description: "What a list says of itself.",
  type: "object",
  properties: {
    continue: { type: "string", description: "Where the next page begins." },
    remainingItemCount: { type: "integer", format: "int64", description: "Objects that follow." },
    resourceVersion: { type: "string", description: "Version of the list." },
    selfLink: { type: "string", description: "No longer set." },
  },
};
/** Messages that are plain values in JSON. */
const VALUES = /^(meta\.v1\.(Time|MicroTime|Duration|FieldsV1)|resource\.|intstr\.|runtime\.)/;

/**
 * The schemas of some kinds as OpenAPI components. Nested types get the names that Kubernetes gives them, those of the
 * protobuf messages, so that recursive types become references and `kubectl explain` shows `<[]Container>`. Types without
 * such a name are inlined.
 */
export class OpenapiSchemas {
  readonly components: Json = {};
  readonly #messages: Descriptor["messages"];
  readonly #kinds: Descriptor["kinds"];
  readonly #unnamedPath = new Set<Schema>();

  readonly #isV2: boolean;

  constructor({ kinds, messages }: Descriptor, { isV2 = false }: { isV2?: boolean } = {}) {
    this.#kinds = kinds;
    this.#messages = messages;
    this.#isV2 = isV2;
  }

  /** Adds a kind and its nested types. Returns the name of its component. */
  add(kind: ServedKind): string {
    const message = this.#kinds[`${kind.apiVersion}/${kind.resource.kind}`];
    const name = message ? componentOf(message) : customResourceName(kind);
    const gvk = { group: kind.group, version: kind.version, kind: kind.resource.kind };
    if (kind.resource.reading) return this.#addCustom(kind, name, gvk);
    this.components[name] = {
      ...this.#object(kind.schema, message),
      "x-kubernetes-group-version-kind": [gvk],
    };
    return name;
  }

  #addCustom(kind: ServedKind, name: string, gvk: Json): string {
    const { properties } = kind.schema;
    const field = (schema: Schema) => this.#part(schema, undefined);
    const meta: MetaProperties = {
      apiVersion: field(properties!["apiVersion"]!),
      kind: field(properties!["kind"]!),
      metadata: this.#part({ ...objectMeta, description: METADATA_DESCRIPTION }, OBJECT_META),
    };
    const published = this.#isV2 ? customSchemaV2 : customSchemaV3;
    const { schema, isEmpty } = ownShapeOf(kind.schema);
    const isVague = isEmpty || (this.#isV2 && schema["x-kubernetes-preserve-unknown-fields"]);
    this.components[name] = isVague
      ? { type: "object", "x-kubernetes-group-version-kind": [gvk] }
      : customObject(published(schema, meta), {
        ...{ meta, gvk },
        fields: Object.keys(kind.resource.fields),
      });
    this.components[`${name.slice(0, -kind.resource.kind.length)}${listKindOf(kind.resource)}`] =
      this.#list(kind, name, meta);
    return name;
  }

  #list(kind: ServedKind, item: string, { apiVersion, kind: kindProperty }: MetaProperties): Json {
    const gvk = { group: kind.group, version: kind.version, kind: listKindOf(kind.resource) };
    return {
      description: `${gvk.kind} is a list of ${kind.resource.kind}`,
      type: "object",
      required: ["items"],
      properties: {
        apiVersion,
        items: {
          description: "The objects.",
          type: "array",
          items: { allOf: [{ $ref: `#/components/schemas/${item}` }] },
        },
        kind: kindProperty,
        metadata: {
          description: METADATA_DESCRIPTION,
          ...this.#named(LIST_META, () => LIST_META_SCHEMA),
        },
      },
      "x-kubernetes-group-version-kind": [gvk],
    };
  }

  #named(name: string, make: () => Json): Json {
    if (!Object.hasOwn(this.components, name)) {
      this.components[name] = {}; // Reserved, so that recursive types end here.
      this.components[name] = make();
    }
    return { allOf: [{ $ref: `#/components/schemas/${name}` }] };
  }

  /** One field, list item or map value. */
  #part(schema: Schema, message: string | undefined): Json {
    if (schema.format === "quantity") return this.#wellKnown(QUANTITY, schema);
    if (schema["x-coracle-or"]) return descriptionOf(schema); // one of several types
    if (schema["x-kubernetes-int-or-string"]) return this.#wellKnown(INT_OR_STRING, schema);
    const fallback = schema.default === undefined ? {} : { default: schema.default };
    if (message && this.#messages[message] && !VALUES.test(message) && schema.properties) {
      const name = componentOf(message);
      // Clients print the description of the field and then that of its component: the first is enough.
      const reference = this.#named(name, () => withoutDescription(this.#object(schema, message)));
      return { ...descriptionOf(schema), ...fallback, ...reference };
    }
    if (this.#unnamedPath.has(schema)) return { type: "object", ...descriptionOf(schema) };
    this.#unnamedPath.add(schema);
    const inside = this.#object(schema, undefined);
    this.#unnamedPath.delete(schema);
    return { ...inside, ...fallback };
  }

  #wellKnown(name: string, schema: Schema): Json {
    return { ...descriptionOf(schema), ...this.#named(name, () => WELL_KNOWN[name]!) };
  }

  #object(schema: Schema, message: string | undefined): Json {
    const published: Json = {};
    for (const word of PUBLISHED) {
      const value = schema[word];
      if (value === undefined || (word === "format" && OWN_FORMATS.includes(value))) continue;
      published[word] = value;
    }
    if (schema.properties) {
      const fields = message ? this.#fieldsOf(message) : new Map<string, FieldDescriptor>();
      published["properties"] = Object.fromEntries(
        Object.entries(schema.properties).map((
          [name, field],
        ) => [name, this.#field(field, fields.get(name))]),
      );
    }
    if (schema.items) published["items"] = this.#part(schema.items, undefined);
    if (schema.additionalProperties) {
      published["additionalProperties"] = this.#part(schema.additionalProperties, undefined);
    }
    return published;
  }

  #field(schema: Schema, field: FieldDescriptor | undefined): Json {
    const [, , message, shape] = field ?? [];
    if (shape === FieldShape.list && schema.items) {
      return {
        ...this.#part({ ...schema, items: {} }, undefined),
        items: this.#part(schema.items, message),
      };
    }
    if (shape === FieldShape.map && schema.additionalProperties) {
      const values = this.#part(schema.additionalProperties, message);
      return {
        ...this.#part({ ...schema, additionalProperties: {} }, undefined),
        additionalProperties: values,
      };
    }
    return this.#part(schema, message);
  }

  /** Fields by their name in JSON, with embedded structs flattened. */
  #fieldsOf(message: string): Map<string, FieldDescriptor> {
    const fields = new Map<string, FieldDescriptor>();
    for (const field of this.#messages[message] ?? []) {
      const [, name, type, shape] = field;
      if (shape !== FieldShape.inline) fields.set(name, field);
      else for (const [inner, its] of this.#fieldsOf(type)) fields.set(inner, its);
    }
    return fields;
  }
}

/** What a definition has said, without what every object has. */
function ownShapeOf(whole: Schema): { schema: Schema; isEmpty: boolean } {
  const { properties = {}, ...schema } = whole;
  const own = Object.entries(properties).filter(([name]) => !isOfResource(name));
  const isEmpty = schema.type === undefined && own.length === 0;
  return { schema: { ...schema, properties: Object.fromEntries(own) }, isEmpty };
}

function withoutDescription({ description: _, ...rest }: Json): Json {
  return rest;
}

function descriptionOf({ description }: Schema): Json {
  return description === undefined ? {} : { description };
}

/** `io.k8s.api.core.v1.Pod` of `core.v1.Pod`. */
function componentOf(message: string): string {
  return message.startsWith("meta.v1.")
    ? `io.k8s.apimachinery.pkg.apis.${message}`
    : `io.k8s.api.${message}`;
}

/** As Kubernetes names the schemas of CustomResourceDefinitions: `io.k8s.networking.gateway.v1.HTTPRoute`. */
function customResourceName({ group, version, resource }: ServedKind): string {
  return [...group.split(".").reverse(), version, resource.kind].join(".");
}
