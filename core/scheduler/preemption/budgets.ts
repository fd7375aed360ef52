import type { View } from "../../client/client.ts";
import { isReady } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { isSelectedBy } from "../../resources/policy/disruptions.ts";
import { isGoing } from "../evictable_pods.ts";
import {
  type PodDisruptionBudget,
  podDisruptionBudgets,
} from "../../resources/policy/pod_disruption_budgets.ts";

/** A budget, and how many of its pods may still be evicted. */
interface Allowance {
  budget: PodDisruptionBudget;
  left: number;
}

/** How many pods the disruption budgets let go, as the pods are now. */
export class Budgets {
  readonly #view: View;
  readonly #condemned: ReadonlyMap<string, unknown>;
  /** By namespace. */
  readonly #allowances = new Map<string, readonly Allowance[]>();

  /** `condemned`: pods that are about to be evicted, by uid; they are as good as gone. */
  constructor(view: View, condemned: ReadonlyMap<string, unknown>) {
    this.#view = view;
    this.#condemned = condemned;
  }

  /**
   * Which of the pods could not all be evicted, in this order, without a budget being broken. A pod without labels is
   * under no budget. Kubernetes: `filterPodsWithPDBViolation`.
   */
  violatedBy(victims: readonly Pod[]): Set<Pod> {
    const spent = new Map<Allowance, number>();
    return new Set(victims.filter((pod) => {
      const { name, labels } = pod.metadata;
      if (isGoing(pod, this.#condemned) || Object.keys(labels ?? {}).length === 0) return false;
      const covering = this.#in(pod.metadata.namespace).filter(({ budget }) =>
        isCovered(pod, budget) && !Object.hasOwn(budget.status.disruptedPods ?? {}, name)
      );
      for (const each of covering) spent.set(each, (spent.get(each) ?? 0) + 1);
      return covering.some((each) => spent.get(each)! > each.left);
    }));
  }

  #in(namespace: string): readonly Allowance[] {
    const known = this.#allowances.get(namespace) ??
      this.#view.list(podDisruptionBudgets, namespace).map((budget) => ({
        budget,
        left: this.#leftOf(budget),
      }));
    this.#allowances.set(namespace, known);
    return known;
  }

  /** What its status says, less what has happened since. */
  #leftOf(budget: PodDisruptionBudget): number {
    const { disruptionsAllowed, desiredHealthy, disruptedPods = {} } = budget.status;
    if (disruptionsAllowed <= 0) return 0;
    const healthy = this.#view.list(pods, budget.metadata.namespace).filter((pod) =>
      !isGoing(pod, this.#condemned) && isReady(pod) && isSelectedBy(budget.spec, pod) &&
      !Object.hasOwn(disruptedPods, pod.metadata.name)
    );
    return Math.min(disruptionsAllowed, Math.max(0, healthy.length - desiredHealthy));
  }
}

/** Here a budget with an empty selector is about no pods: preemption reads it so, other than evictions do. */
function isCovered(pod: Pod, { spec }: PodDisruptionBudget): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {};
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return false;
  return isSelectedBy(spec, pod);
}
