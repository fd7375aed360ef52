import { withDefaultTolerations } from "../../resources/core/pods/spec/default_tolerations.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/** The account of pods that name none. */
const DEFAULT_ACCOUNT = "default";

/**
 * What every pod gets from Kubernetes' own admission plugins: DefaultTolerationSeconds, Priority for a cluster without
 * priority classes, and the name that ServiceAccount gives. Also when it is changed: who writes a pod anew, or its tolerations, does not name them.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
export function podDefaults({ resource, next, previous }: AdmissionRequest): KubeObject {
  if (resource.group !== "" || resource.kind !== "Pod") return next;
  const pod = next as Pod;
  const before = (previous as Pod | undefined)?.spec;
  if (pod.spec === before) return pod; // of the status alone
  const { priority = 0, preemptionPolicy = "PreemptLowerPriority" } = before ?? {};
  const account = pod.spec.serviceAccountName ||
    (before ? before.serviceAccountName : DEFAULT_ACCOUNT);
  return {
    ...pod,
    spec: {
      priority,
      preemptionPolicy,
      ...pod.spec,
      ...(account && { serviceAccountName: account, serviceAccount: account }),
      tolerations: withDefaultTolerations(pod.spec.tolerations),
    },
  } as Pod;
}
