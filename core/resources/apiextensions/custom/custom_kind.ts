import { isConditionTrue } from "../../conditions.ts";
import {
  type AnyResource,
  defineResource,
  type KubeObject,
  type Resource,
  type ScalePaths,
} from "../../resource.ts";
import { isOfResource } from "../../../schema/custom/shaping.ts";
import type { Schema } from "../../../schema/schema.ts";
import {
  type Definition,
  storageVersionOf,
  type VersionDefinition,
} from "../definition/definition.ts";
import { customColumns } from "./columns.ts";
import { ConvertedObjects } from "./converted_objects.ts";
import { customReading } from "./custom_reading.ts";
import { firstAt, parseJsonPath } from "../../../lib/json/json_path.ts";
import { fieldsOf } from "./scale_rules.ts";
import { deprecationOf, servedVersionsOf } from "./versions.ts";

/** The name of the kind of definitions, as keys and messages have it. */
export const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

/** In the order in which discovery lists those of custom resources. */
const VERBS = [
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "create",
  "update",
  "watch",
] as const;

/** The kind that a definition makes, under the names that were accepted; `undefined` while it is not established. */
export function customKind(definition: Definition): AnyResource | undefined {
  const { spec, status } = definition;
  if (!isConditionTrue(status.conditions, "Established")) return undefined;
  const storage = storageVersionOf(definition);
  const stored = spec.versions.find(({ name }) => name === storage);
  if (!stored || !status.acceptedNames.kind) return undefined;
  const siblings = () => all;
  const conversions = conversionsOf(definition);
  const versions: AnyResource[] = servedVersionsOf(spec.versions).map((version) => ({
    ...versionOf(definition, version, stored, conversions),
    siblings,
  }));
  const served = versions.find(({ version }) => version === stored.name);
  const own = served ?? { ...versionOf(definition, stored, stored, conversions), siblings };
  const all = served ? versions : [...versions, own];
  return { ...own, versions };
}

/** What a webhook has converted; `undefined` where none does. */
function conversionsOf(
  { metadata, spec: { conversion } }: Definition,
): ConvertedObjects | undefined {
  const { strategy, webhook } = conversion;
  if (strategy !== "Webhook" || !webhook) return undefined;
  return new ConvertedObjects(metadata.name, webhook);
}

function versionOf(
  { metadata, spec, status: { acceptedNames } }: Definition,
  version: VersionDefinition,
  stored: VersionDefinition,
  conversions: ConvertedObjects | undefined,
): AnyResource {
  const { group } = spec;
  const { plural, kind, singular = kind.toLowerCase(), shortNames = [], categories = [] } =
    acceptedNames;
  const { subresources = {}, additionalPrinterColumns, selectableFields = [] } = version;
  const schema = plainMaps(version.schema?.openAPIV3Schema ?? {});
  const storageSchema = version === stored
    ? schema
    : plainMaps(stored.schema?.openAPIV3Schema ?? {});
  const scale = subresources.scale && scalePathsOf(subresources.scale);
  const reading = customReading({
    apiVersion: `${group}/${version.name}`,
    storageApiVersion: `${group}/${stored.name}`,
    schema,
    storageSchema,
    scale,
    ...(conversions && { conversions }),
  });
  const show = (object: KubeObject) => reading.fromStored(object);
  const hasStatus = subresources.status !== undefined;
  const deprecation = deprecationOf(version, { group, kind, versions: spec.versions });
  const kindDefinition = {
    ...{ group, version: version.name, kind, plural, singular, shortNames, categories },
    namespaced: spec.scope === "Namespaced",
    schema: withoutMetadata(schema),
    verbs: VERBS,
    generation: hasStatus ? "content" as const : "all content" as const,
    hasStatus,
    scale,
    needsVersion: true,
    isCreatedWithStatus: !hasStatus,
    columns: customColumns(additionalPrinterColumns, show),
    fields: fieldsFor(selectableFields, show),
    ...(acceptedNames.listKind && { listKind: acceptedNames.listKind }),
    reading,
    storageVersion: stored.name,
    definedBy: {
      resource: DEFINITIONS,
      name: metadata.name,
      content: { spec, acceptedNames },
    },
    ...(deprecation !== undefined && { deprecation }),
  };
  // What is in a namespace, and what is not, differs in types only.
  return defineResource(kindDefinition as typeof kindDefinition & { namespaced: false });
}

/**
 * The schema with a schema in place of each `additionalProperties: true`: one that knows nothing of the values. The same
 * object when there is none.
 */
function plainMaps(schema: Schema): Schema {
  const { items, properties, additionalProperties: values } = schema;
  const next = {
    ...(items && { items: plainMaps(items) }),
    ...(properties && { properties: mapped(properties) }),
    ...(typeof values === "boolean" ? values && { additionalProperties: {} } : values && {
      additionalProperties: plainMaps(values),
    }),
  };
  const isSame = next.items === items && next.properties === properties &&
    next.additionalProperties === values;
  if (isSame) return schema;
  const { additionalProperties: _, ...rest } = schema;
  return { ...rest, ...next };
}

function mapped(properties: Readonly<Record<string, Schema>>): Readonly<Record<string, Schema>> {
  const before = Object.entries(properties);
  const next = before.map(([name, each]) => [name, plainMaps(each)] as const);
  const isSame = next.every(([, each], i) => each === before[i]![1]);
  return isSame ? properties : Object.fromEntries(next);
}

/** The shape without what every object has. */
function withoutMetadata(schema: Schema): Schema {
  const { properties = {}, ...rest } = schema;
  const own = Object.entries(properties).filter(([name]) => !isOfResource(name));
  return { ...rest, properties: Object.fromEntries(own) };
}

function scalePathsOf(
  { specReplicasPath, statusReplicasPath, labelSelectorPath }: {
    specReplicasPath: string;
    statusReplicasPath: string;
    labelSelectorPath?: string;
  },
): ScalePaths {
  return {
    specReplicas: fieldsOf(specReplicasPath),
    statusReplicas: fieldsOf(statusReplicasPath),
    ...(labelSelectorPath && { selector: fieldsOf(labelSelectorPath) }),
  };
}

function fieldsFor(
  selectable: readonly { jsonPath: string }[],
  show: (object: KubeObject) => KubeObject,
): Resource["fields"] {
  return Object.fromEntries(selectable.map(({ jsonPath }) => {
    const path = parseJsonPath(jsonPath) ?? [];
    const text = (object: KubeObject) => String(firstAt(show(object), path) ?? "");
    return [jsonPath.replace(/^\./, ""), text];
  }));
}
