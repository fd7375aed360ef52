import type { UnimplementedFields } from "../../../unimplemented_fields.ts";

/**
 * The one list of what a PodSpec can say and Coracle does not implement yet. Take a field out when it is implemented. What is about
 * security is refused instead: `refused_fields.ts`.
 */
export const UNIMPLEMENTED_POD_FIELDS: UnimplementedFields = {
  schedulingGroup: undefined,
  resourceClaims: undefined,
  overhead: undefined,

  runtimeClassName: undefined,

  "resources.claims": undefined,
  "containers[].resources.claims": undefined,
  "containers[].env[].valueFrom.fileKeyRef": undefined,

  "volumes[].awsElasticBlockStore": undefined,
  "volumes[].azureDisk": undefined,
  "volumes[].azureFile": undefined,
  "volumes[].cephfs": undefined,
  "volumes[].cinder": undefined,
  "volumes[].csi": undefined,
  "volumes[].fc": undefined,
  "volumes[].flexVolume": undefined,
  "volumes[].flocker": undefined,
  "volumes[].gcePersistentDisk": undefined,
  "volumes[].gitRepo": undefined,
  "volumes[].glusterfs": undefined,
  "volumes[].iscsi": undefined,
  "volumes[].photonPersistentDisk": undefined,
  "volumes[].portworxVolume": undefined,
  "volumes[].projected.sources[].clusterTrustBundle": undefined,
  "volumes[].projected.sources[].podCertificate": undefined,
  "volumes[].quobyte": undefined,
  "volumes[].rbd": undefined,
  "volumes[].scaleIO": undefined,
  "volumes[].storageos": undefined,
  "volumes[].vsphereVolume": undefined,
};

const KEEPS_FROM_STARTING = "the pod does not start, and its status says why";
const WAITS_FOR_VOLUME = "the pod does not start: its events say FailedMount";
const VOLUMES = Object.keys(UNIMPLEMENTED_POD_FIELDS).filter((path) =>
  path.startsWith("volumes[].")
);

/** What comes of those that are not merely ignored, for a pod that has them. */
export const UNIMPLEMENTED_POD_CONSEQUENCES: Readonly<Record<string, string>> = {
  resourceClaims: KEEPS_FROM_STARTING,
  runtimeClassName: "no node starts pods with it",
  "containers[].env[].valueFrom.fileKeyRef":
    "the container does not start, and its status says why",
  ...Object.fromEntries(VOLUMES.map((path) => [path, WAITS_FOR_VOLUME])),
};
