import { int64Of } from "../../lib/int64.ts";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import type { ReplicaSet } from "../../resources/apps/replica_sets.ts";
import { recordEvent, update, type Write } from "../runtime/controller.ts";
import {
  allOf,
  hasTemplateOf,
  type History,
  revisionOf,
  ROLLBACK_TO,
  withAnnotationsOf,
  withoutHash,
} from "./replica_set_history.ts";

/**
 * The writes of a rollback that an annotation asks for, as old clients do; `undefined` when none does. Whatever comes of it,
 * the annotation goes. Kubernetes: `pkg/controller/deployment/rollback.go`.
 */
export function rollbackWrites(deployment: Deployment, history: History): Write[] | undefined {
  const asked = int64Of(deployment.metadata.annotations?.[ROLLBACK_TO]);
  if (asked === undefined) return undefined;
  const all = allOf(history);
  const revision = asked || lastRevision(all);
  if (revision === 0n) return givenUp(deployment, "Unable to find last revision.");
  const target = all.find((replicaSet) => revisionOf(replicaSet) === revision);
  if (target === undefined) {
    return givenUp(deployment, "Unable to find the revision to rollback to.");
  }
  return hasTemplateOf(target, deployment)
    ? unchanged(deployment)
    : rolledBack(deployment, target, revision);
}

function rolledBack(deployment: Deployment, target: ReplicaSet, revision: bigint): Write[] {
  const { name } = deployment.metadata;
  const { metadata } = withAnnotationsOf(deployment, target);
  const template = withoutHash(target.spec.template);
  const next = { ...deployment, metadata, spec: { ...deployment.spec, template } };
  return [
    update(deployments, cleared(next)),
    recordEvent({
      about: deployment,
      type: "Normal",
      reason: "DeploymentRollback",
      message: `Rolled back deployment "${name}" to revision ${revision}`,
    }),
  ];
}

function unchanged(deployment: Deployment): Write[] {
  const { name } = deployment.metadata;
  const message =
    `The rollback revision contains the same template as current deployment "${name}"`;
  return [
    warning(deployment, "DeploymentRollbackTemplateUnchanged", message),
    update(deployments, cleared(deployment)),
  ];
}

function givenUp(deployment: Deployment, message: string): Write[] {
  return [
    warning(deployment, "DeploymentRollbackRevisionNotFound", message),
    update(deployments, cleared(deployment)),
  ];
}

function warning(about: Deployment, reason: string, message: string): Write {
  return recordEvent({ about, type: "Warning", reason, message });
}

function cleared(deployment: Deployment): Deployment {
  const { [ROLLBACK_TO]: _, ...annotations } = deployment.metadata.annotations ?? {};
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

/** The one before the last; 0 when there is none. */
function lastRevision(all: readonly ReplicaSet[]): bigint {
  return all.map(revisionOf).sort((a, b) => a > b ? -1 : 1)[1] ?? 0n;
}
