import type { Taint } from "../resources/nodes.ts";
import type { Toleration } from "../resources/pod_spec/scheduling.ts";

/** https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const NOT_READY = "node.kubernetes.io/not-ready";
export const UNREACHABLE = "node.kubernetes.io/unreachable";
export const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/** Kubernetes' admission plugin DefaultTolerationSeconds: so long pods stay on a node that is away. */
export const DEFAULT_TOLERATION_SECONDS = 300;

/**
 * The tolerations of a pod with those that every pod gets unless it says something else: it stays for 300
 * seconds on a node that is not ready or cannot be reached.
 */
export function withDefaultTolerations(tolerations: readonly Toleration[] = []): Toleration[] {
  const missing = [NOT_READY, UNREACHABLE].filter((key) =>
    !tolerations.some(({ key: tolerated, effect }) =>
      (tolerated === key || !tolerated) && (effect === "NoExecute" || !effect)
    )
  );
  return [
    ...tolerations,
    ...missing.map((key): Toleration => ({
      key,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: DEFAULT_TOLERATION_SECONDS,
    })),
  ];
}

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
