import type { ObjectName, View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { storageClassOf } from "../../resources/core/persistent_volumes/access_modes.ts";
import {
  BIND_COMPLETED,
  hasAnnotation,
  isBoundToClaim,
  mismatchOf,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
  STORAGE_PROVISIONER_BETA,
  withAnnotation,
  withClaim,
  withVolume,
} from "../../resources/core/persistent_volumes/binding.ts";
import { claimNamesOf } from "../../resources/core/persistent_volumes/pod_claims.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { isFinished } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { newestDefault } from "../../resources/default_class.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { storageClasses } from "../../resources/storage/storage_classes.ts";
import {
  type ControllerWithMemory,
  recordEvent,
  update,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import { forget, planWithNotices, type Said } from "../runtime/repeated_notices.ts";
import { claimStatusOf } from "./claim_status.ts";
import { bestVolumeFor, classNameOf, classOfClaim, isDelayed } from "./volume_matching.ts";

/** The component that events of binding come from. */
export const BINDER = "persistentvolume-controller";
/** What is to be done about a claim, and why it waits. */
export interface ClaimDecision {
  writes: readonly Write[];
  notice: Omit<Notice, "about"> | undefined;
}

/**
 * Gives claims their volumes. The volume is written first: two claims that choose the same one at once meet in its
 * version, and one of them looks again. Each step of a binding leads to the next one.
 *
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding; Kubernetes:
 * `pkg/controller/volume/persistentvolume/pv_controller.go` (`syncClaim`).
 */
export const claimBinding: ControllerWithMemory<PersistentVolumeClaim, Said> = {
  name: BINDER,
  resource: persistentVolumeClaims,
  watches: [
    {
      resource: persistentVolumes,
      includesFormer: true,
      concerns: (volume, view) => claimsOfVolume(volume as PersistentVolume, view),
    },
    { resource: storageClasses, concerns: ({ metadata }, view) => claimsOfClass(metadata, view) },
    { resource: pods, concerns: (pod, view) => waitingClaimsOf(pod as Pod, view) },
  ],
  workers: 4,
  reconcile(claim, view, _nowMs, past) {
    const { writes, notice } = decideOnClaim(claim, view);
    const notices = notice ? [{ about: claim, ...notice }] : [];
    return planWithNotices(claim, { writes, notices }, past);
  },
  gone: forget,
};

/** Pure. */
export function decideOnClaim(claim: PersistentVolumeClaim, view: View): ClaimDecision {
  if (hasAnnotation(claim.metadata, BIND_COMPLETED)) return decideOnBound(claim, view);
  return claim.spec.volumeName ? decideOnNamed(claim, view) : decideOnUnbound(claim, view);
}

function done(writes: readonly Write[]): ClaimDecision {
  return { writes, notice: undefined };
}

function decideOnUnbound(claim: PersistentVolumeClaim, view: View): ClaimDecision {
  const delayed = isDelayed(claim, view);
  const volume = bestVolumeFor(claim, view, { delayed });
  if (volume !== undefined) return done(bind(volume, claim));
  if (storageClassOf(claim) === undefined) {
    const name = newestDefault(view.by(storageClasses, "default", "true"));
    if (name !== undefined) {
      const spec = { ...claim.spec, storageClassName: name };
      return done([update(persistentVolumeClaims, { ...claim, spec })]);
    }
  }
  if (delayed && !hasAnnotation(claim.metadata, SELECTED_NODE)) {
    return { writes: pending(claim), notice: waitingForPod(claim, view) };
  }
  if (classNameOf(claim) !== "") return askProvisioner(claim, view);
  const message = "no persistent volumes available for this claim and no storage class is set";
  return {
    writes: pending(claim),
    notice: { type: "Normal", reason: "FailedBinding", message },
  };
}

function waitingForPod(claim: PersistentVolumeClaim, view: View): ClaimDecision["notice"] {
  const { namespace, name } = claim.metadata;
  const names = view.list(pods, namespace)
    .filter((pod) => !pod.spec.nodeName && !isFinished(pod) && claimNamesOf(pod).includes(name))
    .map(({ metadata }) => metadata.name);
  if (names.length === 0) {
    const message = "waiting for first consumer to be created before binding";
    return { type: "Normal", reason: "WaitForFirstConsumer", message };
  }
  const message = `waiting for pod${names.length > 1 ? "s" : ""} ${
    names.join(",")
  } to be scheduled`;
  return { type: "Normal", reason: "WaitForPodScheduled", message };
}

/** Whoever makes the volumes of the class finds its name on the claim. */
function askProvisioner(claim: PersistentVolumeClaim, view: View): ClaimDecision {
  const failed = (message: string): ClaimDecision => ({
    writes: [],
    notice: { type: "Warning", reason: "ProvisioningFailed", message },
  });
  const storageClass = classOfClaim(claim, view);
  if (storageClass === undefined) {
    return failed(`storageclass.storage.k8s.io "${classNameOf(claim)}" not found`);
  }
  const { provisioner } = storageClass;
  if (provisioner.startsWith("kubernetes.io/")) {
    return failed(`no volume plugin matched name: ${provisioner}`);
  }
  const marked = withAnnotation(claim.metadata, STORAGE_PROVISIONER_BETA, provisioner);
  const metadata = withAnnotation(marked, STORAGE_PROVISIONER, provisioner);
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the ` +
    "system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly " +
    "registered.";
  return {
    writes: metadata === claim.metadata
      ? []
      : [update(persistentVolumeClaims, { ...claim, metadata })],
    notice: { type: "Normal", reason: "ExternalProvisioning", message },
  };
}

/** The claim names its volume itself. */
function decideOnNamed(claim: PersistentVolumeClaim, view: View): ClaimDecision {
  const volume = view.get(persistentVolumes, { name: claim.spec.volumeName! });
  if (volume === undefined) return done(pending(claim));
  const { name } = volume.metadata;
  const wait = (reason: string, message: string): ClaimDecision => ({
    writes: pending(claim),
    notice: { type: "Warning", reason, message },
  });
  if (volume.spec.claimRef === undefined) {
    const mismatch = mismatchOf(volume, claim);
    return mismatch === undefined
      ? done(bind(volume, claim))
      : wait("VolumeMismatch", `Cannot bind to requested volume "${name}": ${mismatch}`);
  }
  return isBoundToClaim(volume, claim)
    ? done(bind(volume, claim))
    : wait("FailedBinding", `volume "${name}" already bound to a different claim.`);
}

function decideOnBound(claim: PersistentVolumeClaim, view: View): ClaimDecision {
  const { spec: { volumeName }, metadata: { uid } } = claim;
  if (!volumeName) {
    const message =
      "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
    return lost(claim, "ClaimLost", message);
  }
  const volume = view.get(persistentVolumes, { name: volumeName });
  if (volume === undefined) {
    const message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
    return lost(claim, "ClaimLost", message);
  }
  const { claimRef } = volume.spec;
  if (claimRef === undefined || claimRef.uid === uid) return done(bind(volume, claim));
  const message = "Two claims are bound to the same volume, this one is bound incorrectly";
  return lost(claim, "ClaimMisbound", message);
}

function lost(claim: PersistentVolumeClaim, reason: string, message: string): ClaimDecision {
  if (claim.status.phase === "Lost") return done([]);
  const event = recordEvent({ about: claim, type: "Warning", reason, message });
  return done([...setStatus(claim, "Lost", undefined), event]);
}

/** The next step of a binding; nothing when all is done. */
function bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Write[] {
  const reserved = withClaim(volume, claim);
  if (reserved !== volume) return [update(persistentVolumes, reserved)];
  const ofVolume = volume.status.phase === "Bound" ? [] : [updateStatus(persistentVolumes, {
    ...volume,
    status: { ...phaseless(volume), phase: "Bound" },
  })];
  const bound = withVolume(claim, volume);
  return [
    ...ofVolume,
    ...(bound === claim
      ? setStatus(claim, "Bound", volume)
      : [update(persistentVolumeClaims, bound)]),
  ];
}

function phaseless({ status: { message: _, ...rest } }: PersistentVolume) {
  return rest;
}

function pending(claim: PersistentVolumeClaim): Write[] {
  return setStatus(claim, "Pending", undefined);
}

function setStatus(
  claim: PersistentVolumeClaim,
  phase: "Pending" | "Bound" | "Lost",
  volume: PersistentVolume | undefined,
): Write[] {
  const status = claimStatusOf(claim, phase, volume);
  return status === claim.status
    ? []
    : [updateStatus(persistentVolumeClaims, { ...claim, status })];
}

/** Those that have it, or are to have it; of one that is free, all that could get it. */
function claimsOfVolume(volume: PersistentVolume, view: View): ObjectName[] {
  const { claimRef } = volume.spec;
  const naming = view.by(persistentVolumeClaims, "volume", volume.metadata.name);
  const waiting = claimRef ? [] : view.by(persistentVolumeClaims, "unbound", classNameOf(volume));
  return [
    ...[...naming, ...waiting].map(({ metadata }) => metadata),
    ...(claimRef?.namespace && claimRef.name
      ? [{ namespace: claimRef.namespace, name: claimRef.name }]
      : []),
  ];
}

/** Those that wait for a volume of the class, and those that wait for any default. */
function claimsOfClass({ name }: KubeObject["metadata"], view: View): ObjectName[] {
  return ["", name].flatMap((each) => view.by(persistentVolumeClaims, "unbound", each))
    .map(({ metadata }) => metadata);
}

/** Only those without volume are looked at again: pods change all the time. */
function waitingClaimsOf(pod: Pod, view: View): ObjectName[] {
  const { namespace } = pod.metadata;
  return claimNamesOf(pod).map((name) => ({ namespace, name }))
    .filter((name) => {
      const claim = view.get(persistentVolumeClaims, name);
      return claim !== undefined && !claim.spec.volumeName;
    });
}
