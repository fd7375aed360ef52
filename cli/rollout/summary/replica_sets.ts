import { HASH_LABEL, SCALE_DOWN_DEADLINE } from "../../../core/resources/argoproj/rollout_keys.ts";
import { containersInRoles } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import { replicaSetIcon } from "./icons.ts";
import type { Pod, ReplicaSet, Rollout } from "../cluster/objects.ts";
import { byCreation, isOwnedBy, type ObjectMeta, objectMetaOf, revisionOf } from "./object_meta.ts";
import { type PodInfo, podsOf } from "./pods.ts";

const TEMPLATE_NAME = "experiment.argoproj.io/template-name";

/** Which part a set plays. */
export type Role = "stable" | "canary" | "active" | "preview" | "ping" | "pong";

export interface ReplicaSetInfo extends Partial<Record<Role, true>> {
  /** Absent: ReplicaSet. */
  kind?: "ControllerRevision";
  objectMeta: ObjectMeta;
  status: string;
  icon: string;
  revision: number;
  replicas: number;
  available: number;
  /** The template of an experiment. */
  template?: string;
  /** RFC 3339. */
  scaleDownDeadline?: string;
  images: string[];
  initContainerImages?: string[];
  pods: PodInfo[];
}

/** The sets of a rollout or, without it, of an experiment: the highest revision first. */
export function replicaSetsOf(
  ownerUid: string,
  rollout: Rollout | undefined,
  all: { replicaSets: readonly ReplicaSet[]; pods: readonly Pod[] },
): ReplicaSetInfo[] {
  return all.replicaSets
    .filter((replicaSet) => isOwnedBy(replicaSet, ownerUid))
    .map((replicaSet) => infoOf(replicaSet, rollout, all.pods))
    .sort((a, b) => b.revision - a.revision || byCreation(a, b, 1));
}

function infoOf(
  replicaSet: ReplicaSet,
  rollout: Rollout | undefined,
  pods: readonly Pod[],
): ReplicaSetInfo {
  const { metadata: { uid, labels, annotations = {} }, spec, status } = replicaSet;
  const state = stateOf(replicaSet);
  const template = annotations[TEMPLATE_NAME];
  const scaleDownDeadline = annotations[SCALE_DOWN_DEADLINE];
  const pod = spec.template?.spec;
  const initImages = pod ? imagesOf(containersInRoles(pod, "init", "sidecar")) : [];
  return {
    objectMeta: objectMetaOf(replicaSet),
    status: state,
    icon: replicaSetIcon(state),
    revision: revisionOf(replicaSet),
    ...rollout && rolesOf(labels?.[HASH_LABEL] ?? "", rollout),
    replicas: status?.replicas ?? 0,
    available: status?.availableReplicas ?? 0,
    ...(template !== undefined && { template }),
    ...(scaleDownDeadline && { scaleDownDeadline }),
    images: pod ? imagesOf(containersInRoles(pod, "main")) : [],
    ...(initImages.length > 0 && { initContainerImages: initImages }),
    pods: podsOf(uid, pods),
  };
}

export function imagesOf(containers: readonly { image?: string }[] = []): string[] {
  return containers.map(({ image = "" }) => image);
}

function stateOf({ metadata, spec, status = {} }: ReplicaSet): string {
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) return "Progressing";
  const hasFailed = status.conditions?.some((condition) =>
    condition.type === "ReplicaFailure" && condition.status === "True"
  );
  if (hasFailed) return "ReplicaFailure";
  const { replicas } = spec;
  if (replicas !== undefined && (status.availableReplicas ?? 0) < replicas) return "Progressing";
  return replicas === 0 ? "ScaledDown" : "Healthy";
}

export function rolesOf(hash: string, { spec, status = {} }: Rollout): Partial<Record<Role, true>> {
  const { stableRS = "", currentPodHash = "" } = status;
  const { canary, blueGreen } = spec.strategy ?? {};
  if (canary) {
    const isStable = hash === stableRS;
    if (!isStable && hash !== currentPodHash) return {};
    const isPing = isStable === (status.canary?.stablePingPong === "ping");
    return {
      [isStable ? "stable" : "canary"]: true,
      ...(canary.pingPong && { [isPing ? "ping" : "pong"]: true }),
    };
  }
  if (!blueGreen) return {};
  const { activeSelector = "", previewSelector = "" } = status.blueGreen ?? {};
  return {
    ...(hash === stableRS && { stable: true }),
    ...(hash === activeSelector ? { active: true } : hash === previewSelector && { preview: true }),
  };
}
