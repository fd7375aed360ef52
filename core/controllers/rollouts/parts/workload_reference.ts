import type { ObjectName, View } from "../../../client/client.ts";
import { cloneJson } from "../../../lib/json/json_value.ts";
import { deployments } from "../../../resources/apps/deployments.ts";
import { replicaSets } from "../../../resources/apps/replica_sets.ts";
import {
  type BarePodTemplate,
  type Rollout,
  rollouts,
  workloadKeyOf,
  type WorkloadRef,
} from "../../../resources/argoproj/mod.ts";
import { podTemplates } from "../../../resources/core/pod_templates.ts";
import { apiVersionOf, type KubeObject, type Resource } from "../../../resources/resource.ts";
import type { LabelSelector } from "../../../schema/label_selector.ts";
import { update, type Watch } from "../../runtime/controller.ts";
import type { Pass } from "../situation/pass.ts";
import type { Situation } from "../situation/situation.ts";

/** On a Rollout: generation of the workload that it refers to. */
export const WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation";

/** A kind of workload whose template a Rollout can take, and where its template and its selector are. */
interface WorkloadKind {
  resource: Resource;
  partsOf(workload: KubeObject): { template?: BarePodTemplate; selector?: LabelSelector };
}

/** Argo Rollouts: `infoByGroupKind` in `rollout/templateref.go`. */
const KINDS: readonly WorkloadKind[] = [
  kind(deployments, ({ spec: { template, selector } }) => ({ template, selector })),
  kind(replicaSets, ({ spec: { template, selector } }) => ({ template, selector })),
  kind(podTemplates, ({ template }) => ({ template })),
];

function kind<T extends KubeObject>(
  resource: Resource<T>,
  partsOf: (workload: T) => { template: unknown; selector?: LabelSelector },
): WorkloadKind {
  // Workloads are of the kind that they are looked up by; a defaulted template is a bare one, too.
  return { resource, partsOf } as unknown as WorkloadKind;
}

/**
 * The rollout with the template of the workload that it refers to, in memory only, with its selector unless the rollout
 * has one, and with the workload's generation. `error`: why there is none, in Argo Rollouts' words.
 *
 * Argo Rollouts: `rollout/templateref.go`.
 * https://argo-rollouts.readthedocs.io/en/stable/features/specification/ (`workloadRef`)
 */
export function resolveWorkload(
  rollout: Rollout,
  view: View,
): { rollout: Rollout; generation?: string } | { error: string } {
  const { spec, metadata: { namespace } } = rollout;
  const { workloadRef } = spec;
  if (!workloadRef) return { rollout };
  if (hasOwnTemplate(spec.template)) {
    const text = "template must be empty for workload reference rollout";
    return { error: `spec.template: Internal error: ${text}` };
  }
  const found = workloadOf(workloadRef, namespace, view);
  if ("error" in found) return found;
  const { template, selector } = cloneJson(found.kind.partsOf(found.workload));
  return {
    rollout: {
      ...rollout,
      spec: {
        ...spec,
        ...(template && { template: withoutOtherMetadata(template) }),
        ...(!spec.selector && selector && { selector }),
      },
    },
    generation: String(found.workload.metadata.generation ?? 0),
  };
}

/** What Argo Rollouts takes for a template: one with labels or annotations. */
function hasOwnTemplate({ metadata = {} }: Partial<BarePodTemplate> = {}): boolean {
  return [metadata.labels, metadata.annotations].some((words) =>
    Object.keys(words ?? {}).length > 0
  );
}

/** Labels and annotations are all that a Rollout's own template has, too. */
function withoutOtherMetadata({ metadata, spec }: BarePodTemplate): BarePodTemplate {
  const { labels, annotations } = metadata ?? {};
  return { metadata: { ...(labels && { labels }), ...(annotations && { annotations }) }, spec };
}

function workloadOf(
  { apiVersion = "", kind = "", name = "" }: WorkloadRef,
  namespace: string,
  view: View,
): { workload: KubeObject; kind: WorkloadKind } | { error: string } {
  const [group = ""] = apiVersion.includes("/") ? apiVersion.split("/") : [];
  const known = KINDS.find(({ resource }) => resource.kind === kind && resource.group === group);
  if (!known) return { error: `workload of type ${group}/${kind} is not supported` };
  const { resource } = known;
  if (apiVersionOf(resource) !== apiVersion) {
    return { error: "the server could not find the requested resource" };
  }
  const workload = view.get(resource, { namespace, name });
  if (workload) return { workload, kind: known };
  const plural = group === "" ? resource.plural : `${resource.plural}.${group}`;
  return { error: `${plural} "${namespace}/${name}" not found` };
}

/** Workloads that rollouts refer to. */
export const workloadWatches: readonly Watch[] = KINDS.map(({ resource }) => ({
  resource,
  concerns: (workload, view) => referringTo(resource, workload, view),
}));

function referringTo(resource: Resource, workload: KubeObject, view: View): ObjectName[] {
  const { kind } = resource;
  const reference = { apiVersion: apiVersionOf(resource), kind, name: workload.metadata.name };
  const key = workloadKeyOf(reference, workload.metadata.namespace ?? "");
  return view.by(rollouts, "workload", key).map(({ metadata }) => metadata);
}

/** Gives the Deployment that the rollout refers to this number of pods of its own, 0 for less. */
export function scaleWorkload(situation: Situation, pass: Pass, target: number): void {
  const { stored: { spec, metadata: { namespace } }, view } = situation;
  if (spec.workloadRef?.kind !== deployments.kind) return;
  const deployment = view.get(deployments, { namespace, name: spec.workloadRef.name ?? "" });
  const replicas = Math.max(0, target);
  if (!deployment || deployment.spec.replicas === replicas) return;
  pass.write(update(deployments, { ...deployment, spec: { ...deployment.spec, replicas } }));
}
