import assert from "node:assert/strict";
import * as models from "@kubernetes/client-node";
import { RESOURCES } from "./mod.ts";
import type { AnyResource } from "./resource.ts";
import type { Schema } from "../schema/schema.ts";

interface Model {
  attributeTypeMap: { baseName: string; type: string; format: string }[];
}

Deno.test("every field of every kind has the name and type that Kubernetes' own client knows", () => {
  const differences = new Set<string>();
  for (const resource of RESOURCES) {
    for (const { kind, schema, name } of versionsOf(resource)) {
      const model = modelOf(name);
      if (UNMODELLED.includes(resource.group)) continue;
      assert.ok(model, `no model for ${kind}`);
      compare(schema, model, kind, differences, new Set());
    }
  }
  const unexplained = [...differences].filter((difference) =>
    !EXPLAINED.some((pattern) => pattern.test(difference))
  );
  assert.deepEqual(unexplained, []);
});

/** Groups that are not Kubernetes' own. */
const UNMODELLED: readonly string[] = [
  "argoproj.io",
  "gateway.networking.k8s.io",
  "metrics.k8s.io",
];

/** Where the models know less than Kubernetes itself, or are newer than 1.34. */
const EXPLAINED: readonly RegExp[] = [
  /^apiextensions\.k8s\.io\/.*\.openAPIV3Schema\.[\w.*]+: (anything|number) expected, (object|number double) found$/,
  /^apiextensions\.k8s\.io\/.*\.subresources\.status: anything expected, object found$/,
  /^apiextensions\.k8s\.io\/CustomResourceDefinition\.status\.(conditions\[\]\.)?observedGeneration: missing$/,
];

Deno.test("the comparison finds what is missing, too much, or of another type", () => {
  const differences = new Set<string>();
  const lease: Schema = {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "integer" },
      color: { type: "string" },
    },
  };
  compare(lease, modelOf("V1Lease")!, "Lease", differences, new Set());
  assert.deepEqual([...differences], [
    "Lease.kind: string expected, integer found",
    "Lease.metadata: missing",
    "Lease.spec: missing",
    "Lease.color: unknown to Kubernetes",
  ]);
});

function versionsOf({ group, version, kind, schema, servedVersions }: AnyResource) {
  return [{ group, version, schema }, ...servedVersions].map((served) => ({
    kind: served.group ? `${served.group}/${kind}` : kind,
    schema: served.schema,
    name: kind === "Event"
      ? served.group === "" ? "CoreV1Event" : "EventsV1Event"
      : `${served.version[0]!.toUpperCase()}${served.version.slice(1)}${kind}`,
  }));
}

function modelOf(name: string): Model | undefined {
  const found = (models as unknown as Record<string, Partial<Model> | undefined>)[name];
  return found?.attributeTypeMap ? found as Model : undefined;
}

function compare(
  schema: Schema,
  model: Model,
  path: string,
  differences: Set<string>,
  above: ReadonlySet<Model>,
): void {
  if (above.has(model)) return;
  const within = new Set([...above, model]);
  const properties = schema.properties ?? {};
  for (const { baseName, type, format } of model.attributeTypeMap) {
    const field = properties[baseName];
    const at = `${path}.${baseName}`;
    if (!field) differences.add(`${at}: missing`);
    else compareType(field, { type, format }, at, differences, within);
  }
  const known = new Set(model.attributeTypeMap.map(({ baseName }) => baseName));
  for (const name in properties) {
    if (!known.has(name)) differences.add(`${path}.${name}: unknown to Kubernetes`);
  }
}

function compareType(
  field: Schema,
  { type, format }: { type: string; format: string },
  at: string,
  differences: Set<string>,
  above: ReadonlySet<Model>,
): void {
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  const value = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (item) {
    if (field.type !== "array") differences.add(`${at}: a list expected, ${wordOf(field)} found`);
    else compareType(field.items!, { type: item, format }, `${at}[]`, differences, above);
  } else if (value) {
    if (!field.additionalProperties) {
      differences.add(`${at}: a map expected, ${wordOf(field)} found`);
    } else {compareType(
        field.additionalProperties,
        { type: value, format },
        `${at}.*`,
        differences,
        above,
      );}
  } else if (modelOf(type) && type !== "V1MicroTime") {
    if (field.type !== "object") differences.add(`${at}: ${type} expected, ${wordOf(field)} found`);
    else compare(field, modelOf(type)!, at, differences, above);
  } else {
    const [expected, found] = [scalarOf(type, format), wordOf(field)];
    if (expected !== found) differences.add(`${at}: ${expected} expected, ${found} found`);
  }
}

function scalarOf(type: string, format: string): string {
  if (format === "int32" || format === "int64") return `integer ${format}`;
  if (type === "Date" || type === "V1MicroTime") return "string date-time";
  if (type === "IntOrString") return "integer or string";
  if (type === "any") return "anything";
  if (format === "byte") return "string byte";
  return type;
}

function wordOf(field: Schema): string {
  if (field["x-kubernetes-int-or-string"]) return "integer or string";
  if (!field.type) return "anything";
  // The models know amounts as plain strings, and no durations.
  const format = field.format === "quantity" || field.format === "duration" ? "" : field.format;
  return [field.type, format].filter(Boolean).join(" ");
}
