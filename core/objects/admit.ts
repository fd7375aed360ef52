import type { Clock } from "../lib/clock.ts";
import type { Random } from "../lib/random.ts";
import type { Cause } from "../schema/causes.ts";
import { CAUSES_MAX } from "../schema/report.ts";
import type { ObjectMeta } from "../schema/metadata.ts";
import { validateMetadata } from "../schema/metadata_rules.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionCheck, AdmissionRule } from "./admission/admission_rule.ts";
import { firstGeneration, withGeneration } from "./generation.ts";
import { type Input, inputFrom, nameIn, warningsOf } from "./input.ts";
import { trackedUpdate } from "./managed_fields/field_manager.ts";
import type { ManagedFieldsEntry } from "../schema/metadata.ts";
import { isJsonObject, type JsonObject, objectIn } from "../lib/json/json_value.ts";
import { badRequest, conflict, invalid } from "../client/refusals.ts";
import { timestamp } from "../lib/timestamp.ts";
import type { WriteOptions } from "../client/write_options.ts";

export interface AdmitContext {
  store: Store;
  clock: Clock;
  random: Random;
  rules: readonly AdmissionRule[];
  checks: readonly AdmissionCheck[];
}

/** What a write may change. `main`: all but the status. */
export type Scope = "main" | "status";

/** How to admit a write that webhooks are asked about in between. */
export interface AdmitOptions extends WriteOptions {
  /** Only to be looked at: webhooks may still mend what is wrong with it. */
  isPreview?: true;
  /** What a new object has got already: its name, uid and time of creation. */
  identity?: ObjectMeta;
  /** The managers that are known already, by an apply or a preview. Absent: what an update changes is worked out. */
  applied?: { managedFields: readonly ManagedFieldsEntry[] | undefined };
}

/** An object that may be stored. */
export interface Admitted {
  object: KubeObject;
  warnings: string[];
  /** Gives back what admission has claimed; to be called when the object is visible or refused. */
  release(): void;
}

/** How long the base of a generated name may be: 63 characters with its suffix. */
const GENERATED_BASE_CHARS_MAX = 58;
const GENERATED_SUFFIX_CHARS = 5;

/**
 * Makes a stored object of what a client sent for creation: checks the shape, fills defaults, stamps, asks
 * every rule. Throws an ApiError with every cause. Synchronous, so that it decides on one snapshot.
 */
export function admitNew(
  context: AdmitContext,
  resource: AnyResource,
  sent: unknown,
  options: AdmitOptions,
): Admitted {
  const { draft, sentManagers } = withoutManagers(sent);
  const parts = resource.isCreatedWithStatus ? "all" : "all but status";
  const input = inputFrom(resource, draft, options, parts);
  if (input.object.metadata["resourceVersion"]) {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  const object = stamped(context, resource, input.object, options.identity);
  const candidate = { input, object, previous: undefined, options, scope: "main" } as const;
  return admit(context, resource, { ...candidate, sentManagers });
}

/** The same for a change of what is stored. `scope` says which part of the draft counts. */
export function admitChange(
  context: AdmitContext,
  resource: AnyResource,
  sent: unknown,
  stored: KubeObject,
  options: AdmitOptions & { scope: Scope },
): Admitted {
  const { scope } = options;
  const { draft, sentManagers } = withoutManagers(sent);
  const previous = resource.reading?.fromStored(stored) ?? stored;
  const input = scope === "status"
    ? inputFrom(resource, statusOf(draft), options, "status")
    : inputFrom(resource, draft, options, "all but status");
  refuseOutdated(resource, input.object.metadata, previous);
  const object = scope === "status"
    ? withStatusOf(input.object, previous)
    : withIdentityOf(input.object, previous, resource);
  const candidate = { input, object, previous, options, scope };
  return admit(context, resource, { ...candidate, sentManagers });
}

/** The draft, and what it says of managers: that is read by itself, which spares the check some hundred values. */
function withoutManagers(sent: unknown): { draft: unknown; sentManagers?: unknown } {
  if (!isJsonObject(sent)) return { draft: sent };
  const { managedFields, ...metadata } = objectIn(sent, "metadata");
  if (!Array.isArray(managedFields)) return { draft: sent };
  return { draft: { ...sent, metadata }, sentManagers: managedFields };
}

interface Candidate {
  input: Input;
  object: KubeObject;
  previous: KubeObject | undefined;
  options: AdmitOptions;
  scope: Scope;
  sentManagers?: unknown;
}

function admit(
  { store, clock, rules, checks }: AdmitContext,
  resource: AnyResource,
  candidate: Candidate,
): Admitted {
  const { input, object, previous, options, scope } = candidate;
  const releases: (() => void)[] = [];
  const release = () => releases.splice(0).forEach((giveBack) => giveBack());
  try {
    const warnings = [
      ...warningsOf(kindOf(resource, options), input.unknown, options),
      ...input.warnings ?? [],
    ];
    const causes: Cause[] = [...input.causes];
    const rest = {
      resource,
      previous,
      store,
      causes,
      warnings,
      options,
      subresource: options.subresource ?? (scope === "status" ? scope : ""),
      atEnd: (act: () => void) => releases.push(act),
    };
    const next = ruled(input, object, () => {
      let next = tracked(resource, resource.prepare(object, previous), candidate, clock);
      for (const rule of rules) next = rule({ ...rest, next });
      next = withGeneration(resource, next, previous, { isOfStatus: scope === "status" });
      // One by one: as arguments of one call, very many would exhaust the stack.
      for (const cause of validateMetadata(next.metadata, previous?.metadata, resource)) {
        causes.push(cause);
      }
      if (resource.reading) {
        const isOfStatus = scope === "status";
        const found = resource.reading.check(next, previous, { isOfStatus, causes });
        for (const cause of found.causes) causes.push(cause);
        warnings.push(...found.warnings);
      } else if (scope === "main") {
        for (const cause of causesOf(resource, options, next, previous)) causes.push(cause);
      } else if (resource.validateStatus && previous) {
        causes.push(...resource.validateStatus(next, previous));
      }
      return next;
    });
    if (options.isPreview) return { object: next, warnings, release };
    if (causes.length > 0) throw invalid(resource, nameIn({ ...next }), causes);
    for (const check of checks) check({ ...rest, next });
    options.refuse?.(next, previous);
    if (scope === "main") warnings.push(...warningsAbout(resource, options, next, previous));
    return { object: resource.reading?.toStored(next) ?? next, warnings, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** The object with its managers: of what the client has sent, before admission changes it. */
function tracked(
  resource: AnyResource,
  object: KubeObject,
  { options, previous, scope, sentManagers: sent }: Candidate,
  clock: Clock,
): KubeObject {
  const { managedFields: before, ...metadata } = object.metadata;
  const now = timestamp(clock.now());
  const managedFields = options.applied
    ? options.applied.managedFields
    : trackedUpdate(resource, { next: object, previous, sent }, { ...options, scope, now });
  if (managedFields === before) return object;
  return {
    ...object,
    metadata: managedFields ? { ...metadata, managedFields } : metadata,
  } as KubeObject; // of its own shape
}

/** By the rules of the kind, or of the subresource that is written. */
function causesOf(
  resource: AnyResource,
  { rules }: WriteOptions,
  next: KubeObject,
  previous: KubeObject | undefined,
): Cause[] {
  if (rules?.validate && previous) return rules.validate(next, previous);
  return resource.validate(next, previous);
}

function warningsAbout(
  resource: AnyResource,
  { rules }: WriteOptions,
  next: KubeObject,
  previous: KubeObject | undefined,
): string[] {
  if (rules?.warnings && previous) return rules.warnings(next, previous);
  return resource.warnings(next, previous);
}

/**
 * What the rules make of the object. They rely on its shape: one that stumbles over what is known to be missing or of
 * another type has nothing to add. In any other object a TypeError is a fault of the rule.
 */
function ruled(input: Input, object: KubeObject, ask: () => KubeObject): KubeObject {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof TypeError) || !isShapeBroken(input.causes)) throw error;
    return object;
  }
}

/** Whether rules may find something else than the type of the object says. Of very many causes not all are named. */
function isShapeBroken(causes: readonly Cause[]): boolean {
  return causes.length >= CAUSES_MAX ||
    causes.some(({ reason }) =>
      reason === "FieldValueRequired" || reason === "FieldValueTypeInvalid"
    );
}

function stamped(
  { clock, random }: AdmitContext,
  resource: AnyResource,
  { apiVersion, kind, metadata, ...rest }: Input["object"],
  identity?: ObjectMeta,
): KubeObject {
  const { name, generateName, namespace, labels, annotations, ownerReferences, finalizers } =
    metadata;
  return {
    apiVersion,
    kind,
    metadata: withoutUndefined({
      name: identity?.name ?? name ?? generatedName(generateName, random),
      generateName,
      namespace,
      uid: identity?.uid ?? random.uuid(),
      resourceVersion: "",
      generation: firstGeneration(resource),
      creationTimestamp: identity?.creationTimestamp ?? timestamp(clock.now()),
      labels,
      annotations,
      ownerReferences,
      finalizers,
    }),
    ...rest,
  } as unknown as KubeObject; // the shape was checked, the rest was set here
}

function generatedName(base: unknown, random: Random): string {
  if (typeof base !== "string" || base === "") return "";
  return base.slice(0, GENERATED_BASE_CHARS_MAX) + random.suffix(GENERATED_SUFFIX_CHARS);
}

/** All that the client may change; what the server has set stays. */
function withIdentityOf(
  { apiVersion, kind, metadata, ...rest }: Input["object"],
  previous: KubeObject,
  { hasStatus }: AnyResource,
): KubeObject {
  const { labels, annotations, ownerReferences, finalizers } = metadata;
  const { status } = previous as KubeObject & { status?: unknown };
  return {
    apiVersion,
    kind,
    metadata: withoutUndefined({
      ...previous.metadata,
      labels,
      annotations,
      ownerReferences,
      finalizers,
    }),
    ...rest,
    ...(hasStatus && status !== undefined && { status }),
  } as unknown as KubeObject;
}

/** A draft of the status alone: what else it says is not looked at. */
function statusOf(draft: unknown): unknown {
  if (!isJsonObject(draft)) return draft;
  const { apiVersion, kind, metadata, status } = draft;
  return { apiVersion, kind, metadata, status };
}

/** The status, and the labels and annotations that came with it; all else stays. */
function withStatusOf({ metadata, status }: Input["object"], previous: KubeObject): KubeObject {
  const { labels = previous.metadata.labels, annotations = previous.metadata.annotations } =
    metadata;
  return {
    ...previous,
    metadata: withoutUndefined({ ...previous.metadata, labels, annotations }),
    ...(status !== undefined && { status }),
  } as unknown as KubeObject;
}

function refuseOutdated(resource: AnyResource, given: JsonObject, previous: KubeObject): void {
  const { name, uid, resourceVersion } = previous.metadata;
  if (given["uid"] && given["uid"] !== uid) {
    const why = `Precondition failed: UID in precondition: ${
      given["uid"]
    }, UID in object meta: ${uid}`;
    throw conflict(resource, name, why);
  }
  const wanted = given["resourceVersion"];
  if (wanted ? wanted !== resourceVersion : resource.needsVersion) {
    if (wanted) throw conflict(resource, name);
    const { group, plural } = resource;
    throw invalid({ group, kind: plural }, name, [{
      field: "metadata.resourceVersion",
      reason: "FieldValueInvalid",
      message: "Invalid value: 0: must be specified for an update",
    }]);
  }
}

function withoutUndefined(fields: JsonObject): JsonObject {
  const set: JsonObject = {};
  for (const name in fields) if (fields[name] !== undefined) set[name] = fields[name];
  return set;
}

function kindOf(
  { kind, version }: AnyResource,
  { served }: WriteOptions,
): { kind: string; version: string } {
  return { kind, version: served?.version ?? version };
}
