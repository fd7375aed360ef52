import type { Pod } from "../resources/core/pods/pods.ts";
import type { NodeState } from "./node_states.ts";

/** Why a pod cannot run on a node, in Kubernetes' words. */
export interface Refusal {
  reasons: readonly string[];
  /** Whether it could, if other pods left the node. */
  couldHelpToPreempt: boolean;
}

export type Filter = (state: NodeState) => Refusal | undefined;
export type Score = (state: NodeState) => number;

/**
 * One consideration in where a pod goes.
 *
 * Both questions are asked once per pod and answer with a function that is asked once per node, so what
 * depends on the pod alone is worked out once. `undefined` means: no opinion on this pod. All are pure.
 */
export interface Plugin {
  /** As in Kubernetes, where there is one like it. */
  name: string;
  /** How much its score counts; 1 when absent. */
  weight?: number;
  /** Why the pod cannot run on a node; `undefined` when it can. */
  filter?(pod: Pod): Filter | undefined;
  /** How well the pod would be placed: 0 worst, 100 best. */
  score?(pod: Pod): Score | undefined;
}

/** A refusal that does not depend on other pods. */
export function refusal(reason: string): Refusal {
  return { reasons: [reason], couldHelpToPreempt: false };
}
