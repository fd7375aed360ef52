import type { ObjectName, View } from "../../client/client.ts";
import {
  CLAIM_PROTECTION,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { claimNameOf, claimNamesOf } from "../../resources/core/persistent_volumes/pod_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
  VOLUME_PROTECTION,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  ATTRIBUTES_CLASS_PROTECTION,
  type VolumeAttributesClass,
  volumeAttributesClasses,
} from "../../resources/storage/volume_attributes_classes.ts";
import { protectionController } from "./protection.ts";

/** A claim is used by the pods that mount it, once they are on a node, and until they are gone. */
export const claimProtection = protectionController<PersistentVolumeClaim>({
  name: "pvc-protection-controller",
  resource: persistentVolumeClaims,
  finalizer: CLAIM_PROTECTION,
  watches: [{ resource: pods, concerns: claimsToDeleteOf }],
  isUsed: ({ metadata: { namespace, name } }, view) =>
    view.list(pods, namespace).some((pod) => pod.spec.nodeName && claimsHeldBy(pod).includes(name)),
});

/** A volume is used by the claim that it is bound to. */
export const volumeProtection = protectionController<PersistentVolume>({
  name: "pv-protection-controller",
  resource: persistentVolumes,
  finalizer: VOLUME_PROTECTION,
  watches: [],
  isUsed: ({ status }) => status.phase === "Bound",
});

/** A class of attributes is used by claims that ask for it or have it, and by volumes that have it. */
export const attributesClassProtection = protectionController<VolumeAttributesClass>({
  name: "volumeattributesclass-protection-controller",
  resource: volumeAttributesClasses,
  finalizer: ATTRIBUTES_CLASS_PROTECTION,
  watches: [
    {
      resource: persistentVolumeClaims,
      includesFormer: true,
      concerns: (claim) => namesOf(classesOfClaim(claim as PersistentVolumeClaim)),
    },
    {
      resource: persistentVolumes,
      includesFormer: true,
      concerns: (volume) => namesOf(classesOfVolume(volume as PersistentVolume)),
    },
  ],
  isUsed: ({ metadata: { name } }, view) =>
    view.list(persistentVolumeClaims).some((claim) => classesOfClaim(claim).includes(name)) ||
    view.list(persistentVolumes).some((volume) => classesOfVolume(volume).includes(name)),
});

/** Only claims that are to go are looked at again: pods change all the time. */
function claimsToDeleteOf(pod: KubeObject, view: View): ObjectName[] {
  const { namespace } = pod.metadata;
  const names = claimNamesOf(pod as Pod);
  if (names.length === 0 || namespace === undefined) return [];
  return names.map((name) => ({ namespace, name })).filter((name) =>
    view.get(persistentVolumeClaims, name)?.metadata.deletionTimestamp !== undefined
  );
}

/** The names of a pod's claims; of one that is shut down without those that were made for it alone. */
function claimsHeldBy(pod: Pod): string[] {
  const { volumes = [] } = pod.spec;
  const held = isShutDown(pod) ? volumes.filter(({ ephemeral }) => !ephemeral) : volumes;
  return held.flatMap((volume) => claimNameOf(pod, volume) ?? []);
}

/** Whether the node is done with the pod: what is left of it waits for its finalizers only. */
function isShutDown({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
}

function classesOfClaim({ spec, status }: PersistentVolumeClaim): (string | undefined)[] {
  return [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
}

function classesOfVolume({ spec }: PersistentVolume): (string | undefined)[] {
  return [spec.volumeAttributesClassName];
}

function namesOf(names: readonly (string | undefined)[]): ObjectName[] {
  return [...new Set(names)].flatMap((name) => name ? [{ name }] : []);
}
