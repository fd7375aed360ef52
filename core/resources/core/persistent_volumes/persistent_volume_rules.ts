import { isEqual } from "../../../lib/equality.ts";
import { type Cause, forbidden, invalid, missing, notSupported } from "../../../schema/causes.ts";
import { subdomainFaults } from "../../../schema/names.ts";
import { immutableCauses, nameCauses } from "../../../schema/value_rules.ts";
import { nodeRuleWarnings } from "../nodes/deprecated_labels.ts";
import { accessModeCauses, amountCauses, positiveCauses } from "../pods/spec/rules/claim_rules.ts";
import { nodeSelectorCauses } from "../pods/spec/rules/node_selector_rules.ts";
import type { InlineVolumeSpec, PersistentVolumeSpec } from "./persistent_volume_spec.ts";
import { sourceCauses, sourcesOf } from "./volume_source_rules.ts";

/** The rules for a volume, in the words of k8s.io/kubernetes/pkg/apis/core/validation. */
export function persistentVolumeCauses(spec: PersistentVolumeSpec, name: string): Cause[] {
  return [
    ...capacityCauses(spec.capacity ?? {}, "spec.capacity"),
    ...placeCauses(spec, "spec"),
    ...sharedCauses(spec, "spec", name),
    ...nameCauses("spec.storageClassName", spec.storageClassName, subdomainFaults),
    ...attributesClassCauses(spec, "spec"),
  ];
}

/** The rules for a volume that is described where it is attached, at `field`. */
export function inlineVolumeCauses(spec: InlineVolumeSpec, field: string): Cause[] {
  const rule = "may not be specified in the context of inline volumes";
  const without = ["claimRef", "capacity", "nodeAffinity", "storageClassName"] as const;
  const causes = without.filter((name) => spec[name] !== undefined)
    .map((name) => forbidden(`${field}.${name}`, rule));
  if (!spec.csi) {
    causes.push(missing(`${field}.csi`, "has to be specified in the context of inline volumes"));
  }
  if ((spec.persistentVolumeReclaimPolicy ?? "Retain") !== "Retain") {
    const only = "may only be Retain in the context of inline volumes";
    causes.push(forbidden(`${field}.persistentVolumeReclaimPolicy`, only));
  }
  if ((spec.volumeMode ?? "Filesystem") !== "Filesystem") {
    const only =
      "may not specify volumeMode other than Filesystem in the context of inline volumes";
    causes.push(forbidden(`${field}.volumeMode`, only));
  }
  return [...causes, ...sharedCauses(spec, field, "")];
}

function sharedCauses(spec: InlineVolumeSpec, field: string, name: string): Cause[] {
  const { accessModes = [] } = spec;
  return [
    ...(accessModes.length === 0
      ? [missing(`${field}.accessModes`)]
      : accessModeCauses(accessModes, `${field}.accessModes`)),
    ...sourceCauses(spec, field, name),
  ];
}

function capacityCauses(capacity: Record<string, string>, field: string): Cause[] {
  const names = Object.keys(capacity);
  const causes = names.length === 0 ? [missing(field)] : [];
  if (names.length !== 1 || names[0] !== "storage") {
    const shown = names.length === 0 ? null : capacity;
    causes.push(notSupported(field, shown, ["storage"]));
  }
  for (const [name, amount] of Object.entries(capacity)) {
    causes.push(...amountCauses(amount, `${field}[${name}]`));
    causes.push(...positiveCauses(amount, `${field}[${name}]`));
  }
  return causes;
}

function placeCauses(spec: PersistentVolumeSpec, field: string): Cause[] {
  const { nodeAffinity, local, hostPath, persistentVolumeReclaimPolicy } = spec;
  const causes: Cause[] = [];
  const at = `${field}.nodeAffinity`;
  if (nodeAffinity?.required) {
    causes.push(...nodeSelectorCauses(nodeAffinity.required, `${at}.required`));
  } else if (nodeAffinity) {
    causes.push(missing(`${at}.required`, "must specify required node constraints"));
  } else if (local && sourcesOf(spec)[0] === "local") {
    causes.push(missing(at, "Local volume requires node affinity"));
  }
  if (isRoot(hostPath?.path) && persistentVolumeReclaimPolicy === "Recycle") {
    const rule = "may not be 'recycle' for a hostPath mount of '/'";
    causes.push(forbidden(`${field}.persistentVolumeReclaimPolicy`, rule));
  }
  return causes;
}

/** Whether a path is another way to write `/`. */
function isRoot(path: string | undefined): boolean {
  return path !== undefined && path.startsWith("/") &&
    path.split("/").every((part) => part === "" || part === "." || part === "..");
}

function attributesClassCauses(spec: PersistentVolumeSpec, field: string): Cause[] {
  const { volumeAttributesClassName: name, csi } = spec;
  if (name === undefined) return [];
  const at = `${field}.volumeAttributesClassName`;
  return [
    ...(name === "" ? [missing(at, "an empty string is disallowed")] : []),
    ...nameCauses(at, name, subdomainFaults),
    ...(csi
      ? []
      : [missing(`${field}.csi`, "has to be specified when using volumeAttributesClassName")]),
  ];
}

/** What of a volume stays. */
export function persistentVolumeUpdateCauses(
  next: PersistentVolumeSpec,
  previous: PersistentVolumeSpec,
): Cause[] {
  const causes: Cause[] = [];
  if (!isEqual(sourceOf(withoutNewSecret(next, previous)), sourceOf(previous))) {
    const rule = "spec.persistentvolumesource is immutable after creation";
    causes.push(forbidden("spec.persistentvolumesource", rule));
  }
  causes.push(...immutableCauses("volumeMode", next.volumeMode, previous.volumeMode));
  if (previous.nodeAffinity && !isEqual(next.nodeAffinity, previous.nodeAffinity)) {
    const rule = "field is immutable, except for updating from beta label to GA";
    causes.push(invalid("nodeAffinity", next.nodeAffinity, rule));
  }
  if (previous.volumeAttributesClassName !== undefined && !("volumeAttributesClassName" in next)) {
    const rule = "update from non-nil value to nil is forbidden";
    causes.push(forbidden("spec.volumeAttributesClassName", rule));
  }
  return causes;
}

function sourceOf(spec: PersistentVolumeSpec): unknown[] {
  return sourcesOf(spec).map((name) => [name, spec[name]]);
}

/** The secret for expansion may be added later. */
function withoutNewSecret(
  next: PersistentVolumeSpec,
  previous: PersistentVolumeSpec,
): PersistentVolumeSpec {
  if (!next.csi || !previous.csi || previous.csi.controllerExpandSecretRef) return next;
  const { controllerExpandSecretRef: _, ...csi } = next.csi;
  return { ...next, csi };
}

const UNSUPPORTED: readonly [name: keyof PersistentVolumeSpec, path: string, since: string][] = [
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
];

const DEPRECATED_ANNOTATIONS = {
  "volume.beta.kubernetes.io/storage-class":
    'deprecated since v1.8; use "storageClassName" attribute instead',
  "volume.beta.kubernetes.io/mount-options":
    'deprecated since v1.31; use "mountOptions" attribute instead',
};

/** In the words of k8s.io/kubernetes/pkg/api/persistentvolume. */
export function persistentVolumeWarnings(
  spec: PersistentVolumeSpec,
  annotations: Record<string, string> = {},
): string[] {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const at = "spec.nodeAffinity.required.nodeSelectorTerms";
  return [
    ...Object.entries(DEPRECATED_ANNOTATIONS).flatMap(([key, why]) =>
      Object.hasOwn(annotations, key) ? [`metadata.annotations[${key}]: ${why}`] : []
    ),
    ...(spec.persistentVolumeReclaimPolicy === "Recycle"
      ? [
        "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
      ]
      : []),
    ...terms.flatMap(({ matchExpressions }, i) =>
      nodeRuleWarnings(matchExpressions, `${at}[${i}].matchExpressions`)
    ),
    ...UNSUPPORTED.flatMap(([name, path, since]) =>
      spec[name] === undefined ? [] : [`spec.${path}: ${since}`]
    ),
  ];
}
