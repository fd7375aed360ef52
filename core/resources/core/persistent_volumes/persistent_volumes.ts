import { ownField } from "../../../lib/own_field.ts";
import { timestamp } from "../../../lib/timestamp.ts";
import { type Cause, forbidden } from "../../../schema/causes.ts";
import { heldBy } from "../../../schema/finalizers.ts";
import { fallback, object, present, string, time, type TypeOf } from "../../../schema/schema.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import { defineResource, type KubeObject, type ObjectOf } from "../../resource.ts";
import { accessModesText, storageClassOf } from "./access_modes.ts";
import {
  persistentVolumeCauses,
  persistentVolumeUpdateCauses,
  persistentVolumeWarnings,
} from "./persistent_volume_rules.ts";
import { type PersistentVolumeSpec, persistentVolumeSpec } from "./persistent_volume_spec.ts";
import { sourcesOf } from "./volume_source_rules.ts";

const persistentVolumeStatus = object("How the volume is.", {
  phase: fallback(
    "Pending",
    string("Pending, Available, Bound, Released or Failed."),
  ),
  message: string("A sentence for people about its phase."),
  reason: string("One word, in CamelCase, about a failure."),
  lastPhaseTransitionTime: time("When the phase last changed."),
});
type Status = TypeOf<typeof persistentVolumeStatus>;

/** On a volume that is a folder: the node whose agent makes and removes it. */
export const LOCAL_PATH_NODE = "coracle.dev/local-path-node";
/** Holds a volume that is bound. */
export const VOLUME_PROTECTION = "kubernetes.io/pv-protection";

/** https://kubernetes.io/docs/concepts/storage/persistent-volumes/ */
export const persistentVolumes = defineResource({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  shortNames: ["pv"],
  namespaced: false,
  generation: "none",
  schema: object("A piece of storage that outlives pods.", {
    spec: present(persistentVolumeSpec),
    status: present(persistentVolumeStatus),
  }),
  columns: [
    nameColumn,
    {
      name: "Capacity",
      description: "How large it is.",
      value: ({ spec }) => spec.capacity?.["storage"] ?? "0",
    },
    {
      name: "Access Modes",
      description: "How it can be mounted.",
      value: ({ spec }) => accessModesText(spec.accessModes),
    },
    {
      name: "Reclaim Policy",
      description: "What becomes of it when its claim is deleted.",
      value: ({ spec }) => spec.persistentVolumeReclaimPolicy,
    },
    {
      name: "Status",
      description: "Whether it is free, bound, or left by its claim.",
      value: ({ metadata, status }) => metadata.deletionTimestamp ? "Terminating" : status.phase,
    },
    {
      name: "Claim",
      description: "Claim that it is bound to.",
      value: ({ spec: { claimRef } }) =>
        claimRef && `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}`,
    },
    {
      name: "StorageClass",
      description: "StorageClass that it belongs to.",
      value: (volume) => storageClassOf(volume),
    },
    {
      name: "VolumeAttributesClass",
      description: "VolumeAttributesClass that it has.",
      value: ({ spec: { volumeAttributesClassName = "<unset>" } }) => volumeAttributesClassName,
    },
    { name: "Reason", description: "Why it failed.", value: ({ status }) => status.reason },
    ageColumn,
    {
      name: "VolumeMode",
      description: "Whether it is a file system or a device.",
      priority: 1,
      value: ({ spec }) => spec.volumeMode,
    },
  ],
  indexes: {
    /** The claim that it is reserved for, or bound to. */
    claim: ({ spec: { claimRef } }) => claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : [],
    /** The class of one that is for no claim. */
    unclaimed: (volume) => volume.spec.claimRef ? [] : [storageClassOf(volume) ?? ""],
    /** The node of which it says that it is a folder there. */
    localPathNode: (volume) => {
      const node = ownField(volume.metadata.annotations, LOCAL_PATH_NODE);
      return node === undefined ? [] : [node];
    },
  },
  admit: (next, previous, { settings }) => ({
    ...next,
    metadata: previous ? next.metadata : heldBy(next.metadata, VOLUME_PROTECTION),
    status: withPhaseTime(next.status, previous?.status, () => timestamp(settings.clock.now())),
  }),
  validate: (next, previous) => [
    ...persistentVolumeCauses(next.spec, next.metadata.name),
    ...mountOptionCauses(next),
    ...(previous ? persistentVolumeUpdateCauses(next.spec, previous.spec) : []),
  ],
  warnings: ({ spec, metadata }) => persistentVolumeWarnings(spec, metadata.annotations),
});

export type PersistentVolume = ObjectOf<typeof persistentVolumes>;

/** A new phase has a new time, unless whoever writes it says one. */
function withPhaseTime(next: Status, previous: Status | undefined, now: () => string): Status {
  if (!previous) return { ...next, lastPhaseTransitionTime: now() };
  const { lastPhaseTransitionTime: given } = next;
  const { lastPhaseTransitionTime: before } = previous;
  if (next.phase === previous.phase) {
    return given !== undefined || before === undefined
      ? next
      : { ...next, lastPhaseTransitionTime: before };
  }
  return given === undefined || given === before
    ? { ...next, lastPhaseTransitionTime: now() }
    : next;
}

const MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options";
/** Sources whose mounts take options. */
const MOUNTED: readonly string[] = [
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "nfs",
  "rbd",
  "quobyte",
  "iscsi",
  "cinder",
  "cephfs",
  "azureFile",
  "vsphereVolume",
  "azureDisk",
  "photonPersistentDisk",
];

function mountOptionCauses(
  { metadata, spec }: KubeObject & { spec: PersistentVolumeSpec },
): Cause[] {
  if (!Object.hasOwn(metadata.annotations ?? {}, MOUNT_OPTIONS)) return [];
  return sourcesOf(spec).some((name) => MOUNTED.includes(name)) ? [] : [
    forbidden(
      `metadata.annotations.${MOUNT_OPTIONS}`,
      "may not specify mount options for this volume type",
    ),
  ];
}
