import { msOf } from "../../lib/timestamp.ts";
import { conditionOf, withCondition } from "../../resources/conditions.ts";
import { isActive } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { type Controller, NOTHING, plan, updateStatus } from "../runtime/controller.ts";

/** Kubernetes: `stalePodDisruptionTimeout`. */
const STALE_MS = 2 * 60 * 1_000;
/** The agent's own announcements: it may take as long as it likes. */
const BY_AGENT = "TerminationByKubelet";

/**
 * Takes back the announcement that a pod will be deleted, when nobody has deleted it.
 *
 * Kubernetes: `syncStalePodDisruption` in `pkg/controller/disruption/disruption.go`.
 */
export const staleDisruptions: Controller<Pod> = {
  name: "stale-disruption-controller",
  resource: pods,
  watches: [],
  workers: 1,
  reconcile(pod, _view, nowMs) {
    const condition = conditionOf(pod.status.conditions, "DisruptionTarget");
    if (condition?.status !== "True" || condition.reason === BY_AGENT || !isActive(pod)) {
      return NOTHING;
    }
    const restMs = Math.min(STALE_MS, msOf(condition.lastTransitionTime) + STALE_MS - nowMs);
    if (restMs > 0) return plan([], restMs);
    const { generation } = pod.metadata;
    const reset = {
      type: "DisruptionTarget",
      status: "False" as const,
      ...(generation !== undefined && { observedGeneration: generation }),
    };
    const conditions = withCondition(pod.status.conditions, reset, nowMs);
    return plan([updateStatus(pods, { ...pod, status: { ...pod.status, conditions } })]);
  },
};
