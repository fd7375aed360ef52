import type { ObjectName, View } from "../../client/client.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { Volume } from "../../resources/core/pods/spec/volumes.ts";
import {
  claimNameOf,
  foreignClaimFault,
} from "../../resources/core/persistent_volumes/pod_claims.ts";
import { type ControllerWithMemory, create, NOTHING, type Write } from "../runtime/controller.ts";
import { forget, planWithNotices, type Said } from "../runtime/repeated_notices.ts";
import { controllerReference } from "../runtime/ownership.ts";

/**
 * Makes the claims of pods' ephemeral volumes; they go with their pods. A claim of that name which is not the pod's is
 * never used.
 *
 * https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes; Kubernetes:
 * `pkg/controller/volume/ephemeral`.
 */
export const ephemeralVolumes: ControllerWithMemory<Pod, Said> = {
  name: "ephemeral_volume",
  resource: pods,
  watches: [{ resource: persistentVolumeClaims, concerns: podsOfClaim }],
  workers: 4,
  reconcile(pod, view, _nowMs, past) {
    const { volumes = [] } = pod.spec;
    if (pod.metadata.deletionTimestamp || !volumes.some(({ ephemeral }) => ephemeral)) {
      return NOTHING;
    }
    const faults = volumes.flatMap((volume) => faultOf(pod, volume, view) ?? []);
    const writes = volumes.flatMap((volume) => claimOf(pod, volume, view) ?? []);
    const [type, reason] = ["Warning", "FailedBinding"] as const;
    const notices = faults.map((message) => ({ about: pod, type, reason, message }));
    return planWithNotices(pod, { writes, notices }, past);
  },
  gone: forget,
};

function claimOf(pod: Pod, volume: Volume, view: View): Write | undefined {
  const template = volume.ephemeral?.volumeClaimTemplate;
  if (template === undefined || foundClaim(pod, volume, view)) return undefined;
  const { labels, annotations } = template.metadata ?? {};
  const metadata = {
    namespace: pod.metadata.namespace,
    name: claimNameOf(pod, volume)!,
    ...(labels && { labels }),
    ...(annotations && { annotations }),
    ownerReferences: [controllerReference(pods, pod)],
  };
  return create(persistentVolumeClaims, { metadata, spec: template.spec });
}

/** The claim of its name is somebody else's. */
function faultOf(pod: Pod, volume: Volume, view: View): string | undefined {
  const found = volume.ephemeral && foundClaim(pod, volume, view);
  const fault = found && foreignClaimFault(pod, found);
  return fault && `ephemeral volume ${volume.name}: ${fault}`;
}

function foundClaim(pod: Pod, volume: Volume, view: View): PersistentVolumeClaim | undefined {
  const { namespace } = pod.metadata;
  return view.get(persistentVolumeClaims, { namespace, name: claimNameOf(pod, volume)! });
}

/** One that was deleted is made anew; a foreign one may have been in the way. Its name is `POD-VOLUME`. */
function podsOfClaim({ metadata: { namespace, name } }: KubeObject, view: View): ObjectName[] {
  const dashes = [...name.matchAll(/-/g)].map(({ index }) => index);
  return dashes.map((end) => ({ ...(namespace && { namespace }), name: name.slice(0, end) }))
    .filter((each) => view.get(pods, each) !== undefined);
}
