/** Label of ReplicaSets and pods, and key in selectors of Services: which template they are of. */
export const HASH_LABEL = "rollouts-pod-template-hash";
/** Annotation of ReplicaSets, AnalysisRuns and Experiments: of which revision of their Rollout they are. */
export const REVISION = "rollout.argoproj.io/revision";
/** Annotation of a ReplicaSet: when its pods go, as a time of RFC 3339. */
export const SCALE_DOWN_DEADLINE = "scale-down-deadline";
/** Annotation of a Service whose selector a Rollout changes: the name of the Rollout. */
export const MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts";
/** Label of what a controller of Argo Rollouts with an id of its own looks after. */
export const INSTANCE_LABEL = "argo-rollouts.argoproj.io/controller-instance-id";
