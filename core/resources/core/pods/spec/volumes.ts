import { localObjectReference } from "../../../../schema/references.ts";
import {
  boolean,
  fallback,
  flag,
  integer,
  list,
  mapOf,
  mergeList,
  object,
  oneOf,
  quantity,
  required,
  retainKeys,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";
import { claimTemplate } from "./claims.ts";
import { cloudVolumes } from "./cloud_volumes.ts";
import { downwardFile, keyToPath, projectedVolume } from "./projected_volumes.ts";
import { sharedVolumes } from "./shared_volumes.ts";

const fileMode = fallback(
  420,
  integer("Permission bits of the files, as a decimal number: 420 is 0644."),
);

const emptyDir = object("A directory that lives as long as the pod.", {
  medium: string("`Memory` for one in memory; else it is on the node's disk."),
  sizeLimit: quantity("How much it may hold."),
});

export const hostPath = object("A file or directory of the node.", {
  path: required(string("Path on the node.")),
  type: fallback(
    "",
    oneOf("What must be there, or is made when it is not; empty for no check.", [
      "",
      "BlockDevice",
      "CharDevice",
      "Directory",
      "DirectoryOrCreate",
      "File",
      "FileOrCreate",
      "Socket",
    ]),
  ),
});

const secretVolume = object("The values of a Secret as files.", {
  secretName: string("Name of the Secret."),
  items: list("Keys to show, all when absent.", keyToPath),
  defaultMode: fileMode,
  optional: boolean("Whether the Secret or a key may be missing."),
});

const configMapVolume = object("The values of a ConfigMap as files.", {
  name: string("Name of the ConfigMap."),
  items: list("Keys to show, all when absent.", keyToPath),
  defaultMode: fileMode,
  optional: boolean("Whether the ConfigMap or a key may be missing."),
});

const downwardApiVolume = object("Fields of the pod as files.", {
  items: list("The files.", downwardFile),
  defaultMode: fileMode,
});

const persistentVolumeClaim = object("The volume that a claim is bound to.", {
  claimName: required(string("Name of the PersistentVolumeClaim.")),
  readOnly: flag("Whether all mounts of it are read-only."),
});

const csiVolume = object("A volume that a CSI driver makes for the pod.", {
  driver: required(string("Name of the driver.")),
  readOnly: boolean("Whether it is read-only."),
  fsType: string("File system."),
  volumeAttributes: mapOf("Settings for the driver.", string("Value.")),
  nodePublishSecretRef: localObjectReference,
});

const imageVolume = object("The files of an image.", {
  reference: string("Image to show."),
  pullPolicy: oneOf("When the image is fetched.", ["Always", "IfNotPresent", "Never"]),
});

/** https://kubernetes.io/docs/concepts/storage/volumes/ */
const volume = object("Files that containers of the pod can mount; of one source.", {
  name: required(string("Name of the volume, a DNS label, unique in the pod.")),
  emptyDir,
  hostPath,
  configMap: configMapVolume,
  secret: secretVolume,
  downwardAPI: downwardApiVolume,
  projected: projectedVolume,
  persistentVolumeClaim,
  ephemeral: object("A volume whose claim lives as long as the pod.", {
    volumeClaimTemplate: claimTemplate,
  }),
  csi: csiVolume,
  image: imageVolume,
  ...sharedVolumes,
  ...cloudVolumes,
});
export type Volume = TypeOf<typeof volume>;

export const volumes = retainKeys(
  mergeList("Volumes that containers can mount.", ["name"], volume),
);
