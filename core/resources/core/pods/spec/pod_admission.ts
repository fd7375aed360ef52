import { withDefaultTolerations } from "./default_tolerations.ts";
import type { PodSpec } from "./pod_spec.ts";

/** The account of pods that name none. */
const DEFAULT_ACCOUNT = "default";

/**
 * What every pod gets from Kubernetes' own admission plugins: DefaultTolerationSeconds, Priority for a cluster without
 * priority classes, and the name that ServiceAccount gives. Also when it is changed: who writes a pod anew, or its
 * tolerations, does not name them.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
export function admittedPodSpec(
  next: PodSpec,
  previous: PodSpec | undefined,
  { hasAccount }: { hasAccount: boolean } = { hasAccount: true },
): PodSpec {
  if (next === previous) return next; // only the status is written
  const { priority = 0, preemptionPolicy = "PreemptLowerPriority" } = previous ?? {};
  const account = next.serviceAccountName ||
    (previous ? previous.serviceAccountName : hasAccount && DEFAULT_ACCOUNT);
  return {
    priority,
    preemptionPolicy,
    ...next,
    ...(account && { serviceAccountName: account, serviceAccount: account }),
    tolerations: withDefaultTolerations(next.tolerations),
  };
}
