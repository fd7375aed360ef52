import type { View } from "../../client/client.ts";
import type { Deployment } from "../../resources/apps/deployments.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { type Rollout, rollouts } from "../../resources/argoproj/mod.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { controlled, controllerOf, isControlledBy } from "../runtime/ownership.ts";
import type { Watch } from "../runtime/controller.ts";

/** Annotations by which a Deployment, a StatefulSet or a DaemonSet is rolled out in steps, as a Rollout is. */
export const STEPS = {
  /** Weights: `10%,30%,60%`. */
  canary: "coracle.dev/canary",
  /** What must hold meanwhile: `errors<1%,p99<300ms`. */
  analysis: "coracle.dev/analysis",
  /** Name of a ConfigMap with a strategy of a Rollout. */
  strategy: "coracle.dev/strategy",
  /** Which Service's traffic is split, where several select the pods. */
  service: "coracle.dev/service",
} as const;

/** Whether a workload asks to be rolled out in steps. */
export function isStepwise({ metadata: { annotations = {} } }: KubeObject): boolean {
  return annotations[STEPS.canary] !== undefined || annotations[STEPS.strategy] !== undefined;
}

/** The Rollout that has the pods of a Deployment, or that says how far another workload is rolled out. */
export function rolloutOf(view: View, workload: KubeObject): Rollout | undefined {
  const rollout = view.get(rollouts, workload.metadata);
  return rollout && isControlledBy(rollout, workload) ? rollout : undefined;
}

/** The Deployment's own sets that have pods. */
export function runningSetsOf(view: View, deployment: Deployment): ReplicaSet[] {
  return controlled(view, replicaSets, deployment)
    .filter(({ spec, status }) => spec.replicas > 0 || status.replicas > 0);
}

/**
 * Whether the pods of a Deployment are a Rollout's, or are about to be: its own controller leaves them alone then. A
 * rolling update that is under way is finished before; after the annotations are gone, the Rollout goes first.
 */
export function isLeftToRollout(deployment: Deployment, view: View): boolean {
  if (rolloutOf(view, deployment) !== undefined) return true;
  return isStepwise(deployment) && runningSetsOf(view, deployment).length <= 1;
}

/** A Deployment is looked at when its Rollout comes, changes or goes. */
export const rolloutsOfDeployments = rolloutsOf("Deployment");

/** A workload of the kind is looked at when its Rollout comes, changes or goes. */
export function rolloutsOf(kind: "Deployment" | "StatefulSet" | "DaemonSet"): Watch {
  return {
    resource: rollouts,
    concerns(rollout) {
      const owner = controllerOf(rollout);
      const { namespace } = rollout.metadata;
      if (owner?.kind !== kind || namespace === undefined) return [];
      return [{ namespace, name: owner.name }];
    },
  };
}
