import { isEqual } from "../../lib/equality.ts";
import { ownField } from "../../lib/own_field.ts";
import type { PersistentVolumeClaim } from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import type { PersistentVolume } from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { compareQuantities, quantityFault } from "../../schema/quantities.ts";

type Status = PersistentVolumeClaim["status"];

/** On a volume that is growing: how large its file system still is. */
const PRE_RESIZE_CAPACITY = "volume.alpha.kubernetes.io/pre-resize-capacity";

/**
 * The status of a claim in a phase, with its volume's size and modes, or without; the same object when it has it
 * already. What a bound claim has of its volume's size stays: it may still be growing. Kubernetes: `updateClaimStatus`.
 */
export function claimStatusOf(
  { status }: PersistentVolumeClaim,
  phase: "Pending" | "Bound" | "Lost",
  volume: PersistentVolume | undefined,
): Status {
  const { accessModes: _modes, capacity, currentVolumeAttributesClassName, ...rest } = status;
  if (volume === undefined) return sameOr(status, { ...rest, phase });
  const { accessModes = [], volumeAttributesClassName } = volume.spec;
  const amounts = status.phase === phase ? capacity : newCapacity(capacity, volume);
  const attributes = status.phase === "Pending" && phase === "Bound"
    ? volumeAttributesClassName
    : currentVolumeAttributesClassName;
  return sameOr(status, {
    ...rest,
    phase,
    ...(accessModes.length > 0 && { accessModes }),
    ...(amounts && { capacity: amounts }),
    ...(attributes !== undefined && { currentVolumeAttributesClassName: attributes }),
  });
}

function newCapacity(
  before: Status["capacity"],
  { metadata: { annotations }, spec: { capacity = {} } }: PersistentVolume,
): Status["capacity"] {
  const preResize = ownField(annotations, PRE_RESIZE_CAPACITY);
  if (preResize !== undefined) {
    const size = quantityFault(preResize) ? capacity["storage"] : preResize;
    return size === undefined ? before : { ...before, storage: size };
  }
  const [had, has] = [ownField(before, "storage"), ownField(capacity, "storage")];
  if (had !== undefined && has !== undefined && compareQuantities(had, has) === 0) return before;
  return has === undefined ? before : capacity;
}

function sameOr(before: Status, after: Status): Status {
  return isEqual(before, after) ? before : after;
}
