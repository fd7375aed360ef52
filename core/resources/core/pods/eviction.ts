import { type JsonObject, objectIn } from "../../../lib/json/json_value.ts";
import { timestamp } from "../../../lib/timestamp.ts";
import { objectMeta } from "../../../schema/metadata.ts";
import { boolean, list, long, object, oneOf, string, type TypeOf } from "../../../schema/schema.ts";
import { isSelectedBy, withAllowedCondition } from "../../policy/disruptions.ts";
import {
  type PodDisruptionBudget,
  podDisruptionBudgets,
} from "../../policy/pod_disruption_budgets.ts";
import type { NamespacedObject } from "../../resource.ts";
import { type Subresource, SubresourceRefusal, type SubresourceWorld } from "../../subresource.ts";
import { isFinished, isReady, withDisruptionTarget } from "./pod_states.ts";
import type { podStatus } from "./pod_status.ts";
import type { PodSpec } from "./spec/pod_spec.ts";

type Pod = NamespacedObject & { spec: PodSpec; status: TypeOf<typeof podStatus> };

const deleteOptions = object("How the pod is deleted.", {
  apiVersion: string("Version of these options."),
  kind: string("Always DeleteOptions."),
  gracePeriodSeconds: long("Seconds that the pod gets to end."),
  preconditions: object("Which pod is meant.", {
    uid: string("Its uid."),
    resourceVersion: string("Its version."),
  }),
  orphanDependents: boolean("No longer used."),
  propagationPolicy: oneOf("What becomes of what it owns.", ["Orphan", "Background", "Foreground"]),
  dryRun: list("`All`: nothing is stored.", oneOf("Always All.", ["All"])),
});

const evictionBody = object("Deletes a pod, if the disruption budgets allow it.", {
  apiVersion: string("Always policy/v1."),
  kind: string("Always Eviction."),
  metadata: objectMeta,
  deleteOptions,
});

/**
 * POST pods/NAME/eviction: deletes a pod if its PodDisruptionBudget has one to spare, which it then has no longer.
 *
 * Kubernetes: `pkg/registry/core/pod/storage/eviction.go`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
 */
export const eviction: Subresource<Pod> = {
  name: "eviction",
  verbs: ["create"],
  body: { group: "policy", version: "v1", kind: "Eviction", schema: evictionBody },
  isDryRun: (sent) => (sent as TypeOf<typeof evictionBody>).deleteOptions?.dryRun !== undefined,
  act: (sent, world) => evict(sent as TypeOf<typeof evictionBody> & JsonObject, world),
};

async function evict(
  sent: TypeOf<typeof evictionBody> & JsonObject,
  world: SubresourceWorld<Pod>,
): Promise<void> {
  const pod = world.object;
  const { name, resourceVersion } = pod.metadata;
  if (objectIn(sent, "metadata")["name"] !== name) {
    const message = "name in URL does not match name in Eviction object";
    throw new SubresourceRefusal("BadRequest", message);
  }
  const { dryRun: _, orphanDependents: _1, apiVersion: _2, kind: _3, ...deletion } =
    sent.deleteOptions ?? {};
  const budget = isUnprotected(pod) ? undefined : budgetOf(pod, world.list(podDisruptionBudgets));
  const isSpent = budget !== undefined && !mayGoUnhealthy(pod, budget);
  if (isSpent) {
    await world.amend(
      podDisruptionBudgets,
      budget.metadata.name,
      (current) => spent(current, name, world.nowMs),
    );
  }
  // A pod that goes because it was not ready must not have become so since.
  const isPinned = (budget !== undefined && !isSpent) || (isUnprotected(pod) && isPending(pod));
  await end(world, isPinned ? pinned(deletion, resourceVersion) : deletion);
}

type Deletion = Omit<NonNullable<TypeOf<typeof evictionBody>["deleteOptions"]>, "dryRun">;

function pinned(deletion: Deletion, resourceVersion: string): Deletion {
  return { ...deletion, preconditions: { resourceVersion, ...deletion.preconditions } };
}

/** Budgets are about pods that run: the others are no loss. */
function isUnprotected(pod: Pod): boolean {
  return isFinished(pod) || pod.status.phase === "Pending" ||
    pod.metadata.deletionTimestamp !== undefined;
}

function isPending(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** The budget that the pod is under. Throws when there are several: nobody could say which one counts. */
export function budgetOf(
  pod: Pod,
  budgets: readonly PodDisruptionBudget[],
): PodDisruptionBudget | undefined {
  const [budget, second] = budgets.filter(({ spec }) => isSelectedBy(spec, pod));
  if (!second) return budget;
  throw new SubresourceRefusal(
    "InternalError",
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  );
}

/** A pod that is not ready is no loss while enough others are, or when the budget says so. */
export function mayGoUnhealthy(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isReady(pod)) return false;
  const { currentHealthy, desiredHealthy } = status;
  return spec.unhealthyPodEvictionPolicy === "AlwaysAllow" ||
    (desiredHealthy > 0 && currentHealthy >= desiredHealthy);
}

const VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget.";
const RETRY_SECONDS = 10;
/** Evictions that the controller has not seen yet: Kubernetes' `MaxDisruptedPodSize`. */
const DISRUPTED_MAX = 2000;

/** The budget with one disruption less. Throws when it has none to spare. */
export function spent(
  budget: PodDisruptionBudget,
  podName: string,
  nowMs: number,
): PodDisruptionBudget {
  const { metadata: { name, generation = 0 }, status } = budget;
  const { disruptionsAllowed, desiredHealthy, currentHealthy, disruptedPods = {} } = status;
  if ((status.observedGeneration ?? 0) < generation) {
    const message = `The disruption budget ${name} is still being processed by the server.`;
    throw tooMany(message, RETRY_SECONDS);
  }
  const forbidden = (why: string) =>
    new SubresourceRefusal(
      "Forbidden",
      `poddisruptionbudget.policy "${name}" is forbidden: ${why}`,
    );
  if (disruptionsAllowed < 0) throw forbidden("pdb disruptions allowed is negative");
  if (Object.keys(disruptedPods).length > DISRUPTED_MAX) {
    throw forbidden(
      "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
    );
  }
  if (disruptionsAllowed === 0) {
    throw tooMany(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  const left = {
    ...status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...disruptedPods, [podName]: timestamp(nowMs) },
  };
  return {
    ...budget,
    status: left.disruptionsAllowed === 0 ? withAllowedCondition(left, nowMs) : left,
  };
}

function tooMany(message: string, retryAfterSeconds?: number): SubresourceRefusal {
  return new SubresourceRefusal("TooManyRequests", VIOLATION, {
    causes: [{ reason: "DisruptionBudget", message }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

const WHY_EVICTED = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };

/** Says on the pod why it goes, and deletes it. */
async function end(world: SubresourceWorld<Pod>, deletion: Deletion): Promise<void> {
  if (world.isDryRun) return await world.remove(deletion);
  const version = await world.amendSelf((pod) => {
    refuseOther(pod, deletion);
    return withDisruptionTarget(pod, WHY_EVICTED, world.nowMs);
  });
  const { resourceVersion } = deletion.preconditions ?? {};
  await world.remove(
    resourceVersion === undefined ? deletion : {
      ...deletion,
      preconditions: { ...deletion.preconditions, resourceVersion: version },
    },
  );
}

function refuseOther({ metadata: { name, uid, resourceVersion } }: Pod, deletion: Deletion): void {
  const { uid: wantedUid, resourceVersion: wanted } = deletion.preconditions ?? {};
  const conflict = (why: string) =>
    new SubresourceRefusal("Conflict", `Operation cannot be fulfilled on Pod "${name}": ${why}`);
  if (wantedUid !== undefined && wantedUid !== uid) {
    throw conflict(
      `the UID in the precondition (${wantedUid}) does not match the UID in record (${uid}). ` +
        "The object might have been deleted and then recreated",
    );
  }
  if (wanted !== undefined && wanted !== resourceVersion) {
    throw conflict(
      `the ResourceVersion in the precondition (${wanted}) does not match the ResourceVersion in ` +
        `record (${resourceVersion}). The object might have been modified`,
    );
  }
}
