import { isEqual } from "../../../lib/equality.ts";
import { type DaemonSet, daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { isReady } from "../../../resources/core/pods/pod_states.ts";
import { updateStatus, type Write } from "../../runtime/controller.ts";
import { inAge, isAvailable, isUpdated } from "./daemon_pods.ts";
import type { DaemonState } from "./node_pods.ts";

type Status = DaemonSet["status"];

/** How a DaemonSet is: of each node its oldest pod counts. Kubernetes: `updateDaemonSetStatus`. */
export function statusOf({ daemonSet, hash, nodes, fits, byNode, nowMs }: DaemonState): Status {
  const { metadata: { generation }, status } = daemonSet;
  const has = nodes.map(({ metadata: { name } }) => ({
    isWanted: fits.get(name) === "gets",
    pod: inAge(byNode.get(name) ?? [])[0],
  }));
  const wanted = has.filter(({ isWanted }) => isWanted);
  const scheduled = wanted.flatMap(({ pod }) => pod ? [pod] : []);
  const ready = scheduled.filter(isReady);
  const available = ready.filter((pod) => isAvailable(daemonSet, pod, nowMs)).length;
  return {
    ...status,
    currentNumberScheduled: scheduled.length,
    numberMisscheduled: has.filter(({ isWanted, pod }) => !isWanted && pod).length,
    desiredNumberScheduled: wanted.length,
    numberReady: ready.length,
    ...(generation !== undefined && { observedGeneration: generation }),
    updatedNumberScheduled: scheduled.filter((pod) => isUpdated(daemonSet, hash, pod)).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  };
}

/** Writes the status when it differs. Some counts of 0 are not kept. */
export function statusWrites(daemonSet: DaemonSet, status: Status): Write[] {
  const next = withoutZeros(status);
  if (isEqual(next, withoutZeros(daemonSet.status))) return [];
  return [updateStatus(daemonSets, { ...daemonSet, status: next })];
}

function withoutZeros(
  { updatedNumberScheduled, numberAvailable, numberUnavailable, ...status }: Status,
): Status {
  return {
    ...status,
    ...(updatedNumberScheduled && { updatedNumberScheduled }),
    ...(numberAvailable && { numberAvailable }),
    ...(numberUnavailable && { numberUnavailable }),
  };
}
