import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "./finalizers.ts";
import { type Cause, forbidden, invalid, missing, tooLong } from "./causes.ts";
import { CAUSES_MAX } from "./report.ts";
import type { ObjectMeta, OwnerReference } from "./metadata.ts";
import {
  labelNameFaults,
  labelValueFaults,
  type NameRule,
  prefixFaultsOf,
  qualifiedNameFaults,
  subdomainFaults,
} from "./names.ts";

// The rules and the words of k8s.io/apimachinery/pkg/api/validation/objectmeta.go.

const ANNOTATIONS_BYTES_MAX = 256 * 1024;
/** Kinds that may not own anything, as `apiVersion/kind`. */
const BANNED_OWNERS = ["v1/Event"];
/** Fields that a change must not touch. */
const IMMUTABLE = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

/** What a kind declares about the metadata of its objects. */
export interface MetadataRules {
  namespaced: boolean;
  /** The rule for names; by default, DNS subdomains. */
  nameFaults?: NameRule;
}

/** Metadata before it is stored: the server may not have set everything yet. */
export type MetadataDraft = Partial<ObjectMeta>;

/** Checks the rules for the metadata of every object, besides its shape. Returns every cause. */
export function validateMetadata(
  next: MetadataDraft,
  previous: MetadataDraft | undefined,
  rules: MetadataRules,
): Cause[] {
  return [
    ...(previous ? changeCauses(next, previous) : identityCauses(next, rules)),
    ...labelCauses(next.labels ?? {}),
    ...annotationCauses(next.annotations ?? {}),
    ...ownerCauses(next.ownerReferences ?? []),
    ...(previous ? [] : finalizerCauses(next.finalizers ?? [])),
  ];
}

/** Names are checked once: they do not change. */
function identityCauses(
  { name = "", generateName = "", namespace = "", generation = 0 }: MetadataDraft,
  { namespaced, nameFaults = subdomainFaults }: MetadataRules,
): Cause[] {
  const causes = generateName === ""
    ? []
    : invalidEach("metadata.generateName", generateName, prefixFaultsOf(nameFaults, generateName));
  if (name === "") causes.push(missing("metadata.name", "name or generateName is required"));
  else causes.push(...invalidEach("metadata.name", name, nameFaults(name)));
  const field = "metadata.namespace";
  if (namespaced && namespace === "") causes.push(missing(field));
  else if (namespaced) causes.push(...invalidEach(field, namespace, labelNameFaults(namespace)));
  else if (namespace !== "") causes.push(forbidden(field, "not allowed on this type"));
  if (generation < 0) {
    causes.push(invalid("metadata.generation", generation, "must be greater than or equal to 0"));
  }
  return causes;
}

function changeCauses(next: MetadataDraft, previous: MetadataDraft): Cause[] {
  const causes = previous.deletionTimestamp === undefined
    ? []
    : newFinalizerCauses(next.finalizers ?? [], previous.finalizers ?? []);
  if ((next.generation ?? 0) < (previous.generation ?? 0)) {
    causes.push(invalid("metadata.generation", next.generation ?? 0, "must not be decremented"));
  }
  for (const name of IMMUTABLE) {
    const value = next[name] ?? "";
    if (value === (previous[name] ?? "")) continue;
    causes.push(invalid(`metadata.${name}`, value, "field is immutable"));
  }
  return causes;
}

function newFinalizerCauses(next: readonly string[], previous: readonly string[]): Cause[] {
  const before = new Set(previous);
  const added = [...new Set(next)].filter((one) => !before.has(one)).sort();
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  return [forbidden(
    "metadata.finalizers",
    `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
  )];
}

function labelCauses(labels: Readonly<Record<string, string>>): Cause[] {
  return firstCauses(Object.entries(labels), ([key, value]) => [
    ...invalidEach("metadata.labels", key, qualifiedNameFaults(key)),
    ...invalidEach("metadata.labels", value, labelValueFaults(value)),
  ]);
}

/** Stops when there are more causes than will be shown: a broken generator repeats its mistake very often. */
function firstCauses<T>(items: readonly T[], causesOf: (item: T) => Cause[]): Cause[] {
  const causes: Cause[] = [];
  for (const item of items) {
    if (causes.length >= CAUSES_MAX) break;
    causes.push(...causesOf(item));
  }
  return causes;
}

function annotationCauses(annotations: Readonly<Record<string, string>>): Cause[] {
  const field = "metadata.annotations";
  const entries = Object.entries(annotations);
  const causes = firstCauses(
    entries,
    ([key]) => invalidEach(field, key, qualifiedNameFaults(key.toLowerCase())),
  );
  const bytes = entries.reduce((sum, entry) => sum + byteLengthOf(entry.join("")), 0);
  return bytes > ANNOTATIONS_BYTES_MAX
    ? [...causes, tooLong(field, ANNOTATIONS_BYTES_MAX)]
    : causes;
}

function byteLengthOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function ownerCauses(owners: readonly OwnerReference[]): Cause[] {
  const field = "metadata.ownerReferences";
  const causes: Cause[] = [];
  let controller: OwnerReference | undefined;
  for (const owner of owners) {
    const { apiVersion, kind } = owner;
    if (/^[^/]*\/$/.test(apiVersion)) {
      causes.push(invalid(`${field}.apiVersion`, apiVersion, "version must not be empty"));
    }
    if (BANNED_OWNERS.includes(`${apiVersion}/${kind}`)) {
      const name = `/${apiVersion}, Kind=${kind}`;
      causes.push(invalid(field, owner, `${name} is disallowed from being an owner`));
    }
    if (!owner.controller) continue;
    if (controller) causes.push(invalid(field, owners, secondControllerText(controller, owner)));
    controller ??= owner;
  }
  return causes;
}

function secondControllerText(first: OwnerReference, second: OwnerReference): string {
  const [a, b] = [first, second].map(({ kind, name }) => `${kind}/${name}`);
  return `Only one reference can have Controller set to true. Found "true" in references for ${a} and ${b}`;
}

function finalizerCauses(finalizers: readonly string[]): Cause[] {
  const field = "metadata.finalizers";
  const causes = finalizers.flatMap((one) => invalidEach(field, one, qualifiedNameFaults(one)));
  return finalizers.includes(ORPHAN_FINALIZER) && finalizers.includes(FOREGROUND_FINALIZER)
    ? [
      ...causes,
      invalid(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"),
    ]
    : causes;
}

function invalidEach(field: string, value: string, faults: readonly string[]): Cause[] {
  return faults.map((fault) => invalid(field, value, fault));
}
