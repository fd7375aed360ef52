/**
 * Structural schemas: the shape of a kind, written once, as data.
 *
 * A schema is OpenAPI v3 in the words that Kubernetes uses for CustomResourceDefinitions, so one engine
 * (`check.ts`) serves built-in kinds and CRDs alike, and discovery publishes it as it stands. The builders
 * below also carry the TypeScript type of what the schema describes: `type Pod = TypeOf<typeof pod>`.
 *
 * Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
export interface Schema<T = unknown> {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly description?: string;
  readonly title?: string;
  /** `int32`, `date-time` and so on; one that is not known means nothing. */
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly default?: unknown;
  /** Null is a value of its own. Only in custom resources: elsewhere null counts as absent. */
  readonly nullable?: boolean;
  /** Further conditions, only in custom resources: they describe values, not the shape. */
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  /** Strategic merge patch, where it differs from the list type: the key and the strategies. */
  readonly "x-kubernetes-patch-merge-key"?: string;
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  /** An empty value (`""`, `[]`, `{}`, `false`, `0`) counts as not set and is dropped (Go's `omitempty`). */
  readonly "x-coracle-omit-empty"?: true;
  /** A list map that may hold the same key twice, such as the env of a container. */
  readonly "x-coracle-duplicates"?: true;
  /** Of these fields of an object, at most one may be set. */
  readonly "x-coracle-one-of-fields"?: OneOfFields;
  /** A whole object of some kind: its apiVersion, kind and metadata are checked, the rest is kept. */
  readonly "x-kubernetes-embedded-resource"?: true;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  /** Rules in CEL, only in custom resources. */
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
  /** A value of this JSON type is taken as it is, whatever else the schema says. */
  readonly "x-coracle-or"?: "array" | "boolean";
  readonly [carried]?: T;
}

/** A rule in CEL: https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/custom-resource-definition-v1/ */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** See {@linkcode oneOfFields}. */
export interface OneOfFields {
  readonly fields: readonly string[];
  /** Message for each field too many, e.g. `may not specify more than 1 volume type`. */
  readonly many: string;
  /** Message when none is set, e.g. `must specify a volume type`; absent: none is allowed. */
  readonly none?: string;
}
declare const carried: unique symbol;
declare const always: unique symbol;

/** A field that every stored object has: the client must set it, or a default does. */
type Always<T> = Schema<T> & { readonly [always]?: true };
type Fields = Readonly<Record<string, Schema<never> | Schema<unknown>>>;
type AlwaysKeys<F> = { [K in keyof F]: typeof always extends keyof F[K] ? K : never }[keyof F];

export type TypeOf<S> = S extends { readonly [carried]?: infer T } ? T : never;
type ObjectFrom<F> =
  & { [K in AlwaysKeys<F>]: TypeOf<F[K]> }
  & { [K in Exclude<keyof F, AlwaysKeys<F>>]?: TypeOf<F[K]> };

type Limits = Pick<
  Schema,
  | "pattern"
  | "minimum"
  | "maximum"
  | "minLength"
  | "maxLength"
  | "minItems"
  | "maxItems"
  | "minProperties"
  | "maxProperties"
  | "format"
>;

const mustBeSet = Symbol("the client must set it");

export function object<F extends Fields>(description: string, fields: F): Schema<ObjectFrom<F>> {
  const required = Object.keys(fields).filter((name) => mustBeSet in fields[name]!);
  const properties = fields as Readonly<Record<string, Schema>>;
  return { type: "object", description, properties, ...(required.length ? { required } : {}) };
}

/** Marks a field that the client must set. */
export function required<T>(schema: Schema<T>): Always<T> {
  return Object.defineProperty({ ...schema }, mustBeSet, { value: true, enumerable: false });
}

/**
 * Gives a field the value that it gets when the client leaves it out. An empty word counts as
 * left out, as for Go's strings; so does the 0 of a {@linkcode count}.
 */
export function fallback<T>(value: T, schema: Schema<T>): Always<T> {
  const filled = { ...schema, default: value };
  return typeof value === "string" && value ? omitEmpty(filled) : filled;
}

/** An object that is always there, with the defaults of its own fields. */
export function present<T>(schema: Schema<T>): Always<T> {
  return { ...schema, default: {} };
}

export function string(description: string, limits: Limits = {}): Schema<string> {
  return omitEmpty({ type: "string", description, ...limits });
}

export function oneOf<const W extends string>(
  description: string,
  words: readonly W[],
): Schema<W> {
  return omitEmpty({ type: "string", description, enum: words });
}

export function integer(description: string, limits: Limits = {}): Schema<number> {
  return { type: "integer", format: "int32", description, ...limits };
}

export function boolean(description: string): Schema<boolean> {
  return { type: "boolean", description };
}

/** An RFC 3339 time, kept as the string that the client sent. */
export function time(description: string): Schema<string> {
  return { type: "string", format: "date-time", description };
}

export function intOrString(description: string): Schema<number | string> {
  return { description, "x-kubernetes-int-or-string": true };
}

export function anything(description: string): Schema<unknown> {
  return { description, "x-kubernetes-preserve-unknown-fields": true };
}

export function mapOf<T>(
  description: string,
  values: Schema<T>,
  limits: Limits = {},
): Schema<Record<string, T>> {
  return omitEmpty({ type: "object", description, additionalProperties: values, ...limits });
}

/** A list that is replaced as a whole. */
export function list<T>(description: string, items: Schema<T>, limits: Limits = {}): Schema<T[]> {
  const type = { type: "array", "x-kubernetes-list-type": "atomic" } as const;
  return omitEmpty({ ...type, description, items, ...limits });
}

/** A list whose items are told apart, and merged, by the given fields. */
export function listMap<T>(
  description: string,
  keys: readonly (keyof T & string)[],
  items: Schema<T>,
  limits: Limits = {},
): Schema<T[]> {
  return omitEmpty({
    type: "array",
    description,
    items,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": keys,
    ...limits,
  });
}

/** A list without duplicates, merged as a whole set. */
export function set<T>(description: string, items: Schema<T>, limits: Limits = {}): Schema<T[]> {
  const type = { type: "array", "x-kubernetes-list-type": "set" } as const;
  return omitEmpty({ ...type, description, items, ...limits });
}

/** A quantity as Kubernetes writes it (`100m`, `1.5Gi`), or a number; kept in canonical form (`1536Mi`). */
export function quantity(description: string): Schema<string> {
  return { type: "string", format: "quantity", description };
}

/** A list map that strategic merge patches merge too, by the first of its keys (`patchMergeKey`). */
export function mergeList<T>(
  description: string,
  keys: readonly [keyof T & string, ...(keyof T & string)[]],
  items: Schema<T>,
  limits: Limits = {},
): Schema<T[]> {
  return {
    ...listMap(description, keys, items, limits),
    "x-kubernetes-patch-merge-key": keys[0],
    "x-kubernetes-patch-strategy": "merge",
  };
}

/** A set that strategic merge patches merge too. */
export function mergeSet<T>(description: string, items: Schema<T>): Schema<T[]> {
  return { ...set(description, items), "x-kubernetes-patch-strategy": "merge" };
}

/** A merge list that may hold the same key twice. */
export function allowingDuplicates<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, "x-coracle-duplicates": true };
}

/** A strategic merge patch of this field drops what it does not name (`patchStrategy: retainKeys`). */
export function retainKeys<T>(schema: Schema<T>): Schema<T> {
  const merge = schema["x-kubernetes-patch-strategy"];
  const strategy = merge ? `${merge},retainKeys` : "retainKeys";
  return { ...schema, "x-kubernetes-patch-strategy": strategy };
}

/** A field that a strategic merge patch replaces (`patchStrategy: replace`). */
export function replaced<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, "x-kubernetes-patch-strategy": "replace" };
}

/** An object that is replaced as a whole. */
export function atomic<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, "x-kubernetes-map-type": "atomic" };
}

/** A field that counts as not set when it is empty, and is then dropped (Go's `omitempty`). */
export function omitEmpty<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, "x-coracle-omit-empty": true };
}

/** A field whose empty value means something and is kept: a pointer in Go's types. */
export function kept<S extends Schema>(schema: S): S {
  const { "x-coracle-omit-empty": _, ...rest } = schema;
  return rest as S; // `rest` still has everything that the type promises
}

/** A boolean whose `false` counts as not set, and is dropped. */
export function flag(description: string): Schema<boolean> {
  return omitEmpty(boolean(description));
}

/** A whole number whose 0 counts as not set, and is dropped. */
export function count(description: string, limits: Limits = {}): Schema<number> {
  return omitEmpty(integer(description, limits));
}

/** A whole number of 64 bits. */
export function long(description: string, limits: Limits = {}): Schema<number> {
  return integer(description, { ...limits, format: "int64" });
}

/** A number with a fraction. */
export function number(description: string, limits: Limits = {}): Schema<number> {
  return { type: "number", format: "double", description, ...limits };
}

/** A duration as Go writes it: `1h30m`, `500ms`. */
export function duration(description: string): Schema<string> {
  return { type: "string", format: "duration", description };
}

/** A duration as the Gateway API writes it (GEP-2257): `1h30m`, at most four parts, no fractions. */
export function gatewayDuration(description: string): Schema<string> {
  return { type: "string", description, pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" };
}

/** Bytes, in base64. */
export function bytes(description: string): Schema<string> {
  return { type: "string", format: "byte", description };
}

/** A whole object of any kind, with its apiVersion, kind and metadata. */
export function embedded(description: string): Schema<Record<string, unknown>> {
  return {
    type: "object",
    description,
    "x-kubernetes-embedded-resource": true,
    "x-kubernetes-preserve-unknown-fields": true,
  };
}

/** Of the named fields of an object, at most one may be set; exactly one when `none` is given. */
export function oneOfFields<T>(
  rule: OneOfFields & { fields: readonly (keyof T & string)[] },
  schema: Schema<T>,
): Schema<T> {
  return { ...schema, "x-coracle-one-of-fields": rule };
}

/** How a strategic merge patch merges a list, where that differs from its list type. */
export function patchedBy<T>(mergeKey: keyof T & string, schema: Schema<T[]>): Schema<T[]> {
  return {
    ...schema,
    "x-kubernetes-patch-merge-key": mergeKey,
    "x-kubernetes-patch-strategy": "merge",
  };
}
