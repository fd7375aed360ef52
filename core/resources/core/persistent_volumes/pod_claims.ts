import type { Pod } from "../pods/pods.ts";
import type { Volume } from "../pods/spec/volumes.ts";
import type { PersistentVolumeClaim } from "./persistent_volume_claims.ts";

/** The claim of a volume, when it is of one: named by the pod, or made for the pod alone. */
export function claimNameOf({ metadata }: Pod, volume: Volume): string | undefined {
  const { name, persistentVolumeClaim, ephemeral } = volume;
  return persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`);
}

/** The names of the claims that a pod uses. */
export function claimNamesOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);
}

/** Why a claim is not that of the pod's ephemeral volume; `undefined`: it is. Kubernetes: `VolumeIsForPod`. */
export function foreignClaimFault(pod: Pod, claim: PersistentVolumeClaim): string | undefined {
  const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller);
  if (claim.metadata.namespace === pod.metadata.namespace && owner?.uid === pod.metadata.uid) {
    return undefined;
  }
  return `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`;
}
