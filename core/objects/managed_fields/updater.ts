import { isEqual } from "../../lib/equality.ts";
import type { JsonObject } from "../../lib/json/json_value.ts";
import { fieldsOf } from "../../schema/fields/claims.ts";
import { type Comparison, comparisonOf, without } from "../../schema/fields/comparison.ts";
import {
  difference as differenceOf,
  EMPTY,
  type FieldSet,
  intersection,
  isEmptySet,
  recursiveDifference,
  union,
} from "../../schema/fields/field_set.ts";
import { fieldsOfNew } from "../../schema/fields/shapes.ts";
import { merged } from "../../schema/fields/merge.ts";
import { withNamedFields, withoutFields } from "../../schema/fields/removal.ts";
import { reconciled } from "../../schema/fields/schema_changes.ts";
import { type Conflict, ConflictsError } from "./conflicts.ts";
import { identityOf, type Manager, type Managers } from "./managers.ts";
import type { Versions } from "./versions.ts";

/** Who writes, and what counts of it. */
export interface Writer {
  readonly manager: string;
  /** The version of the objects below. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** Fields that this write does not change, whatever it says of them. */
  readonly ignored: FieldSet;
  /** When it is noted to be, RFC 3339; absent: times stay. */
  readonly now: string | undefined;
}

/** Never anybody's. */
const NOBODYS: FieldSet = {
  "f:apiVersion": EMPTY,
  "f:kind": EMPTY,
  "f:metadata": {
    ".": EMPTY,
    "f:clusterName": EMPTY,
    "f:creationTimestamp": EMPTY,
    "f:generation": EMPTY,
    "f:managedFields": EMPTY,
    "f:name": EMPTY,
    "f:namespace": EMPTY,
    "f:resourceVersion": EMPTY,
    "f:selfLink": EMPTY,
    "f:uid": EMPTY,
  },
};

/**
 * Who has which fields after an update: what it has added or changed is the writer's and nobody else's, what it has removed
 * is nobody's. The same managers when nothing that counts has changed. Both objects are in the writer's version.
 */
export function managersAfterUpdate(
  versions: Versions,
  { live, next, managers }: { live: JsonObject; next: JsonObject; managers: Managers },
  writer: Writer,
): Managers {
  const type = versions.typeOf(writer.apiVersion)!; // it is the version of the request
  const difference = comparisonOf(type, live, next);
  if (difference === undefined) return managers;
  const comparison = without(difference, writer.ignored);
  const own = lessNobodys(union(comparison.modified, comparison.added));
  const { manager, apiVersion, subresource, now } = writer;
  const entry = { manager, operation: "Update", apiVersion, subresource } as const;
  const identity = identityOf(entry);
  const before = managers.get(identity);
  const time = now ?? before?.time;
  // The common case: a writer changes again what it has changed before.
  const isAgain = before !== undefined && isEmptySet(comparison.removed) &&
    isEmptySet(differenceOf(own, reconciled(type, before.fields))) && !isEmptySet(own);
  const others = new Map(managers);
  if (isAgain) others.delete(identity);
  const left = managersLeft(
    versions,
    { live, next, comparison, managers: others },
    writer,
    () => true,
  );
  if (isAgain) return left.set(identity, { ...before, time });
  if (isEmptySet(own)) return left;
  const fields = union(own, left.get(identity)?.fields ?? EMPTY);
  return left.set(identity, { ...entry, time, fields });
}

function lessNobodys(fields: FieldSet): FieldSet {
  return differenceOf(fields, NOBODYS);
}

/** The same for a new object; `before` is what all objects of the kind have, and has no values. */
export function managersOfNew(
  versions: Versions,
  { before, next }: { before: JsonObject; next: JsonObject },
  { manager, apiVersion, subresource, now, ignored }: Writer,
): Managers {
  const type = versions.typeOf(apiVersion)!; // it is the version of the request
  const added = fieldsOfNew(type, before, next);
  const fields = ownOf(added, ignored);
  if (isEmptySet(fields)) return new Map();
  const entry = { manager, operation: "Update", apiVersion, subresource, time: now } as const;
  return new Map([[identityOf(entry), { ...entry, fields }]]);
}

/** What is left of sets of new objects, by what is ignored: few sets stand for most objects. */
const owned = new WeakMap<FieldSet, Map<FieldSet, FieldSet>>();

function ownOf(added: FieldSet, ignored: FieldSet): FieldSet {
  const known = owned.get(added) ?? new Map<FieldSet, FieldSet>();
  owned.set(added, known);
  let own = known.get(ignored);
  if (!own) {
    own = lessNobodys(recursiveDifference(added, ignored));
    deepFreeze(own);
    known.set(ignored, own);
  }
  return own;
}

function deepFreeze(set: FieldSet): void {
  if (Object.isFrozen(set)) return;
  Object.freeze(set);
  for (const element in set) deepFreeze(set[element]!);
}

interface Change {
  live: JsonObject;
  next: JsonObject;
  comparison: Comparison;
  managers: Managers;
}

/** What the others keep. `mayTake`: asked for the fields that change although another has them. */
function managersLeft(
  versions: Versions,
  { live, next, comparison, managers }: Change,
  { apiVersion, ignored }: Writer,
  mayTake: (manager: Manager, taken: FieldSet) => boolean,
): Managers {
  const comparisons = new Map([[apiVersion, comparison]]);
  const left: Managers = new Map();
  for (const [identity, manager] of managers) {
    const type = versions.typeOf(manager.apiVersion);
    if (!type) continue; // a version that is gone
    let there = comparisons.get(manager.apiVersion);
    if (!there) {
      const [before, after] = [live, next].map((object) =>
        versions.converted(object, apiVersion, manager.apiVersion)
      );
      there = without(comparisonOf(type, before, after) ?? NO_CHANGE, ignored);
      comparisons.set(manager.apiVersion, there);
    }
    const changed = union(there.modified, there.added);
    const known = reconciled(type, manager.fields);
    const taken = intersection(known, changed);
    const kept = isEmptySet(taken) || mayTake(manager, taken)
      ? differenceOf(known, changed)
      : known;
    const fields = differenceOf(kept, there.removed);
    if (!isEmptySet(fields)) {
      left.set(identity, fields === manager.fields ? manager : { ...manager, fields });
    }
  }
  return left;
}

const NO_CHANGE: Comparison = { added: EMPTY, modified: EMPTY, removed: EMPTY };

/**
 * What an apply makes of the object and of its managers. `next` is absent when nothing changes. Throws a ConflictsError, unless
 * forced; and an UnidentifiedItem. All is in the writer's version.
 */
export function applied(
  versions: Versions,
  { live, sent, managers }: { live: JsonObject; sent: JsonObject; managers: Managers },
  writer: Writer & { isForced: boolean },
): { next?: JsonObject; managers: Managers } {
  const { manager, apiVersion, subresource, ignored, isForced, now } = writer;
  const type = versions.typeOf(apiVersion)!; // it is the version of the request
  const entry = { manager, operation: "Apply", apiVersion, subresource } as const;
  const identity = identityOf(entry);
  const last = reconciledManager(versions, managers.get(identity));
  const fields = recursiveDifference(fieldsOf(type, sent), ignored);
  const all: Managers = new Map(managers).set(identity, { ...entry, time: last?.time, fields });
  const whole = merged(type, live, sent) as JsonObject; // of two objects
  const isLess = last && !isEmptySet(differenceOf(last.fields, fields));
  const next = isLess ? pruned(versions, whole, { all, last, to: apiVersion }) : whole;
  const comparison = without(comparisonOf(type, live, next) ?? NO_CHANGE, ignored);
  const others = new Map(all);
  others.delete(identity);
  const conflicts: Conflict[] = [];
  const left = managersLeft(
    versions,
    { live, next, comparison, managers: others },
    writer,
    (manager, fields) => {
      if (!isForced) conflicts.push({ manager, fields });
      return isForced;
    },
  );
  if (conflicts.length > 0) throw new ConflictsError(conflicts);
  const isChanged = !isEqual(live, next);
  const own = lessNobodys(fields);
  const time = isChanged && now !== undefined ? now : last?.time;
  if (!isEmptySet(own)) left.set(identity, { ...entry, time, fields: own });
  return { managers: left, ...(isChanged && { next }) };
}

function reconciledManager(versions: Versions, manager: Manager | undefined): Manager | undefined {
  const type = manager && versions.typeOf(manager.apiVersion);
  return type && { ...manager, fields: reconciled(type, manager.fields) };
}

/** Without what this manager has applied before and does not any more, unless another manager has it. */
function pruned(
  versions: Versions,
  whole: JsonObject,
  { all, last, to }: { all: Managers; last: Manager; to: string },
): JsonObject {
  const at = last.apiVersion;
  const type = versions.typeOf(at)!; // else there is no last
  const before = versions.converted(whole, to, at)!;
  const lastFields = withNamedFields(type, last.fields);
  const stripped = withoutFields(type, before, lastFields) as JsonObject | null ?? {};
  const owned = withOwned(versions, { whole: before, stripped, at }, all);
  // What the last apply did not have is not this manager's to remove.
  const there = withNamedFields(type, fieldsOf(type, before));
  const kept = withNamedFields(type, fieldsOf(type, owned));
  const goes = intersection(differenceOf(there, kept), lastFields);
  const next = withoutFields(type, before, goes) as JsonObject | null ?? {};
  return versions.converted(next, at, to)!;
}

/** Puts back what any manager has: those in the version of the object first. */
function withOwned(
  versions: Versions,
  { whole, stripped, at }: { whole: JsonObject; stripped: JsonObject; at: string },
  all: Managers,
): JsonObject {
  const byVersion = new Map<string, FieldSet>([[at, EMPTY]]);
  for (const { apiVersion, fields } of all.values()) {
    byVersion.set(apiVersion, union(byVersion.get(apiVersion) ?? EMPTY, fields));
  }
  let kept = stripped;
  for (const [version, fields] of byVersion) {
    const type = versions.typeOf(version);
    if (!type) continue;
    const [there, left] = [whole, kept].map((object) => versions.converted(object, at, version)!);
    const there2 = withNamedFields(type, fieldsOf(type, there));
    const wanted = union(
      withNamedFields(type, fieldsOf(type, left)),
      withNamedFields(type, fields),
    );
    const next = withoutFields(type, there, differenceOf(there2, wanted)) as JsonObject | null ??
      {};
    kept = versions.converted(next, version, at)!;
  }
  return kept;
}
