import { HASH_LABEL } from "../../core/resources/argoproj/rollout_keys.ts";
import { CommandError } from "../../server/command_error.ts";
import { type Cluster, REPLICA_SETS, ROLLOUTS } from "./cluster/cluster.ts";
import type { PodTemplate, ReplicaSet, Rollout } from "./cluster/objects.ts";
import { templateHolderOf, templateOf } from "./cluster/workload.ts";
import { revisionOf } from "./summary/object_meta.ts";
import { isPartOf } from "./template_parts.ts";

/** Labels by which sets tell their pods apart. A set that was a Deployment's has both. */
const HASH_LABELS: readonly string[] = [HASH_LABEL, "pod-template-hash"];

/**
 * Goes back to the template of an earlier revision: the second highest, or the one asked for. Resolves with what was
 * done, in the words of Argo Rollouts' plugin.
 */
export async function undo(cluster: Cluster, name: string, toRevision: number): Promise<string> {
  const rollout = await cluster.get<Rollout>(ROLLOUTS, name);
  const sets = await controlledSets(cluster, rollout);
  const template = withoutHash(setOf(sets, toRevision, name).spec.template ?? {});
  const present = await templateOf(cluster, rollout);
  if (present && isPartOf(withoutHash(present), template)) {
    return `skipped rollback (current template already matches revision ${toRevision})`;
  }
  const { place, name: holder, pointer } = templateHolderOf(rollout);
  const operation = { op: "replace", path: pointer, value: template };
  await cluster.patch(place, holder, [operation]).catch((error) => {
    throw new CommandError(`failed restoring revision ${toRevision}: ${error.message}`);
  });
  return `rollout '${name}' undo`;
}

async function controlledSets(
  cluster: Cluster,
  { metadata: { uid } }: Rollout,
): Promise<ReplicaSet[]> {
  const { items } = await cluster.list<ReplicaSet>(REPLICA_SETS);
  return items.filter(({ metadata }) =>
    metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.controller)
  );
}

/** `toRevision` 0: the one before the last. */
function setOf(sets: readonly ReplicaSet[], toRevision: number, name: string): ReplicaSet {
  if (toRevision > 0) {
    const found = sets.find((set) => revisionOf(set) === toRevision);
    if (found) return found;
    throw new CommandError(`unable to find specified revision ${toRevision} in history`);
  }
  const previous = [...sets].sort((a, b) => revisionOf(b) - revisionOf(a))[1];
  if (previous) return previous;
  throw new CommandError(`no revision found for rollout "${name}"`);
}

function withoutHash(template: PodTemplate): PodTemplate {
  const labels = Object.entries(template.metadata?.labels ?? {})
    .filter(([name]) => !HASH_LABELS.includes(name));
  return { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(labels) } };
}
