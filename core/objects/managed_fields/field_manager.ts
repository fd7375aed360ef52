import { OtherRefusal } from "../../client/api_error.ts";
import { badRequest } from "../../client/refusals.ts";
import type { WriteOptions } from "../../client/write_options.ts";
import { isJsonObject, type JsonObject, objectIn } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../../resources/resource.ts";
import { isBuiltIn, isToldByNames, zeroObjectOf } from "../../resources/zero_objects.ts";
import { EMPTY, type FieldSet, setOfPath } from "../../schema/fields/field_set.ts";
import { UnidentifiedItem } from "../../schema/fields/list_items.ts";
import { fieldElement } from "../../schema/fields/path_elements.ts";
import { formatFaults, typingFaults } from "../../schema/fields/typing.ts";
import type { ManagedFieldsEntry } from "../../schema/metadata.ts";
import { conflictRefusal, ConflictsError } from "./conflicts.ts";
import { allowedByLastApplied, isKubectl, withLastAppliedOf } from "./last_applied_conflicts.ts";
import { capped, entriesOf, type Managers, sentManagers, storedManagers } from "./managers.ts";
import { applied, managersAfterUpdate, managersOfNew, type Writer } from "./updater.ts";
import { type Versions, versionsOf } from "./versions.ts";

/** What a write says of managers, beside the object. */
export type FieldWrite =
  & Pick<WriteOptions, "fieldManager" | "served" | "subresource" | "keepsTime">
  & { scope: "main" | "status"; now: string };

type Entries = readonly ManagedFieldsEntry[] | undefined;

/** Owns what is there when an object that nobody has tracked is applied for the first time. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/**
 * The managedFields of an object after a write that is no apply. `sent`: what the client sent as managedFields. Writes
 * without a manager, and objects that nobody has tracked from their creation, are not tracked: theirs stay.
 */
export function trackedUpdate(
  resource: AnyResource,
  { next, previous, sent: given }: {
    next: KubeObject;
    previous: KubeObject | undefined;
    sent?: unknown;
  },
  write: FieldWrite,
): Entries {
  const isLeft = write.subresource !== undefined || given === previous?.metadata.managedFields;
  const sent = isLeft ? undefined : given;
  const before = managersBefore(resource, previous, sent);
  if (write.fieldManager === undefined || (previous && before.size === 0)) return entriesOf(before);
  const versions = versionsOf(resource);
  const writer = writerOf(resource, write);
  if (!previous && before.size === 0) return entriesOfNew(resource, versions, next, writer);
  const at = versions.own;
  const shown = (object: JsonObject) => bare(versions.converted(object, at, writer.apiVersion)!);
  const live = previous ? shown(asJson(previous)) : zeroObjectOf(writer.apiVersion, resource.kind);
  const change = { live, next: shown(asJson(next)), managers: before };
  try {
    const after = managersAfterUpdate(versions, change, writer);
    if (after === before && before.size > 0 && sent === undefined) {
      return previous?.metadata.managedFields;
    }
    return entriesOf(capped(after));
  } catch (error) {
    if (error instanceof UnidentifiedItem) return entriesOf(before); // it will be refused for that
    throw error;
  }
}

/** Of a new object of which nothing else is known: the common case. */
function entriesOfNew(
  { kind }: AnyResource,
  versions: Versions,
  object: KubeObject,
  writer: Writer,
): Entries {
  const before = zeroObjectOf(writer.apiVersion, kind);
  const next = bare(versions.converted(asJson(object), versions.own, writer.apiVersion)!);
  try {
    return entriesOf(
      isToldByNames(writer.apiVersion, kind)
        ? managersOfNew(versions, { before, next }, writer)
        : managersAfterUpdate(versions, { live: before, next, managers: new Map() }, writer),
    );
  } catch (error) {
    if (error instanceof UnidentifiedItem) return undefined; // it will be refused for that
    throw error;
  }
}

/** Those that the client has sent, or else those that are stored; none when it has reset them. */
function managersBefore(
  resource: AnyResource,
  previous: KubeObject | undefined,
  sent: unknown,
): Managers {
  if (Array.isArray(sent)) {
    if (isReset(resource, sent)) return new Map();
    const managers = sentManagers(sent);
    if (managers && managers.size > 0) return managers;
  }
  return storedManagers(previous?.metadata.managedFields);
}

/** `[{}]`; for built-in kinds `[]` too, which counts as absent for custom resources. */
function isReset(resource: AnyResource, sent: readonly unknown[]): boolean {
  if (sent.length === 0) return isBuiltIn(apiVersionOf(resource), resource.kind);
  const [first] = sent;
  return sent.length === 1 && isJsonObject(first) && Object.keys(first).length === 0;
}

function writerOf(
  resource: AnyResource,
  { fieldManager, served, subresource, scope, keepsTime, now }: FieldWrite,
): Writer {
  return {
    manager: fieldManager || "unknown",
    apiVersion: apiVersionOf(served ?? resource),
    subresource: subresource ?? "",
    ignored: ignoredBy(resource, scope),
    now: keepsTime ? undefined : now,
  };
}

const STATUS = setOfPath([fieldElement("status")]);
const SPEC = setOfPath([fieldElement("spec")]);

function ignoredBy({ hasStatus }: AnyResource, scope: FieldWrite["scope"]): FieldSet {
  if (scope === "status") return SPEC;
  return hasStatus ? STATUS : EMPTY;
}

const UNTRACKED: ReadonlySet<string> = new Set([
  "managedFields",
  "resourceVersion",
  "uid",
  "generation",
  "creationTimestamp",
]);

/** Without what is nobody's and changes by itself. */
function bare(object: JsonObject): JsonObject {
  const metadata: JsonObject = {};
  const given = object["metadata"] as JsonObject;
  for (const name in given) if (!UNTRACKED.has(name)) metadata[name] = given[name];
  return { ...object, metadata };
}

function asJson(object: KubeObject): JsonObject {
  return object as unknown as JsonObject;
}

/** What an apply makes of an object. */
export interface AppliedObject {
  /** To be admitted, in the version of the request. */
  draft: JsonObject;
  managedFields: Entries;
}

/**
 * Merges what was sent into the live object, if there is one. Throws an ApiError: for conflicts with other managers, and for
 * what is no object of the kind.
 */
export function applyTo(
  resource: AnyResource,
  { live, sent }: { live: KubeObject | undefined; sent: JsonObject },
  write: FieldWrite & { isForced: boolean },
): AppliedObject {
  const versions = versionsOf(resource);
  const writer = { ...writerOf(resource, write), isForced: write.isForced };
  refuseUntyped(resource, versions, { sent, at: writer.apiVersion });
  const shown = live && (resource.reading?.fromStored(live) ?? live);
  const before = shown && versions.converted(asJson(shown), versions.own, writer.apiVersion)!;
  const there = before ? withoutManagedFields(before) : emptyObject(sent);
  const managers = storedManagers(live?.metadata.managedFields);
  const known = before && managers.size === 0
    ? managersBeforeFirstApply(versions, resource, there, writer)
    : managers;
  const { next, managers: after } = appliedOrRefused(versions, {
    live: there,
    sent,
    managers: known,
  }, writer);
  const draft = next ?? there;
  return {
    draft: isKubectl(writer.manager) ? withLastAppliedOf(draft, sent) : draft,
    managedFields: entriesOf(after),
  };
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const { managedFields: _, ...metadata } = objectIn(object, "metadata");
  return { ...object, metadata };
}

function emptyObject({ apiVersion, kind }: JsonObject): JsonObject {
  return { apiVersion, kind, metadata: {} };
}

function managersBeforeFirstApply(
  versions: Versions,
  { kind }: AnyResource,
  live: JsonObject,
  writer: Writer,
): Managers {
  const zero = zeroObjectOf(writer.apiVersion, kind);
  const change = { live: zero, next: bare(live), managers: new Map() };
  return managersAfterUpdate(versions, change, { ...writer, manager: BEFORE_FIRST_APPLY });
}

/** kubectl may take what a client-side apply of it has set. */
function appliedOrRefused(
  versions: Versions,
  change: Parameters<typeof applied>[1],
  writer: Parameters<typeof applied>[2],
): ReturnType<typeof applied> {
  try {
    return applied(versions, change, writer);
  } catch (error) {
    if (error instanceof UnidentifiedItem) throw badRequest(error.message);
    if (!(error instanceof ConflictsError)) throw error;
    const allowed = isKubectl(writer.manager)
      ? allowedByLastApplied(versions.typeOf(writer.apiVersion)!, change.live)
      : undefined;
    const refusal = conflictRefusal(error.conflicts, allowed);
    if (allowed === undefined || refusal.details.causes!.length > 0) throw refusal;
    return applied(versions, change, { ...writer, isForced: true });
  }
}

/** Kubernetes answers 500 for what is no object of the kind, and so do we: clients look for its words. */
function refuseUntyped(
  resource: AnyResource,
  versions: Versions,
  { sent, at }: { sent: JsonObject; at: string },
): void {
  const { group = "", version } = groupAndVersionOf(sent["apiVersion"]);
  const gvk = `${group}/${version}, Kind=${textOf(sent["kind"])}`;
  if (sent["apiVersion"] !== at || sent["kind"] !== resource.kind) {
    throw badRequest(`invalid object type: ${gvk}`);
  }
  const metadata = objectIn(sent, "metadata");
  if (ownField(metadata, "managedFields") !== undefined && metadata["managedFields"] !== null) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const faults = typingFaults(versions.typeOf(at)!, sent);
  if (faults.length === 0) return;
  const name = `${textOf(metadata["namespace"])}/${textOf(metadata["name"])}`;
  throw new OtherRefusal(
    `failed to create typed patch object (${name}; ${gvk}): ${formatFaults(faults)}`,
    { code: 500 },
  );
}

function groupAndVersionOf(apiVersion: unknown): { group?: string; version: string } {
  const [first = "", second] = textOf(apiVersion).split("/");
  return second === undefined ? { version: first } : { group: first, version: second };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
