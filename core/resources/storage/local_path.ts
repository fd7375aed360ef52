import { ownField } from "../../lib/own_field.ts";
import { PROVISIONED_BY } from "../core/persistent_volumes/binding.ts";
import {
  LOCAL_PATH_NODE,
  type PersistentVolume,
} from "../core/persistent_volumes/persistent_volumes.ts";
import type { Node } from "../core/nodes/nodes.ts";

/** Who makes volumes that are folders on nodes. Also the component that its events come from. */
export const LOCAL_PATH_PROVISIONER = "coracle.dev/local-path";
/** On a node: the folder in which its volumes are made. */
export const LOCAL_PATH_FOLDER = "coracle.dev/local-path-folder";
/** On a volume: whether its file system keeps it from growing beyond its size. */
export const SIZE_ENFORCED = "coracle.dev/size-enforced";

/** The class that claims have which name none, from the start. */
export const LOCAL_PATH_CLASS = {
  metadata: {
    name: "local-path",
    annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
  },
  provisioner: LOCAL_PATH_PROVISIONER,
  reclaimPolicy: "Delete",
  volumeBindingMode: "WaitForFirstConsumer",
  allowVolumeExpansion: true,
};

/** Where the volumes of a node are made; `undefined`: its agent makes none. */
export function localPathFolderOf({ metadata }: Node): string | undefined {
  return ownField(metadata.annotations, LOCAL_PATH_FOLDER);
}

/** Whether the volume is a folder that was made in the folder of volumes of some node. */
export function isLocalPathVolume({ metadata, spec }: PersistentVolume): boolean {
  return ownField(metadata.annotations, PROVISIONED_BY) === LOCAL_PATH_PROVISIONER &&
    spec.local !== undefined;
}

/** The node on which the volume is a folder; `undefined`: it is none. */
export function localPathNodeOf(volume: PersistentVolume): string | undefined {
  return isLocalPathVolume(volume)
    ? ownField(volume.metadata.annotations, LOCAL_PATH_NODE)
    : undefined;
}
