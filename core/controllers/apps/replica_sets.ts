import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { replicaController } from "./pod_replicas.ts";

/** Keeps the pods of ReplicaSets. */
export const replicaSetController = replicaController("replicaset-controller", {
  resource: replicaSets,
  selectorOf: ({ spec }) => spec.selector,
});
