import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { CONFIG_MIRROR } from "../../core/resources/core/pods/static_pods.ts";

/** What whoever drains a node takes into account. */
export interface DrainRules {
  ignoreDaemonsets: boolean;
  deleteEmptydirData: boolean;
  force: boolean;
}

export interface DrainPlan {
  /** Pods to evict, in the order given. */
  evict: readonly Pod[];
  /** Why it may not be done, all causes at once, as kubectl words them. */
  errors: readonly string[];
  warnings: readonly string[];
}

const DAEMON_SETS = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)";
const DAEMON_SETS_IGNORED = "ignoring DaemonSet-managed Pods";
const LOCAL_STORAGE = "Pods with local storage (use --delete-emptydir-data to override)";
const LOCAL_STORAGE_LOST = "deleting Pods with local storage";
const UNMANAGED = "Pods that declare no controller (use --force to override)";
const UNMANAGED_LOST = "deleting Pods that declare no controller";

interface Verdict {
  isEvicted: boolean;
  error?: string;
  warning?: string;
}

/**
 * Which pods of a node are evicted, and what speaks against it. `missing`: DaemonSets that pods name and that are gone,
 * as NAMESPACE/NAME. Pure.
 *
 * Kubernetes: `pkg/drain/filters.go` of k8s.io/kubectl.
 */
export function drainPlan(
  pods: readonly Pod[],
  rules: DrainRules,
  missing: ReadonlySet<string>,
): DrainPlan {
  const verdicts = pods.map((pod) => ({ pod, ...verdictOn(pod, rules, missing) }));
  return {
    evict: verdicts.filter(({ isEvicted }) => isEvicted).map(({ pod }) => pod),
    errors: grouped(verdicts.map(({ pod, error }) => [pod, error]))
      .map(([why, names]) => `cannot delete ${why}: ${names}`),
    warnings: grouped(verdicts.map(({ pod, warning }) => [pod, warning]))
      .map(([why, names]) => `${why}: ${names}`),
  };
}

/** The first objection counts; of warnings the last one is told. */
function verdictOn(pod: Pod, rules: DrainRules, missing: ReadonlySet<string>): Verdict {
  const { phase } = pod.status;
  const isMirror = pod.metadata.annotations?.[CONFIG_MIRROR] !== undefined;
  if (phase === "Succeeded" || phase === "Failed") return { isEvicted: !isMirror };
  const ofDaemonSet = verdictOnDaemon(pod, rules, missing);
  if (ofDaemonSet?.isEvicted === false) return ofDaemonSet;
  if (isMirror) return { isEvicted: false };
  const hasStorage = pod.spec.volumes?.some(({ emptyDir }) => emptyDir !== undefined) ?? false;
  if (hasStorage && !rules.deleteEmptydirData) return { isEvicted: false, error: LOCAL_STORAGE };
  const isUnmanaged = controllerOf(pod) === undefined;
  if (isUnmanaged && !rules.force) return { isEvicted: false, error: UNMANAGED };
  if (isUnmanaged) return { isEvicted: true, warning: UNMANAGED_LOST };
  if (hasStorage) return { isEvicted: true, warning: LOCAL_STORAGE_LOST };
  return ofDaemonSet ?? { isEvicted: true };
}

function verdictOnDaemon(
  pod: Pod,
  { ignoreDaemonsets, force }: DrainRules,
  missing: ReadonlySet<string>,
): Verdict | undefined {
  const name = daemonSetOf(pod);
  if (name === undefined) return undefined;
  if (missing.has(`${pod.metadata.namespace}/${name}`)) {
    const why = `daemonsets.apps "${name}" not found`;
    return force ? { isEvicted: true, warning: why } : { isEvicted: false, error: why };
  }
  if (!ignoreDaemonsets) return { isEvicted: false, error: DAEMON_SETS };
  return { isEvicted: false, warning: DAEMON_SETS_IGNORED };
}

/** The name of the DaemonSet that keeps the pod. */
export function daemonSetOf(pod: Pod): string | undefined {
  const owner = controllerOf(pod);
  return owner?.kind === "DaemonSet" && owner.apiVersion === "apps/v1" ? owner.name : undefined;
}

function controllerOf({ metadata }: Pod) {
  return metadata.ownerReferences?.find(({ controller }) => controller);
}

function grouped(all: readonly [Pod, string | undefined][]): [why: string, names: string][] {
  const names = new Map<string, string[]>();
  for (const [{ metadata }, why] of all) {
    if (why === undefined) continue;
    names.set(why, [...names.get(why) ?? [], `${metadata.namespace}/${metadata.name}`]);
  }
  return [...names].map(([why, pods]) => [why, pods.join(", ")]);
}
