import { localObjectReference } from "../../../../schema/references.ts";
import {
  boolean,
  count,
  fallback,
  flag,
  object,
  oneOf,
  required,
  string,
} from "../../../../schema/schema.ts";

const fsType = string("File system of the volume.");
const readOnly = flag("Whether it is read-only.");
const partition = count("Number of the partition; 0 for the whole disk.");

/** Disks of clouds. Kubernetes hands them to CSI drivers, or does not support them any more. */
export const cloudVolumes = {
  awsElasticBlockStore: object("An Amazon EBS disk.", {
    volumeID: required(string("Id of the disk.")),
    fsType,
    partition,
    readOnly,
  }),
  gcePersistentDisk: object("A Google persistent disk.", {
    pdName: required(string("Name of the disk.")),
    fsType,
    partition,
    readOnly,
  }),
  azureDisk: object("An Azure disk.", {
    diskName: required(string("Name of the disk.")),
    diskURI: required(string("URI of the disk.")),
    cachingMode: fallback("ReadWrite", oneOf("Caching.", ["None", "ReadOnly", "ReadWrite"])),
    fsType: fallback("ext4", fsType),
    readOnly: fallback(false, boolean("Whether it is read-only.")),
    kind: fallback("Shared", oneOf("Kind of disk.", ["Dedicated", "Managed", "Shared"])),
  }),
  azureFile: object("An Azure file share.", {
    secretName: required(string("Secret with the account's name and key.")),
    shareName: required(string("Name of the share.")),
    readOnly,
  }),
  cinder: object("An OpenStack disk.", {
    volumeID: required(string("Id of the disk.")),
    fsType,
    readOnly,
    secretRef: localObjectReference,
  }),
  vsphereVolume: object("A vSphere disk.", {
    volumePath: required(string("Path of the disk.")),
    fsType,
    storagePolicyName: string("Name of the storage policy."),
    storagePolicyID: string("Id of the storage policy."),
  }),
  photonPersistentDisk: object("A Photon disk.", {
    pdID: required(string("Id of the disk.")),
    fsType,
  }),
};
