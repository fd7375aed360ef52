import { isJsonObject } from "../../lib/json/json_value.ts";
import { msOf } from "../../lib/timestamp.ts";
import { EMPTY, type FieldSet, fieldSetFrom, union } from "../../schema/fields/field_set.ts";
import type { ManagedFieldsEntry } from "../../schema/metadata.ts";

/** One manager of fields, and which they are. */
export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  /** Version in which the fields are told. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** When they last changed, RFC 3339; absent: an apply that has changed nothing. */
  readonly time?: string | undefined;
  readonly fields: FieldSet;
}

/** By identity. Immutable to all but their maker. */
export type Managers = Map<string, Manager>;

type Identity = Pick<Manager, "manager" | "operation" | "apiVersion" | "subresource">;

/**
 * What tells managers apart; an applier stays the same in whatever version it applies. Ordered as Kubernetes orders the JSON of
 * such an identity.
 */
export function identityOf({ manager, operation, apiVersion, subresource }: Identity): string {
  const version = operation === "Update" ? apiVersion : "";
  return `${manager}","${operation}","${version}","${subresource}`;
}

/** The managers that a stored object has. */
export function storedManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers: Managers = new Map();
  for (const entry of entries ?? []) {
    const manager = managerOf(entry, entry.fieldsV1 as FieldSet ?? EMPTY); // canonical, as it was stored
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

function managerOf(entry: ManagedFieldsEntry, fields: FieldSet): Manager {
  const { manager = "", operation, apiVersion = "", subresource = "", time } = entry;
  return {
    manager,
    operation: operation === "Apply" ? "Apply" : "Update",
    apiVersion,
    subresource,
    time,
    fields,
  };
}

/** The managers that a client has sent; `undefined` when they cannot be read. */
export function sentManagers(entries: readonly unknown[]): Managers | undefined {
  const managers: Managers = new Map();
  for (const entry of entries) {
    if (!isEntry(entry)) return undefined;
    const { fieldsV1 } = entry;
    const fields = readFields(fieldsV1);
    if (fields === undefined) return undefined;
    const manager = managerOf(entry, fields);
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

function isEntry(entry: unknown): entry is ManagedFieldsEntry {
  if (!isJsonObject(entry)) return false;
  const { manager = "", operation, apiVersion, subresource = "", time, fieldsType } = entry;
  return [manager, apiVersion, subresource].every((text) => typeof text === "string") &&
    apiVersion !== "" && (operation === "Apply" || operation === "Update") &&
    fieldsType === "FieldsV1" &&
    (time === undefined || time === null ||
      (typeof time === "string" && !Number.isNaN(Date.parse(time))));
}

function readFields(fieldsV1: unknown): FieldSet | undefined {
  try {
    return fieldsV1 === undefined || fieldsV1 === null ? EMPTY : fieldSetFrom(fieldsV1);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** As they are stored: appliers first, then by age, name, version and subresource; `undefined` for none. */
export function entriesOf(managers: Managers): readonly ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(compareManagers).map(entryOf);
}

function entryOf(
  { manager, operation, apiVersion, time, fields, subresource }: Manager,
): ManagedFieldsEntry {
  return {
    ...(manager && { manager }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: "FieldsV1",
    fieldsV1: fields,
    ...(subresource && { subresource }),
  };
}

function compareManagers(a: Manager, b: Manager): number {
  return compareTexts(a.operation, b.operation) || secondsOf(a) - secondsOf(b) ||
    compareTexts(a.manager, b.manager) || compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource, b.subresource);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function secondsOf({ time }: Manager): number {
  return Math.floor(msOf(time) / 1000);
}

/** Entries of updates that an object keeps. As in Kubernetes. */
const UPDATERS_MAX = 10;
const OLD_UPDATES = "ancient-changes";

/** Merges the oldest updaters of a version into one, until there are no more than {@linkcode UPDATERS_MAX}. */
export function capped(managers: Managers): Managers {
  const updaters = [...managers].filter(([, { operation }]) => operation === "Update");
  let surplus = updaters.length - UPDATERS_MAX;
  if (surplus <= 0) return managers;
  const next = new Map(managers);
  const firstOf = new Map<string, string>();
  updaters.sort(([a, one], [b, other]) => secondsOf(one) - secondsOf(other) || compareTexts(a, b));
  for (const [identity, updater] of updaters) {
    if (surplus <= 0) break;
    const { apiVersion } = updater;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, identity);
      continue;
    }
    const bucket: Identity = {
      manager: OLD_UPDATES,
      operation: "Update",
      apiVersion,
      subresource: "",
    };
    const known = next.get(identityOf(bucket)) ?? next.get(first)!;
    if (!next.has(identityOf(bucket))) next.delete(first);
    next.delete(identity);
    const { time } = updater;
    next.set(identityOf(bucket), { ...bucket, time, fields: union(updater.fields, known.fields) });
    surplus--;
  }
  return next;
}

/** Whether two lists of entries say the same of the fields, whenever it was said. */
export function isSameButTimes(
  a: readonly ManagedFieldsEntry[] | undefined,
  b: readonly ManagedFieldsEntry[] | undefined,
  isEqual: (a: unknown, b: unknown) => boolean,
): boolean {
  if (a === b) return true;
  if (a?.length !== b?.length) return false;
  const withoutTime = ({ time: _, ...rest }: ManagedFieldsEntry) => rest;
  const others = new Map((b ?? []).map((entry) => [keyOf(entry), withoutTime(entry)]));
  return (a ?? []).every((entry) => isEqual(withoutTime(entry), others.get(keyOf(entry))));
}

function keyOf({ manager, operation, apiVersion, subresource }: ManagedFieldsEntry): string {
  return [manager, operation, apiVersion, subresource].join("\n");
}
