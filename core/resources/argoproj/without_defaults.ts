import { anything, type Schema } from "../../schema/schema.ts";

/** A value in which any field may be absent, at any depth: nothing has filled defaults. */
export type Sparse<T> = T extends readonly (infer Item)[] ? Sparse<Item>[]
  : T extends object ? { [K in keyof T]?: Sparse<T[K]> }
  : T;

/** Lists of pod templates whose items are told apart by their keys in Argo Rollouts' CustomResourceDefinitions. */
const KEYED_LISTS: ReadonlySet<string> = new Set([
  "claims",
  "ports",
  "resourceClaims",
  "schedulingGates",
  "topologySpreadConstraints",
]);

/** Where any value is taken, so that `cpu: 0.001` stays a number. */
const LOOSE_FIELDS: ReadonlySet<string> = new Set(["limits", "requests"]);

/** Of what is said of a value, what a custom resource has. */
const KEPT = [
  "type",
  "description",
  "required",
  "x-kubernetes-map-type",
  "x-kubernetes-int-or-string",
  "x-kubernetes-preserve-unknown-fields",
] as const;

const NUMBER_FORMATS: ReadonlySet<string | undefined> = new Set(["int32", "int64", "date-time"]);

const AMOUNT_PATTERN =
  "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$";

/**
 * The shape of a part of a built-in kind as Argo Rollouts has it in its custom resources: the same fields, but nothing is
 * defaulted besides the protocol of a container's port, and there are no rules but types and required fields. Amounts
 * of containers and volumes may be anything.
 *
 * Argo Rollouts: `manifests/crds`.
 */
export function withoutDefaults<T>(schema: Schema<T>): Schema<Sparse<T>> {
  return bare(schema, "") as Schema<Sparse<T>>; // the same fields, none of them filled
}

const known = new Map<string, WeakMap<Schema, Schema>>();

/** Probes, volumes and the like occur often, as one and the same schema. */
function bare(schema: Schema, name: string): Schema {
  const ofName = known.get(name) ?? new WeakMap<Schema, Schema>();
  known.set(name, ofName);
  const before = ofName.get(schema);
  if (before) return before;
  const made = madeBare(schema, name);
  ofName.set(schema, made);
  return made;
}

function madeBare(schema: Schema, name: string): Schema {
  if (schema.format === "quantity") {
    const { description = "Amount." } = schema;
    return { description, pattern: AMOUNT_PATTERN, "x-kubernetes-int-or-string": true };
  }
  if (LOOSE_FIELDS.has(name) && schema.additionalProperties) return anythingInsteadOf(schema);
  const { properties, items, additionalProperties, format } = schema;
  const said = KEPT.filter((word) => schema[word] !== undefined)
    .map((word) => [word, schema[word]] as const);
  const isKeyed = KEYED_LISTS.has(name) && schema["x-kubernetes-list-map-keys"] !== undefined;
  return {
    ...Object.fromEntries(said),
    ...(NUMBER_FORMATS.has(format) && { format }),
    ...(properties && { properties: fieldsOf(properties) }),
    ...(items && { items: name === "volumes" ? anythingInsteadOf(items) : bare(items, "") }),
    ...(additionalProperties && { additionalProperties: bare(additionalProperties, "") }),
    ...(isKeyed && {
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": schema["x-kubernetes-list-map-keys"],
    }),
  } as Schema; // the words that were kept
}

function anythingInsteadOf({ description = "Anything." }: Schema): Schema {
  return anything(description);
}

function fieldsOf(properties: Readonly<Record<string, Schema>>): Record<string, Schema> {
  const isPort = Object.hasOwn(properties, "containerPort");
  return Object.fromEntries(
    Object.entries(properties).map(([name, field]) => {
      const own = bare(field, name);
      return [name, isPort && name === "protocol" ? { ...own, default: "TCP" } : own];
    }),
  );
}
