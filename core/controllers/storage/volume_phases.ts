import type { ObjectName, View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import {
  BOUND_BY_CONTROLLER,
  hasAnnotation,
  PROVISIONED_BY,
  withoutAnnotation,
} from "../../resources/core/persistent_volumes/binding.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import {
  type ControllerWithMemory,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  update,
  updateStatus,
} from "../runtime/controller.ts";
import { forget, planWithNotices, type Said } from "../runtime/repeated_notices.ts";
import { BINDER } from "./claim_binding.ts";

type Phase = "Available" | "Bound" | "Released" | "Failed";

/**
 * Keeps the phase of each volume, and sees what becomes of one whose claim has gone: the one who made it deletes it;
 * one that a user made can only be kept.
 *
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#phase; Kubernetes:
 * `pkg/controller/volume/persistentvolume/pv_controller.go` (`syncVolume`).
 */
export const volumePhases: ControllerWithMemory<PersistentVolume, Said> = {
  name: BINDER,
  resource: persistentVolumes,
  watches: [{
    resource: persistentVolumeClaims,
    includesFormer: true,
    concerns: (claim, view) => volumesOfClaim(claim as PersistentVolumeClaim, view),
  }],
  workers: 4,
  reconcile(volume, view, _nowMs, past) {
    const { writes } = decideOnVolume(volume, view);
    return planWithNotices(volume, { writes, notices: mismatches(volume, view) }, past);
  },
  gone: forget,
};

/** Pure. */
export function decideOnVolume(volume: PersistentVolume, view: View): Plan {
  const { claimRef } = volume.spec;
  if (!claimRef?.uid) return inPhase(volume, "Available");
  const { namespace = "", name = "", uid } = claimRef;
  const claim = view.get(persistentVolumeClaims, { namespace, name });
  if (claim?.metadata.uid !== uid) return release(volume);
  const { volumeName } = claim.spec;
  if (volumeName === volume.metadata.name) return inPhase(volume, "Bound");
  if (!volumeName) return NOTHING; // its own controller binds it
  const isMadeFor = hasAnnotation(volume.metadata, PROVISIONED_BY) &&
    volume.spec.persistentVolumeReclaimPolicy === "Delete";
  return isMadeFor ? release(volume) : unbind(volume);
}

/** Said of a volume and its claim that can never be bound to each other. */
function mismatches(volume: PersistentVolume, view: View): Notice[] {
  const { namespace = "", name = "", uid } = volume.spec.claimRef ?? {};
  const claim = uid ? view.get(persistentVolumeClaims, { namespace, name }) : undefined;
  const isWaiting = claim !== undefined && claim.metadata.uid === uid && !claim.spec.volumeName;
  if (!isWaiting || claim.spec.volumeMode === volume.spec.volumeMode) return [];
  const [type, reason] = ["Warning", "VolumeMismatch"] as const;
  const [of, why] = [volume.metadata.name, "due to incompatible volumeMode."];
  const message =
    `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${name}" ${why}`;
  const ofClaim = `Cannot bind PersistentVolume "${of}" to requested PersistentVolumeClaim ${why}`;
  return [
    { about: volume, type, reason, message },
    { about: claim, type, reason, message: ofClaim },
  ];
}

/** Its claim has gone. A failure stays in sight. */
function release(volume: PersistentVolume): Plan {
  const { phase } = volume.status;
  if (phase !== "Released" && phase !== "Failed") return inPhase(volume, "Released");
  if (phase === "Failed") return NOTHING;
  switch (volume.spec.persistentVolumeReclaimPolicy) {
    case "Retain":
      return NOTHING;
    case "Recycle":
      return fail(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!");
    case "Delete":
      // Whoever made it removes what is behind it, and then the volume.
      return hasAnnotation(volume.metadata, PROVISIONED_BY) || volume.spec.csi ? NOTHING : fail(
        volume,
        "VolumeFailedDelete",
        `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`,
      );
  }
}

function fail(volume: PersistentVolume, reason: string, message: string): Plan {
  return plan([
    ...inPhase(volume, "Failed", message).writes,
    recordEvent({ about: volume, type: "Warning", reason, message }),
  ]);
}

/** Undoes a binding to a claim that has another volume: one that a user asked for stays reserved. */
function unbind(volume: PersistentVolume): Plan {
  const { claimRef, ...spec } = volume.spec;
  if (hasAnnotation(volume.metadata, BOUND_BY_CONTROLLER)) {
    const metadata = withoutAnnotation(volume.metadata, BOUND_BY_CONTROLLER);
    return plan([update(persistentVolumes, { ...volume, metadata, spec })]);
  }
  const { uid: _, ...reserved } = claimRef!;
  return plan([
    update(persistentVolumes, { ...volume, spec: { ...spec, claimRef: reserved } }),
  ]);
}

function inPhase(volume: PersistentVolume, phase: Phase, message = ""): Plan {
  if (volume.status.phase === phase) return NOTHING;
  const { message: _, ...status } = volume.status;
  return plan([
    updateStatus(persistentVolumes, {
      ...volume,
      status: { ...status, phase, ...(message && { message }) },
    }),
  ]);
}

function volumesOfClaim({ metadata, spec }: PersistentVolumeClaim, view: View): ObjectName[] {
  const { namespace, name } = metadata;
  return [
    ...view.by(persistentVolumes, "claim", `${namespace}/${name}`).map(({ metadata }) => metadata),
    ...(spec.volumeName ? [{ name: spec.volumeName }] : []),
  ];
}
