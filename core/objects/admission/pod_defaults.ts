import { withDefaultTolerations } from "../../resources/pod_spec/default_tolerations.ts";
import type { Pod } from "../../resources/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/**
 * What every new pod gets from Kubernetes' own admission plugins: DefaultTolerationSeconds, and Priority for a
 * cluster without priority classes.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
export function podDefaults({ resource, next, previous }: AdmissionRequest): KubeObject {
  if (resource.group !== "" || resource.kind !== "Pod" || previous) return next;
  const pod = next as Pod;
  return {
    ...pod,
    spec: {
      priority: 0,
      preemptionPolicy: "PreemptLowerPriority",
      ...pod.spec,
      tolerations: withDefaultTolerations(pod.spec.tolerations),
    },
  } as Pod;
}
