import { replicationControllers } from "../../resources/core/replication_controllers.ts";
import { replicaController } from "./pod_replicas.ts";

/** Keeps the pods of ReplicationControllers, which select by equality alone. */
export const replicationController = replicaController("replication-controller", {
  resource: replicationControllers,
  selectorOf: ({ spec }) => ({ matchLabels: spec.selector ?? {} }),
});
