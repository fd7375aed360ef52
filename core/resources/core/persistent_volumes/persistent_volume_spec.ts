import { objectReference } from "../../../schema/references.ts";
import {
  fallback,
  kept,
  list,
  mapOf,
  object,
  oneOf,
  quantity,
  string,
  type TypeOf,
} from "../../../schema/schema.ts";
import { nodeSelector } from "../pods/spec/affinity.ts";
import { persistentVolumeSources } from "./volume_sources.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/persistent-volume-v1/ */
const fields = {
  capacity: mapOf("How large it is: `storage`.", quantity("Amount.")),
  ...persistentVolumeSources,
  accessModes: list(
    "How it can be mounted.",
    string("ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod."),
  ),
  claimRef: objectReference,
  persistentVolumeReclaimPolicy: oneOf("What becomes of it when its claim is deleted.", [
    "Delete",
    "Recycle",
    "Retain",
  ]),
  storageClassName: string("StorageClass that it belongs to; none when empty."),
  mountOptions: list("Options with which it is mounted.", string("Option.")),
  volumeMode: oneOf("Whether it is a file system or a device.", ["Block", "Filesystem"]),
  nodeAffinity: object("Nodes from which it can be reached.", { required: nodeSelector }),
  volumeAttributesClassName: kept(string("VolumeAttributesClass that it has.")),
};

/** A volume that is described where it is attached: it has no defaults. */
export const inlineVolumeSpec = object("What the volume is.", fields);
export type InlineVolumeSpec = TypeOf<typeof inlineVolumeSpec>;

export const persistentVolumeSpec = object("What the volume is, and for whom.", {
  ...fields,
  persistentVolumeReclaimPolicy: fallback("Retain", fields.persistentVolumeReclaimPolicy),
  volumeMode: fallback("Filesystem", fields.volumeMode),
});
export type PersistentVolumeSpec = TypeOf<typeof persistentVolumeSpec>;
