import type { JsonObject } from "../lib/json/json_value.ts";
import type { Cause } from "../schema/causes.ts";
import type { ObjectMeta } from "../schema/metadata.ts";
import { objectMeta } from "../schema/metadata.ts";
import { type NameRule, subdomainFaults } from "../schema/names.ts";
import type { Schema } from "../schema/schema.ts";
import type { AdmissionContext } from "./admission.ts";
import { ALL_VERBS, type LifeCycle } from "./life_cycle.ts";
import type { Subresource } from "./subresource.ts";

/** Any object that the API serves. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** An object of a kind that lives in namespaces. */
export interface NamespacedObject extends KubeObject {
  metadata: ObjectMeta & { namespace: string };
}

/** One column of `kubectl get`, as in `meta.k8s.io/v1` TableColumnDefinition. */
export interface Column<T> {
  name: string;
  description?: string;
  type?: "string" | "integer" | "number" | "boolean" | "date";
  /** A hint for clients, e.g. `int32`. */
  format?: string;
  /** 0 (default): always shown; 1: with `-o wide` only. */
  priority?: number;
  /** Ages are RFC 3339 times in a column of type `date` or ready texts such as `5m` in one of type `string`. */
  value(object: T, nowMs: number): string | number | boolean | undefined;
  /** The value is the cell as it is: nothing is made of a date, and where there is no value the cell is `null`. */
  isCell?: true;
}

/**
 * The same stored objects under another group and version, e.g. Event as `events.k8s.io/v1`.
 * Both conversions are pure and give whole objects, `apiVersion` included.
 */
export interface ServedVersion<T> {
  group: string;
  version: string;
  schema: Schema;
  fromStored(object: T): unknown;
  /** When the status alone is written, the object has nothing beside it but its metadata. */
  toStored(object: unknown): unknown;
  /** Field selectors of this version, and what they are called in the stored one. Absent: they are the same. */
  fields?: Readonly<Record<string, string>>;
}

/** The `scale` subresource: where its numbers are. Paths of JSON, e.g. `["spec", "replicas"]`. */
export interface ScalePaths {
  specReplicas: readonly string[];
  statusReplicas: readonly string[];
  /** A LabelSelector object, a selector as a text, or plain labels if `selectsBy` says so. */
  selector?: readonly string[];
  selectsBy?: "labels";
}

/** The object that defines a kind, e.g. a CustomResourceDefinition. */
export interface DefinedBy {
  /** Its kind, as {@linkcode groupResourceOf} gives it. */
  resource: string;
  name: string;
  /** What of it the kind is made of: equal for kinds that do not differ. */
  content: unknown;
}

/** Objects of a kind in other versions, as far as the webhook that converts them has been asked. */
export interface Conversions {
  /** Name of the definition of the kind. */
  readonly definition: string;
  readonly webhook: ConversionWebhook;
  /** The object in a version; `undefined`: the webhook has to be asked first. */
  known(object: KubeObject, apiVersion: string): KubeObject | undefined;
  /** Keeps what the webhook has answered. */
  remember(object: KubeObject, apiVersion: string, answer: KubeObject): void;
}

/** How the webhook is reached, and which versions of ConversionReview it reads. */
export interface ConversionWebhook {
  clientConfig?: {
    url?: string;
    service?: { namespace: string; name: string; path?: string; port: number };
    caBundle?: string;
  };
  conversionReviewVersions?: readonly string[];
}

/**
 * How a version of a custom resource is read and checked. Everything is pure; admission works on the object in this very
 * version, and what is stored is made of the outcome.
 */
export interface Reading {
  /** Gives what was sent its shape. `input` is not changed. */
  read(input: JsonObject): ReadResult;
  /** A stored object in this version, with the defaults that this version has by now. The same for the same. */
  fromStored(object: KubeObject): KubeObject;
  /** An object of this version as it is stored. */
  toStored(object: KubeObject): KubeObject;
  /** What is wrong with an object of this version. `isOfStatus`: only its status is written. */
  check(
    next: KubeObject,
    previous: KubeObject | undefined,
    options: { isOfStatus: boolean; causes: readonly Cause[] },
  ): { causes: Cause[]; warnings: string[] };
  /** Where a webhook converts: `fromStored` and `toStored` throw for what it has not been asked about. */
  conversions?: Conversions;
}

export interface ReadResult {
  value: JsonObject;
  causes: Cause[];
  unknown: string[];
  /** What was dropped although the kind has it, and why. */
  warnings?: string[];
  /** Why it cannot be read at all. */
  fault?: string;
}

/** All there is to know about one kind of object. Each kind is declared in one file. */
export interface Resource<T extends KubeObject = KubeObject> extends LifeCycle<T> {
  /** `""` for the core group. */
  group: string;
  version: string;
  kind: string;
  /** Kind of its lists; absent: the kind with `List`. */
  listKind?: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  /** E.g. `["all"]`: what `kubectl get all` shows. */
  categories: readonly string[];
  namespaced: boolean;
  /** What names of this kind may look like; as a rule, like DNS subdomains. */
  nameFaults: NameRule;
  /** Shape of the whole object, `apiVersion`, `kind` and `metadata` included. */
  schema: Schema;
  /** Whether `status` is written by its own subresource only. */
  hasStatus: boolean;
  scale: ScalePaths | undefined;
  /** Those that this kind alone has; status and scale come by `hasStatus` and `scale`. */
  subresources: readonly Subresource<T>[];
  columns: readonly Column<T>[];
  /** Field selectors besides `metadata.name` and `metadata.namespace`, e.g. `spec.nodeName`. */
  fields: Readonly<Record<string, (object: T) => string>>;
  /** Indexes for `View.by` besides `owner` (uid of each owner) and `label` (`key=value`). */
  indexes: Readonly<Record<string, (object: T) => readonly string[]>>;
  servedVersions: readonly ServedVersion<T>[];
  /** Said in answer to every request for the kind: since when not to use it any more, and what instead. */
  deprecation?: string;
  /** For a kind that is never stored: creating one writes a subresource of the object of its name. */
  createdAs?: { resource: AnyResource; subresource: string };
  /** For a kind that is never stored: the objects there are. */
  madeUp?(facts: MadeUpFacts): readonly T[] | Promise<readonly T[]>;
  /** How objects are read and checked, where `check` does not do it: of custom resources. */
  reading?: Reading;
  /** Of a kind that an object defines: that object, and what the kind is made of. */
  definedBy?: DefinedBy;
  /** The version in which objects are stored, if it is another one. */
  storageVersion?: string;
  /** All versions that are served, in their order; absent: this one and `servedVersions`. */
  versions?: readonly AnyResource[];
  /** Of one of several versions with their own reading: all of them. */
  siblings?: () => readonly AnyResource[];
  /**
   * The kind that an object of this kind defines; `undefined`: none yet, or no more. Pure, and the same kind for the
   * same object.
   */
  defines?(object: T): AnyResource | undefined;
  /**
   * Defaults that a schema cannot say (one field's default from another's value). Pure. When the status alone is
   * written, all else is that of `previous`.
   */
  prepare(next: T, previous: T | undefined): T;
  /**
   * What the server makes of an object before it is stored, as an admission plugin of Kubernetes would; asked after
   * `prepare`. Synchronous: it decides in the turn of the write. Absent: the object stays as it is.
   */
  admit?(next: T, previous: T | undefined, context: AdmissionContext<T>): T;
  /**
   * The rules that a schema cannot say. Pure. Returns every cause, not the first. Not asked when the status alone is
   * written: they are about the rest.
   */
  validate(next: T, previous: T | undefined): Cause[];
  /** The same for a write of the status alone. */
  validateStatus?(next: T, previous: T): Cause[];
  /** What is accepted but not implemented, or deprecated: each becomes a `Warning` header. Pure. Asked when `validate` is. */
  warnings(next: T, previous: T | undefined): string[];
}

/** What objects that are never stored are made of. */
export interface MadeUpFacts {
  /** Why the server cannot do its work, if so. */
  serverFault: string | undefined;
  /** What nodes and pods use: objects of `metrics.k8s.io`. */
  metrics(of: "nodes" | "pods"): Promise<readonly KubeObject[]>;
}

// The one named `any`: a list of resources of different kinds has no common T.
// deno-lint-ignore no-explicit-any
export type AnyResource = Resource<any>;

type Optional =
  | "nameFaults"
  | "listKind"
  | "shortNames"
  | "singular"
  | "categories"
  | "hasStatus"
  | "scale"
  | "subresources"
  | keyof LifeCycle<KubeObject>
  | "columns"
  | "fields"
  | "indexes"
  | "servedVersions"
  | "deprecation"
  | "createdAs"
  | "madeUp"
  | "reading"
  | "siblings"
  | "definedBy"
  | "storageVersion"
  | "versions"
  | "defines"
  | "prepare"
  | "admit"
  | "validate"
  | "validateStatus"
  | "warnings";

type Definition<T extends KubeObject, Shape, N extends boolean> =
  & Pick<Resource, "group" | "version" | "kind" | "plural">
  & { namespaced: N; schema: Schema<Shape> }
  & Partial<Pick<Resource<T>, Optional>>;

/** Declares a kind. `schema` describes what the object has besides apiVersion, kind and metadata. */
export function defineResource<Shape>(
  definition: Definition<NamespacedObject & Shape, Shape, true>,
): Resource<NamespacedObject & Shape>;
export function defineResource<Shape>(
  definition: Definition<KubeObject & Shape, Shape, false>,
): Resource<KubeObject & Shape>;
export function defineResource(
  definition: Definition<KubeObject, unknown, boolean>,
): Resource {
  const { status, spec } = definition.schema.properties ?? {};
  const { hasStatus = status !== undefined } = definition;
  return {
    singular: definition.kind.toLowerCase(),
    nameFaults: subdomainFaults,
    shortNames: [],
    categories: [],
    hasStatus,
    scale: undefined,
    subresources: [],
    verbs: ALL_VERBS,
    generation: hasStatus && spec !== undefined ? "content" : "none",
    isCreatedWithStatus: false,
    needsVersion: false,
    volatile: false,
    encrypted: false,
    columns: [],
    fields: {},
    indexes: {},
    servedVersions: [],
    prepare: (next) => next,
    validate: () => [],
    warnings: () => [],
    ...definition,
    schema: wholeObject(definition.schema),
  };
}

/** The type of a resource's objects: `type Pod = ObjectOf<typeof pods>`. */
export type ObjectOf<R> = R extends Resource<infer T> ? T : never;

/** `v1` or `apps/v1`. */
export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group ? `${group}/${version}` : version;
}

/** `pods` or `deployments.apps`: how a kind is named in keys, messages and CRDs. */
export function groupResourceOf({ group, plural }: { group: string; plural: string }): string {
  return group ? `${plural}.${group}` : plural;
}

/** Kind of a list of the kind's objects. */
export function listKindOf({ kind, listKind }: { kind: string; listKind?: string }): string {
  return listKind ?? `${kind}List`;
}

/** Adds what every object has. The shape of a kind comes without it. */
export function wholeObject(shape: Schema): Schema {
  return {
    ...shape,
    properties: {
      apiVersion: {
        type: "string",
        description: "APIVersion defines the group and version of the shape of this object.",
      },
      kind: { type: "string", description: "Kind of this object." },
      metadata: { ...objectMeta, description: "Standard object's metadata.", default: {} },
      ...shape.properties,
    },
  };
}
