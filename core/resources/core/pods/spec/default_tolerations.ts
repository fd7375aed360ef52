import type { Toleration } from "./scheduling.ts";

/** Taints of a node that is away. https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const NOT_READY = "node.kubernetes.io/not-ready";
export const UNREACHABLE = "node.kubernetes.io/unreachable";

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

/** Whether it is one of those that every pod gets, as far as one can tell. */
export function isDefaultToleration(
  { key = "", operator, effect, tolerationSeconds }: Toleration,
): boolean {
  return [NOT_READY, UNREACHABLE].includes(key) && operator === "Exists" &&
    effect === "NoExecute" && tolerationSeconds === DEFAULT_TOLERATION_SECONDS;
}
