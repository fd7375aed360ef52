import type { ObjectName, View } from "../../../client/client.ts";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import { type StatefulSet, statefulSets } from "../../../resources/apps/stateful_sets.ts";
import type { StatefulSetStatus } from "../../../resources/apps/stateful_set_shape.ts";
import { persistentVolumeClaims } from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { type Controller, type Plan, plan } from "../../runtime/controller.ts";
import { childrenOf, claimWrites, controlled } from "../../runtime/ownership.ts";
import { nextAvailableMs } from "../availability.ts";
import { revisionsOf } from "../revisions.ts";
import { type Divide, UNDIVIDED } from "../division.ts";
import { rolloutsOf } from "../stepwise.ts";
import { cleanup, type History, historyOf, revisionOf } from "./history.ts";
import { historyInSteps } from "./ordinal_steps.ts";
import { ordinalOf } from "./ordinals.ts";
import { deletion, scaling, type SetState } from "./replicas.ts";
import { brokenPodToReplace, podsToReplace } from "./rolling_update.ts";
import { statusOf, statusWrites } from "./status.ts";

const selectorOf = ({ spec }: StatefulSet) => spec.selector;

/**
 * Keeps the pods of StatefulSets: numbered ones, each with claims of its own, that come and go in order.
 *
 * Kubernetes: `pkg/controller/statefulset`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
 */
export function statefulSetController(divide: Divide = UNDIVIDED): Controller<StatefulSet> {
  return {
    name: "statefulset-controller",
    resource: statefulSets,
    watches: [
      childrenOf(pods, statefulSets, selectorOf),
      { resource: pods, concerns: setsOfPodName },
      revisionsOf(statefulSets, selectorOf),
      rolloutsOf("StatefulSet"),
      { resource: persistentVolumeClaims, concerns: setsOfClaim },
    ],
    workers: 4,
    reconcile: (set, view, nowMs) => reconcile(set, view, nowMs, divide),
  };
}

/** A pod may have a name that a set needs, whoever it belongs to. */
function setsOfPodName({ metadata: { namespace, name } }: KubeObject, view: View): ObjectName[] {
  const parent = { namespace: namespace!, name: name.slice(0, Math.max(0, name.lastIndexOf("-"))) };
  return view.get(statefulSets, parent) === undefined ? [] : [parent];
}

/** A pod may wait for a claim to go, or to come back. */
function setsOfClaim({ metadata: { namespace, name } }: KubeObject, view: View): ObjectName[] {
  return view.list(statefulSets, namespace)
    .filter(({ metadata, spec: { volumeClaimTemplates = [] } }) =>
      volumeClaimTemplates.some((template) =>
        name.startsWith(`${template.metadata.name}-${metadata.name}-`)
      )
    ).map(({ metadata }) => metadata);
}

function reconcile(set: StatefulSet, view: View, nowMs: number, divide: Divide): Plan {
  const claim = { owner: set, ownerResource: statefulSets, selector: set.spec.selector };
  const isMember = (pod: KubeObject) => ordinalOf(set, pod) !== undefined;
  const claims = [
    ...claimWrites(view, { ...claim, children: controllerRevisions }),
    ...claimWrites(view, { ...claim, children: pods, isMember }),
  ];
  if (claims.length > 0) return plan(claims);
  const owned = controlled(view, pods, set).filter(isMember);
  const history = historyInSteps(set, historyOf(set, view), { owned, view, divide });
  const status = statusOf(set, history, owned, nowMs);
  const againAfterMs = nextAvailableMs(owned, set.spec.minReadySeconds, nowMs);
  if (set.metadata.deletionTimestamp) return plan(statusWrites(set, status), againAfterMs);
  const refused = statusWrites(set, status);
  const byOrdinal = new Map(owned.map((pod) => [ordinalOf(set, pod)!, pod]));
  const state: SetState = { set, history, pods: byOrdinal, view, nowMs, refused };
  const { writes, isSettled } = scaling(state);
  const replaced = isSettled ? podsToReplace(state) : brokenPodToReplace(state);
  return plan([
    ...history.writes,
    ...writes,
    ...replaced.map((pod) => deletion(set, pod)),
    ...cleanup(set, history, owned),
    ...statusWrites(set, without(status, replaced, history)),
  ], againAfterMs);
}

/** The status when pods of the state before the update are about to end. */
function without(
  status: StatefulSetStatus,
  replaced: readonly Pod[],
  { current }: History,
): StatefulSetStatus {
  const gone = replaced.filter((pod) => revisionOf(pod) === current.revision).length;
  return { ...status, currentReplicas: (status.currentReplicas ?? 0) - gone };
}
