import type { Pod } from "../../../resources/core/pods/pods.ts";
import { isAvailable, isEnding, isUpdated } from "./daemon_pods.ts";
import { stateOn } from "./node_steps.ts";
import { limitsOf } from "./limits.ts";
import type { DaemonState } from "./node_pods.ts";

/** A step of a rolling update: old pods that go, and nodes that get a second, new pod. */
export interface Replacement {
  deletions: Pod[];
  creations: string[];
}

/**
 * The next step of a rolling update, once every node has what it should. Kubernetes: `rollingUpdate` in
 * `pkg/controller/daemon/update.go`.
 * https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/
 */
export function replacement(state: DaemonState): Replacement {
  if (state.daemonSet.spec.updateStrategy.type === "OnDelete" || state.steps?.holds) {
    return { deletions: [], creations: [] };
  }
  const wanted = state.nodes.filter(({ metadata }) => state.fits.get(metadata.name) === "gets");
  const limits = limitsOf(state.daemonSet, wanted.length);
  const pairs = pairsOf(state, wanted.map(({ metadata }) => metadata.name));
  return limits.maxSurge === 0
    ? { deletions: replacedInPlace(state, pairs, limits.maxUnavailable), creations: [] }
    : surge(state, pairs, limits.maxSurge, wanted.length);
}

/** The pods of a node that are not ending: of the template that it gets and of another; `tooMany` of one of them. */
interface Pair {
  node: string;
  newPod?: Pod;
  oldPod?: Pod;
  tooMany: boolean;
}

/** Of all nodes that have pods or should. Kubernetes: `findUpdatedPodsOnNode`. */
function pairsOf(state: DaemonState, wanted: readonly string[]): Pair[] {
  const { byNode } = state;
  const names = new Set([...wanted, ...byNode.keys()]);
  return [...names].sort().map((node) => {
    const staying = byNode.get(node)?.filter((pod) => !isEnding(pod)) ?? [];
    const { daemonSet, hash } = stateOn(state, node);
    const isNew = (pod: Pod) => isUpdated(daemonSet, hash, pod);
    const [newPod, ...moreNew] = staying.filter(isNew);
    const [oldPod, ...moreOld] = staying.filter((pod) => !isNew(pod));
    if (moreNew.length + moreOld.length > 0) return { node, tooMany: true };
    return { node, tooMany: false, ...(newPod && { newPod }), ...(oldPod && { oldPod }) };
  });
}

/** Old pods to delete: all that are not available, and as many of the others as may be missing. */
function replacedInPlace(
  { daemonSet, nowMs }: DaemonState,
  pairs: readonly Pair[],
  maxUnavailable: number,
): Pod[] {
  const isUp = (pod: Pod) => isAvailable(daemonSet, pod, nowMs);
  const isDown = ({ newPod, oldPod, tooMany }: Pair) =>
    tooMany || Boolean(newPod) === Boolean(oldPod) || !isUp((newPod ?? oldPod)!);
  const unavailable = pairs.filter(isDown).length;
  const olds = pairs.flatMap(({ newPod, oldPod }) => oldPod && !newPod ? [oldPod] : []);
  const candidates = olds.filter(isUp).slice(0, Math.max(0, maxUnavailable - unavailable));
  return [...olds.filter((pod) => !isUp(pod)), ...candidates];
}

/** New pods beside old ones, and old ones that a new one has replaced. */
function surge(
  { daemonSet, fits, nowMs }: DaemonState,
  pairs: readonly Pair[],
  maxSurge: number,
  wanted: number,
): Replacement {
  const isUp = (pod: Pod | undefined) => pod !== undefined && isAvailable(daemonSet, pod, nowMs);
  const fitsNode = ({ node }: Pair) => fits.get(node) === "gets";
  const inWork = pairs.filter(({ newPod, oldPod, tooMany }) =>
    tooMany || (newPod && oldPod && !isUp(newPod))
  );
  const replaced = pairs.filter(({ newPod, oldPod }) => oldPod && isUp(newPod));
  const olds = pairs.filter(({ node, newPod, oldPod }) => oldPod && !newPod && fits.has(node));
  const [up, down] = [
    olds.filter(({ oldPod }) => isUp(oldPod)),
    olds.filter(({ oldPod }) => !isUp(oldPod)),
  ];
  const available = pairs.filter(({ newPod, oldPod }) => isUp(oldPod ?? newPod)).length;
  const room = Math.max(0, maxSurge - inWork.length);
  const spare = Math.max(0, available - wanted);
  const leaving = [
    ...replaced,
    ...down.filter((pair) => !fitsNode(pair)),
    ...up.filter((pair) => !fitsNode(pair)).slice(0, spare),
  ];
  const growing = [...down.filter(fitsNode), ...up.filter(fitsNode).slice(0, room)];
  return {
    deletions: leaving.map(({ oldPod }) => oldPod!),
    creations: growing.map(({ node }) => node),
  };
}
