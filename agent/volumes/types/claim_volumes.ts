import type { View } from "../../../core/client/client.ts";
import { ownField } from "../../../core/lib/own_field.ts";
import { nodes } from "../../../core/resources/core/nodes/nodes.ts";
import { reachesNode } from "../../../core/resources/core/persistent_volumes/binding.ts";
import {
  CLAIM_PROTECTION,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../../core/resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import { foreignClaimFault } from "../../../core/resources/core/persistent_volumes/pod_claims.ts";
import { longRunningContainersOf } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { unattachable, VolumeError, withoutPlugin } from "../volume_error.ts";
import type { VolumeContext, VolumeOf, VolumeType } from "../volume_type.ts";
import { hostPaths } from "./host_paths.ts";
import { localVolumes } from "./local_volumes.ts";
import { nfsVolumes } from "./nfs_volumes.ts";

/** The types that a PersistentVolume can have. A new one is one file and one line here. */
const PERSISTENT_TYPES: readonly VolumeType[] = [hostPaths, localVolumes, nfsVolumes];

/** https://kubernetes.io/docs/concepts/storage/persistent-volumes/#claims-as-volumes */
export const claimVolumes = volumesOfClaims<NonNullable<Volume["persistentVolumeClaim"]>>({
  field: "persistentVolumeClaim",
  claimNameOf: ({ claimName }) => claimName,
  isReadOnly: ({ readOnly = false }) => readOnly,
});

/** https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes */
export const ephemeralVolumes = volumesOfClaims<NonNullable<Volume["ephemeral"]>>({
  field: "ephemeral",
  claimNameOf: (_source, { pod, name }) => `${pod.metadata.name}-${name}`,
  isReadOnly: () => false,
  isOfPod: true,
});

interface ClaimField<Source> {
  field: string;
  claimNameOf(source: Source, volume: { pod: Pod; name: string }): string;
  isReadOnly(source: Source): boolean;
  /** Whether the claim has to be the pod's. */
  isOfPod?: boolean;
}

/** Volumes whose files are where the volume has them that a claim is bound to. */
function volumesOfClaims<Source>(
  { field, claimNameOf, isReadOnly, isOfPod = false }: ClaimField<Source>,
): VolumeType<Source> {
  const resolve = (volume: VolumeOf<Source>, node: VolumeContext) => {
    const claimName = claimNameOf(volume.source, volume);
    return persistentOf(volume, boundVolume(volume, claimName, { view: node.view, isOfPod }));
  };
  return {
    field,
    reads: [persistentVolumeClaims, persistentVolumes],
    references: (source, volume) => [
      { resource: persistentVolumeClaims, name: claimNameOf(source, volume) },
    ],
    isMountedReadOnly: (volume, node) => {
      const { type, volume: own } = resolve(volume, node);
      return isReadOnly(volume.source) || (type.isMountedReadOnly?.(own, node) ?? false);
    },
    make: async (volume, node) => {
      const { type, volume: own } = resolve(volume, node);
      checkReach(own.persistent!, node);
      await type.make(own, node).catch((error) => {
        if (error instanceof VolumeError) throw error;
        const { name } = own.persistent!.metadata;
        throw new VolumeError(
          `MountVolume.SetUp failed for volume "${name}" : ${
            error instanceof Error ? error.message : error
          }`,
        );
      });
    },
    deviceOf: async (volume, node) => {
      const { type, volume: own } = resolve(volume, node);
      if (type.deviceOf === undefined) throw withoutPlugin(volume.name, own.name);
      return await type.deviceOf(own, node);
    },
    placeOf: (volume, node) => {
      const { type, volume: own } = resolve(volume, node);
      return type.placeOf(own, node);
    },
  };
}

/** As the volume's own type has it. */
function persistentOf(
  { pod, folder, name }: VolumeOf<unknown>,
  persistent: PersistentVolume,
): { type: VolumeType; volume: VolumeOf<unknown> } {
  const type = PERSISTENT_TYPES.find(({ field }) =>
    ownField(persistent.spec as Record<string, unknown>, field) !== undefined
  );
  if (type === undefined) throw unmountable(name, persistent);
  const { field, folderName = field } = type;
  const parent = folder.slice(0, folder.lastIndexOf("/", folder.lastIndexOf("/") - 1));
  const own = {
    pod,
    name: persistent.metadata.name,
    source: (persistent.spec as Record<string, unknown>)[field],
    folder: `${parent}/kubernetes.io~${folderName}/${persistent.metadata.name}`,
    persistent,
  };
  return { type, volume: own };
}

/** A user may choose the node of a pod, and so a wrong one. */
function checkReach(volume: PersistentVolume, { view, nodeName }: VolumeContext): void {
  const node = view.get(nodes, { name: nodeName });
  if (node === undefined || reachesNode(volume, node)) return;
  const { name } = volume.metadata;
  throw new VolumeError(
    `MountVolume.NodeAffinity check failed for volume "${name}" : no matching NodeSelectorTerms`,
  );
}

/** As on a node without the driver, or of a Kubernetes that has none of its kind. */
function unmountable(name: string, { metadata, spec }: PersistentVolume): VolumeError {
  return spec.csi
    ? new VolumeError(
      `MountVolume.MountDevice failed for volume "${metadata.name}" : kubernetes.io/csi: attacher.MountDevice failed ` +
        `to create newCsiDriverClient: driver name ${spec.csi.driver} not found in the list of registered CSI drivers`,
    )
    : withoutPlugin(name, metadata.name);
}

/** The volume that a pod's claim is bound to. Throws the kubelet's words (`desired_state_of_world_populator.go`). */
function boundVolume(
  { pod, name }: VolumeOf<unknown>,
  claimName: string,
  { view, isOfPod }: { view: Pick<View, "get">; isOfPod: boolean },
): PersistentVolume {
  const { namespace } = pod.metadata;
  const claim = view.get(persistentVolumeClaims, { namespace, name: claimName });
  const process = (why: string) =>
    unattachable(name, `error processing PVC ${namespace}/${claimName}: ${why}`);
  if (claim === undefined) {
    throw process(
      `failed to fetch PVC from API server: persistentvolumeclaims "${claimName}" not found`,
    );
  }
  const fault = claimFault(claim);
  if (fault !== undefined) throw process(fault);
  const foreign = isOfPod ? foreignClaimFault(pod, claim) : undefined;
  if (foreign !== undefined) throw unattachable(name, foreign);
  const volume = view.get(persistentVolumes, { name: claim.spec.volumeName! });
  const mismatch = volumeFault(volume, claim);
  if (mismatch !== undefined) throw process(mismatch);
  const mode = modeFault(pod, name, volume!);
  if (mode !== undefined) throw unattachable(name, mode);
  return volume!;
}

function claimFault({ metadata, spec, status }: PersistentVolumeClaim): string | undefined {
  const { deletionTimestamp, finalizers = [] } = metadata;
  if (deletionTimestamp && !finalizers.includes(CLAIM_PROTECTION)) return "PVC is being deleted";
  if (status.phase !== "Bound") return "PVC is not bound";
  return spec.volumeName ? undefined : "PVC has empty pvc.Spec.VolumeName";
}

/** A claim may name any volume: only the volume says whose it is. */
function volumeFault(
  volume: PersistentVolume | undefined,
  { spec: { volumeName }, metadata: { uid } }: PersistentVolumeClaim,
): string | undefined {
  if (volume === undefined) {
    return `failed to fetch PV ${volumeName} from API server: persistentvolumes "${volumeName}" not found`;
  }
  const { claimRef } = volume.spec;
  if (claimRef === undefined) {
    return `found PV object ${volumeName} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`;
  }
  return claimRef.uid === uid
    ? undefined
    : `found PV object ${volumeName} but its pv.Spec.ClaimRef.UID ${
      claimRef.uid ?? ""
    } does not point to claim.UID ${uid}`;
}

function modeFault(
  { spec }: Pod,
  name: string,
  { spec: { volumeMode } }: PersistentVolume,
): string | undefined {
  const containers = longRunningContainersOf(spec);
  const uses = (field: "volumeMounts" | "volumeDevices") =>
    containers.some((container) => container[field]?.some((each) => each.name === name));
  const wrong = volumeMode === "Block"
    ? uses("volumeMounts") && "volumeMounts"
    : uses("volumeDevices") && "volumeDevices";
  return wrong
    ? `volume ${name} has volumeMode ${volumeMode}, but is specified in ${wrong}`
    : undefined;
}
