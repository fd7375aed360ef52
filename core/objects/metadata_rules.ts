import { type Cause, forbidden, invalid, missing, tooLong } from "../resources/causes.ts";
import type { ObjectMeta } from "../resources/metadata.ts";
import {
  dns1035LabelFaults,
  labelNameFaults,
  labelValueFaults,
  type NameRule,
  prefixFaultsOf,
  qualifiedNameFaults,
  subdomainFaults,
} from "../resources/names.ts";
import { type AnyResource, groupResourceOf } from "../resources/resource.ts";
import { FOREGROUND, ORPHAN } from "./deletion.ts";

/** Bytes of all annotations of an object together. */
const ANNOTATIONS_BYTES_MAX = 256 * 1024;
/** The finalizers that may do without a domain. */
const STANDARD_FINALIZERS = [ORPHAN, FOREGROUND, "kubernetes"];
/** Names become host names where these kinds are concerned; all others are DNS subdomains. */
const NAME_RULES: Readonly<Record<string, NameRule>> = {
  namespaces: labelNameFaults,
  services: dns1035LabelFaults,
};

/**
 * What is wrong with the metadata of an object that is to be stored.
 *
 * Source: apimachinery `pkg/api/validation/objectmeta.go`.
 */
export function metadataCauses(
  resource: AnyResource,
  next: ObjectMeta,
  previous: ObjectMeta | undefined,
): Cause[] {
  return [
    ...(previous ? [] : nameCauses(resource, next)), // a name never changes
    ...labelCauses(next),
    ...annotationCauses(next),
    ...ownerCauses(next),
    ...finalizerCauses(next, previous),
  ];
}

function nameCauses(resource: AnyResource, { name, generateName, namespace }: ObjectMeta): Cause[] {
  const rule = NAME_RULES[groupResourceOf(resource)] ?? subdomainFaults;
  const named = name === ""
    ? [missing("metadata.name", "name or generateName is required")]
    : rule(name).map((fault) => invalid("metadata.name", name, fault));
  const prefix = generateName ?? "";
  const prefixed = prefix === "" ? [] : prefixFaultsOf(rule, prefix);
  const placed = namespace === undefined ? [] : labelNameFaults(namespace);
  return [
    ...prefixed.map((fault) => invalid("metadata.generateName", prefix, fault)),
    ...(prefixed.length === 0 ? named : []), // what is wrong with the prefix is wrong with the name
    ...placed.map((fault) => invalid("metadata.namespace", namespace, fault)),
  ];
}

function labelCauses({ labels = {} }: ObjectMeta): Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameFaults(key).map((fault) => invalid("metadata.labels", key, fault)),
    ...labelValueFaults(value).map((fault) => invalid("metadata.labels", value, fault)),
  ]);
}

function annotationCauses({ annotations = {} }: ObjectMeta): Cause[] {
  const field = "metadata.annotations";
  const entries = Object.entries(annotations);
  const causes = entries.flatMap(([key]) =>
    qualifiedNameFaults(key.toLowerCase()).map((fault) => invalid(field, key, fault))
  );
  const bytes = entries.reduce((sum, [key, value]) => sum + bytesIn(key) + bytesIn(value), 0);
  return bytes > ANNOTATIONS_BYTES_MAX
    ? [...causes, tooLong(field, ANNOTATIONS_BYTES_MAX)]
    : causes;
}

function ownerCauses({ ownerReferences = [] }: ObjectMeta): Cause[] {
  const causes = ownerReferences.flatMap((owner, i) =>
    (["apiVersion", "kind", "name", "uid"] as const).filter((field) => !owner[field]).map(
      (field) => {
        const what = field === "apiVersion" ? "version must not be empty" : "must not be empty";
        return invalid(`metadata.ownerReferences[${i}].${field}`, "", what);
      },
    )
  );
  const [first, second] = ownerReferences.filter(({ controller }) => controller === true);
  if (!second) return causes;
  const why =
    'Only one reference can have Controller set to true. Found "true" in references for ' +
    `${first!.name} and ${second.name}`;
  return [...causes, invalid("metadata.ownerReferences", ownerReferences, why)];
}

function finalizerCauses(
  { finalizers = [] }: ObjectMeta,
  previous: ObjectMeta | undefined,
): Cause[] {
  const field = "metadata.finalizers";
  const causes = finalizers.flatMap((finalizer) =>
    finalizerFaults(finalizer).map((fault) => invalid(field, finalizer, fault))
  );
  if (finalizers.includes(ORPHAN) && finalizers.includes(FOREGROUND)) {
    const why = `finalizer ${ORPHAN} and ${FOREGROUND} cannot be both set`;
    causes.push(invalid(field, finalizers, why));
  }
  const before = previous?.finalizers ?? [];
  const added = finalizers.filter((finalizer) => !before.includes(finalizer));
  if (previous?.deletionTimestamp === undefined || added.length === 0) return causes;
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const why =
    `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [...causes, forbidden(field, why)];
}

function finalizerFaults(finalizer: string): string[] {
  const faults = qualifiedNameFaults(finalizer);
  if (faults.length > 0 || finalizer.includes("/")) return faults;
  return STANDARD_FINALIZERS.includes(finalizer)
    ? []
    : ["name is neither a standard finalizer name nor is it fully qualified"];
}

function bytesIn(text: string): number {
  return new TextEncoder().encode(text).length;
}
