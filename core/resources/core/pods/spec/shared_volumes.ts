import { localObjectReference } from "../../../../schema/references.ts";
import {
  fallback,
  flag,
  integer,
  list,
  mapOf,
  object,
  required,
  string,
} from "../../../../schema/schema.ts";

const fsType = string("File system of the volume.");
const readOnly = flag("Whether it is read-only.");

const nfs = object("A directory of an NFS server.", {
  server: required(string("Name or address of the server.")),
  path: required(string("Path that the server exports.")),
  readOnly,
});

const iscsi = object("A disk of an iSCSI target.", {
  targetPortal: required(string("Address of the target, with its port if it is not 3260.")),
  iqn: required(string("Name of the target.")),
  lun: fallback(0, integer("Number of the disk in the target.", { minimum: 0, maximum: 255 })),
  iscsiInterface: fallback("default", string("Interface that the initiator uses.")),
  fsType,
  readOnly,
  portals: list("Further addresses of the target.", string("Address.")),
  chapAuthDiscovery: flag("Whether discovery uses CHAP."),
  chapAuthSession: flag("Whether sessions use CHAP."),
  secretRef: localObjectReference,
  initiatorName: string("Name of the initiator."),
});

const fc = object("A Fibre Channel disk.", {
  targetWWNs: list("World-wide names of the targets.", string("Name.")),
  lun: integer("Number of the disk in the target."),
  fsType,
  readOnly,
  wwids: list("World-wide identifiers, in place of names and number.", string("Identifier.")),
});

const cephfs = object("A directory of CephFS; no longer supported by Kubernetes.", {
  monitors: required(list("Monitors.", string("Address."))),
  path: string("Path in the file system."),
  user: string("User."),
  secretFile: string("File on the node with the key."),
  secretRef: localObjectReference,
  readOnly,
});

const rbd = object("A Ceph block device; no longer supported by Kubernetes.", {
  monitors: required(list("Monitors.", string("Address."))),
  image: required(string("Image.")),
  fsType,
  pool: fallback("rbd", string("Pool.")),
  user: fallback("admin", string("User.")),
  keyring: fallback("/etc/ceph/keyring", string("File on the node with the key ring.")),
  secretRef: localObjectReference,
  readOnly,
});

const glusterfs = object("A GlusterFS volume; no longer supported by Kubernetes.", {
  endpoints: required(string("Endpoints object with the addresses of the servers.")),
  path: required(string("Name of the volume.")),
  readOnly,
});

const quobyte = object("A Quobyte volume; no longer supported by Kubernetes.", {
  registry: required(string("Registries, as host:port, separated by commas.")),
  volume: required(string("Name of the volume.")),
  readOnly,
  user: string("User."),
  group: string("Group."),
  tenant: string("Tenant."),
});

const flocker = object("A Flocker data set; no longer supported by Kubernetes.", {
  datasetName: string("Name of the data set."),
  datasetUUID: string("UUID of the data set."),
});

const flexVolume = object("A volume of an exec-based driver; deprecated in Kubernetes.", {
  driver: required(string("Name of the driver.")),
  fsType,
  secretRef: localObjectReference,
  readOnly,
  options: mapOf("Settings for the driver.", string("Value.")),
});

const gitRepo = object("A git repository; deprecated in Kubernetes.", {
  repository: required(string("URL of the repository.")),
  revision: string("Commit to check out."),
  directory: string("Directory to clone into; without `..`."),
});

const storageos = object("A StorageOS volume; no longer supported by Kubernetes.", {
  volumeName: string("Name of the volume."),
  volumeNamespace: string("Its namespace in StorageOS."),
  fsType,
  readOnly,
  secretRef: localObjectReference,
});

const portworxVolume = object("A Portworx volume.", {
  volumeID: required(string("Id of the volume.")),
  fsType,
  readOnly,
});

const scaleIO = object("A ScaleIO volume; no longer supported by Kubernetes.", {
  gateway: required(string("Host of the API.")),
  system: required(string("Name of the system.")),
  secretRef: localObjectReference,
  sslEnabled: flag("Whether TLS is used."),
  protectionDomain: string("Protection domain."),
  storagePool: string("Storage pool."),
  storageMode: fallback("ThinProvisioned", string("How storage is provisioned.")),
  volumeName: string("Name of the volume."),
  fsType: fallback("xfs", fsType),
  readOnly,
});

/** Volumes of storage that many machines share: network file systems and disks. */
export const sharedVolumes = {
  nfs,
  iscsi,
  fc,
  cephfs,
  rbd,
  glusterfs,
  quobyte,
  flocker,
  flexVolume,
  gitRepo,
  storageos,
  portworxVolume,
  scaleIO,
};
