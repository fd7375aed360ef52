import type { Taint } from "../../resources/core/nodes/nodes.ts";
import type { Toleration } from "../../resources/core/pods/spec/scheduling.ts";

/** https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/** Kubernetes: `Toleration.ToleratesTaint`. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key, operator = "Equal", value = "", effect } = toleration;
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  switch (operator) {
    case "Exists":
      return true;
    case "Equal":
      return Boolean(key) && value === (taint.value ?? "");
    case "Gt":
      return Number(taint.value) > Number(value);
    case "Lt":
      return Number(taint.value) < Number(value);
  }
}

/** The first of the taints, of those effects, that no toleration tolerates. */
export function untolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly Taint["effect"][],
): Taint | undefined {
  return taints?.find((taint) =>
    effects.includes(taint.effect) &&
    !tolerations?.some((toleration) => tolerates(toleration, taint))
  );
}
