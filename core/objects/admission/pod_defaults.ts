import { withDefaultTolerations } from "../../resources/pod_spec/default_tolerations.ts";
import type { Pod } from "../../resources/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/**
 * What every pod gets from Kubernetes' own admission plugins: DefaultTolerationSeconds, and Priority for a cluster
 * without priority classes. Also when it is changed: who writes a pod anew, or its tolerations, does not name them.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
export function podDefaults({ resource, next, previous }: AdmissionRequest): KubeObject {
  if (resource.group !== "" || resource.kind !== "Pod") return next;
  const pod = next as Pod;
  const before = (previous as Pod | undefined)?.spec;
  if (pod.spec === before) return pod; // of the status alone
  const { priority = 0, preemptionPolicy = "PreemptLowerPriority" } = before ?? {};
  return {
    ...pod,
    spec: {
      priority,
      preemptionPolicy,
      ...pod.spec,
      tolerations: withDefaultTolerations(pod.spec.tolerations),
    },
  } as Pod;
}
