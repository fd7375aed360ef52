import { objectReference, secretReference } from "../../../schema/references.ts";
import {
  fallback,
  flag,
  integer,
  kept,
  list,
  mapOf,
  object,
  required,
  type Schema,
  string,
  type TypeOf,
} from "../../../schema/schema.ts";
import { cloudVolumes } from "../pods/spec/cloud_volumes.ts";
import { sharedVolumes } from "../pods/spec/shared_volumes.ts";
import { hostPath } from "../pods/spec/volumes.ts";

const readOnly = flag("Whether it is read-only.");

/** The secret of a volume that is in no namespace names its own; else the volume is as a pod has it. */
function withSecret<T>(shape: Schema<T>): Schema<Omit<T, "secretRef"> & Secret> {
  const properties = { ...shape.properties, secretRef: secretReference };
  return { ...shape, properties } as Schema<Omit<T, "secretRef"> & Secret>; // the one field that differs is replaced
}
type Secret = { secretRef?: TypeOf<typeof secretReference> };

const glusterfs = object("A GlusterFS volume; no longer supported by Kubernetes.", {
  endpoints: required(string("Endpoints object with the addresses of the servers.")),
  path: required(string("Name of the volume.")),
  readOnly,
  endpointsNamespace: kept(string("Namespace of the Endpoints; that of the claim when absent.")),
});

const azureFile = object("An Azure file share.", {
  secretName: required(string("Secret with the account's name and key.")),
  shareName: required(string("Name of the share.")),
  readOnly,
  secretNamespace: kept(string("Namespace of the Secret; that of the pod when absent.")),
});

const storageos = object("A StorageOS volume; no longer supported by Kubernetes.", {
  volumeName: string("Name of the volume."),
  volumeNamespace: string("Its namespace in StorageOS."),
  fsType: string("File system of the volume."),
  readOnly,
  secretRef: objectReference,
});

const scaleIO = object("A ScaleIO volume; no longer supported by Kubernetes.", {
  gateway: required(string("Host of the API.")),
  system: required(string("Name of the system.")),
  secretRef: secretReference,
  sslEnabled: flag("Whether TLS is used."),
  protectionDomain: string("Protection domain."),
  storagePool: string("Storage pool."),
  storageMode: fallback("ThinProvisioned", string("How storage is provisioned.")),
  volumeName: required(string("Name of the volume.")),
  fsType: fallback("xfs", string("File system of the volume.")),
  readOnly,
});

const iscsi = object("A disk of an iSCSI target.", {
  targetPortal: required(string("Address of the target, with its port if it is not 3260.")),
  iqn: required(string("Name of the target.")),
  lun: fallback(0, integer("Number of the disk in the target.", { minimum: 0, maximum: 255 })),
  iscsiInterface: fallback("default", string("Interface that the initiator uses.")),
  fsType: string("File system of the volume."),
  readOnly,
  portals: list("Further addresses of the target.", string("Address.")),
  chapAuthDiscovery: flag("Whether discovery uses CHAP."),
  chapAuthSession: flag("Whether sessions use CHAP."),
  secretRef: secretReference,
  initiatorName: kept(string("Name of the initiator.")),
});

const local = object("A disk, or a directory, of one node.", {
  path: required(string("Path on the node.")),
  fsType: kept(string("File system, if it is a disk.")),
});

const csi = object("A volume of a CSI driver.", {
  driver: required(string("Name of the driver.")),
  volumeHandle: required(string("Name of the volume in the words of the driver.")),
  readOnly,
  fsType: string("File system of the volume."),
  volumeAttributes: mapOf("Settings for the driver.", string("Value.")),
  controllerPublishSecretRef: secretReference,
  nodeStageSecretRef: secretReference,
  nodePublishSecretRef: secretReference,
  controllerExpandSecretRef: secretReference,
  nodeExpandSecretRef: secretReference,
});

const { gcePersistentDisk, awsElasticBlockStore, azureDisk, vsphereVolume } = cloudVolumes;
const { nfs, fc, flocker, quobyte, portworxVolume } = sharedVolumes;

/**
 * Where a volume is: one of these. In the order in which Kubernetes looks at them: the first that is set counts.
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#types-of-persistent-volumes
 */
export const persistentVolumeSources = {
  hostPath,
  gcePersistentDisk,
  awsElasticBlockStore,
  glusterfs,
  flocker,
  nfs,
  rbd: withSecret(sharedVolumes.rbd),
  quobyte,
  cephfs: withSecret(sharedVolumes.cephfs),
  iscsi,
  cinder: withSecret(cloudVolumes.cinder),
  fc,
  flexVolume: withSecret(sharedVolumes.flexVolume),
  azureFile,
  vsphereVolume,
  photonPersistentDisk: cloudVolumes.photonPersistentDisk,
  portworxVolume,
  azureDisk,
  scaleIO,
  local,
  storageos,
  csi,
};
