import type { View } from "../../client/client.ts";
import { ownField } from "../../lib/own_field.ts";
import { persistentVolumeClaims } from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { claimNameOf } from "../../resources/core/persistent_volumes/pod_claims.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { csiNodes } from "../../resources/storage/csi_nodes.ts";
import { acceptedNow, type Filter, type Plugin, type Refusal } from "../plugin.ts";
import type { Snapshot } from "../snapshot.ts";

const FULL: Refusal = { reasons: ["node(s) exceed max volume count"], preemptionMayHelp: true };

/**
 * Keeps pods off nodes that have as many volumes of a CSI driver as it can attach there, which the CSINode says.
 * Kubernetes: `plugins/nodevolumelimits`. https://kubernetes.io/docs/concepts/storage/storage-limits/
 */
export const volumeLimits: Plugin = {
  name: "NodeVolumeLimits",
  reads: [csiNodes, persistentVolumeClaims],
  filter: withinLimits,
  wakes: {
    nodeAdded: acceptedNow(withinLimits),
    podRemoved: acceptedNow(withinLimits),
    objectChanged: () => true,
  },
};

function withinLimits(pod: Pod, { view }: Snapshot): Filter | undefined {
  const wanted = attachedBy(pod, view);
  if (wanted.size === 0) return undefined;
  return ({ name, pods }) => {
    const limits = limitsOf(name, view);
    if (limits.size === 0) return undefined;
    const all = new Map(wanted);
    for (const other of pods.values()) {
      for (const [handle, driver] of attachedBy(other, view)) all.set(handle, driver);
    }
    const isFull = [...new Set(wanted.values())].some((driver) => {
      const count = [...all.values()].filter((each) => each === driver).length;
      return count > (limits.get(driver) ?? Infinity);
    });
    return isFull ? FULL : undefined;
  };
}

/** The drivers of the volumes that have to be attached for a pod, by what is unique to each volume. */
function attachedBy(pod: Pod, view: View): Map<string, string> {
  const { namespace } = pod.metadata;
  const attached = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    const claim = name === undefined
      ? undefined
      : view.get(persistentVolumeClaims, { namespace, name });
    const csi = claim?.spec.volumeName === undefined
      ? undefined
      : view.get(persistentVolumes, { name: claim.spec.volumeName })?.spec.csi;
    if (csi) attached.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
  }
  return attached;
}

function limitsOf(node: string, view: View): Map<string, number> {
  const { drivers = [] } = view.get(csiNodes, { name: node })?.spec ?? {};
  return new Map(drivers.flatMap(({ name, allocatable }) => {
    const count = ownField(allocatable, "count");
    return count === undefined ? [] : [[name, Number(count)]];
  }));
}
