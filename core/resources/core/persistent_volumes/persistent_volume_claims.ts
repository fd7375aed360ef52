import { heldBy } from "../../../schema/finalizers.ts";
import { object, present } from "../../../schema/schema.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import { claimSpec, claimStatus } from "../pods/spec/claims.ts";
import { claimSpecCauses } from "../pods/spec/rules/claim_rules.ts";
import { defineResource, type ObjectOf } from "../../resource.ts";
import { accessModesText, CLASS_ANNOTATION, storageClassOf } from "./access_modes.ts";
import { claimStatusCauses, claimUpdateCauses } from "./claim_update_rules.ts";
import { withDataSources } from "./data_sources.ts";

/** Holds a claim that pods use. */
export const CLAIM_PROTECTION = "kubernetes.io/pvc-protection";

/** https://kubernetes.io/docs/concepts/storage/persistent-volumes/#persistentvolumeclaims */
export const persistentVolumeClaims = defineResource({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  shortNames: ["pvc"],
  namespaced: true,
  generation: "none",
  schema: object("Somebody's wish for a volume.", {
    spec: present(claimSpec),
    status: present(claimStatus),
  }),
  columns: [
    nameColumn,
    {
      name: "Status",
      description: "Whether it has a volume.",
      value: ({ metadata, status }) => metadata.deletionTimestamp ? "Terminating" : status.phase,
    },
    {
      name: "Volume",
      description: "PersistentVolume that it is bound to.",
      value: ({ spec }) => spec.volumeName,
    },
    {
      name: "Capacity",
      description: "How large its volume is.",
      value: ({ spec, status }) => spec.volumeName ? status.capacity?.["storage"] ?? "0" : "",
    },
    {
      name: "Access Modes",
      description: "How its volume can be mounted.",
      value: ({ spec, status }) => spec.volumeName ? accessModesText(status.accessModes) : "",
    },
    {
      name: "StorageClass",
      description: "StorageClass that makes its volume.",
      value: (claim) => storageClassOf(claim),
    },
    {
      name: "VolumeAttributesClass",
      description: "VolumeAttributesClass that it asks for.",
      value: ({ spec: { volumeAttributesClassName = "<unset>" } }) => volumeAttributesClassName,
    },
    ageColumn,
    {
      name: "VolumeMode",
      description: "Whether it is a file system or a device.",
      priority: 1,
      value: ({ spec }) => spec.volumeMode,
    },
  ],
  indexes: {
    /** The volume that it has or wants. */
    volume: ({ spec: { volumeName } }) => volumeName ? [volumeName] : [],
    /** The class of one that has no volume yet. */
    unbound: (claim) => claim.spec.volumeName ? [] : [storageClassOf(claim) ?? ""],
  },
  prepare: (next, previous) => ({ ...next, spec: withDataSources(next.spec, previous?.spec) }),
  admit: (next, previous) =>
    previous ? next : { ...next, metadata: heldBy(next.metadata, CLAIM_PROTECTION) },
  validate: (next, previous) => [
    ...claimSpecCauses(next.spec, "spec"),
    ...(previous ? claimUpdateCauses(next, previous) : []),
  ],
  validateStatus: (next) => claimStatusCauses(next.status),
  warnings: (next) => [
    ...(Object.hasOwn(next.metadata.annotations ?? {}, CLASS_ANNOTATION)
      ? [
        `metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`,
      ]
      : []),
    ...fractionWarnings(next.spec.resources),
  ],
});

export type PersistentVolumeClaim = ObjectOf<typeof persistentVolumeClaims>;

/** `100m` of storage is a tenth of a byte, and not what anybody means. */
function fractionWarnings(
  resources: { requests?: Record<string, string>; limits?: Record<string, string> },
): string[] {
  return (["requests", "limits"] as const).flatMap((name) => {
    const amount = resources[name]?.["storage"];
    if (!amount?.endsWith("m")) return [];
    const shown = JSON.stringify(amount);
    return [
      `spec.resources.${name}[storage]: fractional byte value ${shown} is invalid, must be an integer`,
    ];
  });
}
