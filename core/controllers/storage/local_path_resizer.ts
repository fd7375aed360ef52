import type { View } from "../../client/client.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { ownField } from "../../lib/own_field.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { capacityOf, requestedSizeOf } from "../../resources/core/persistent_volumes/binding.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { isLocalPathVolume, LOCAL_PATH_PROVISIONER } from "../../resources/storage/local_path.ts";
import { compareQuantities } from "../../schema/quantities.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  update,
  updateStatus,
} from "../runtime/controller.ts";

const RESIZING = "Resizing";

/**
 * Grows volumes that are folders on nodes, when their claims ask for more: first the volume, then the claim has the new
 * size. Admission has seen to it that the class allows it. Conditions and events are those of Kubernetes'
 * `external-resizer`.
 *
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
 */
export const localPathResizer: Controller<PersistentVolumeClaim> = {
  name: `external-resizer ${LOCAL_PATH_PROVISIONER}`,
  resource: persistentVolumeClaims,
  watches: [{
    resource: persistentVolumes,
    concerns: ({ metadata: { name } }, view) =>
      view.by(persistentVolumeClaims, "volume", name).map(({ metadata }) => metadata),
  }],
  workers: 1,
  reconcile(claim, view, nowMs) {
    if (claim.status.phase !== "Bound" || !hasToGrow(claim)) return NOTHING;
    const volume = volumeOf(claim, view);
    if (volume === undefined) return NOTHING;
    return isLarge(volume, claim) ? finish(claim, volume) : begin(claim, volume, nowMs);
  },
};

function volumeOf(claim: PersistentVolumeClaim, view: View): PersistentVolume | undefined {
  const volume = view.get(persistentVolumes, { name: claim.spec.volumeName ?? "" });
  const isOurs = volume !== undefined && isLocalPathVolume(volume) &&
    volume.spec.claimRef?.uid === claim.metadata.uid;
  return isOurs ? volume : undefined;
}

function hasToGrow({ spec, status }: PersistentVolumeClaim): boolean {
  const has = ownField(status.capacity, "storage");
  return has !== undefined && compareQuantities(has, requestedSizeOf(spec)) < 0;
}

function isLarge({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return compareQuantities(capacityOf(spec), requestedSizeOf(claim.spec)) >= 0;
}

function begin(claim: PersistentVolumeClaim, volume: PersistentVolume, nowMs: number): Plan {
  const storage = requestedSizeOf(claim.spec);
  const { conditions = [] } = claim.status;
  const capacity = { ...volume.spec.capacity, storage };
  const grow = update(persistentVolumes, { ...volume, spec: { ...volume.spec, capacity } });
  if (conditionOf(conditions, RESIZING)) return plan([grow]);
  const condition = {
    type: RESIZING,
    status: "True" as const,
    lastProbeTime: timestamp(nowMs),
    lastTransitionTime: timestamp(nowMs),
  };
  const status = {
    ...claim.status,
    conditions: [...conditions, condition],
    allocatedResources: { ...claim.status.allocatedResources, storage },
    allocatedResourceStatuses: {
      ...claim.status.allocatedResourceStatuses,
      storage: "ControllerResizeInProgress",
    },
  };
  const message = `External resizer is resizing volume ${volume.metadata.name}`;
  return plan([
    updateStatus(persistentVolumeClaims, { ...claim, status }),
    recordEvent({ about: claim, type: "Normal", reason: RESIZING, message }),
    grow,
  ]);
}

function finish(claim: PersistentVolumeClaim, volume: PersistentVolume): Plan {
  const { conditions = [], allocatedResourceStatuses, ...rest } = claim.status;
  const { storage: _, ...others } = allocatedResourceStatuses ?? {};
  const left = conditions.filter(({ type }) => type !== RESIZING);
  const status = {
    ...rest,
    capacity: { ...rest.capacity, storage: capacityOf(volume.spec) },
    ...(left.length > 0 && { conditions: left }),
    ...(Object.keys(others).length > 0 && { allocatedResourceStatuses: others }),
  };
  const [reason, message] = ["VolumeResizeSuccessful", "Resize volume succeeded"];
  return plan([
    updateStatus(persistentVolumeClaims, { ...claim, status }),
    recordEvent({ about: claim, type: "Normal", reason, message }),
  ]);
}
