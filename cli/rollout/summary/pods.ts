import {
  type ContainerRole,
  containersOf,
} from "../../../core/resources/core/pods/spec/pod_containers.ts";
import { podIcon } from "./icons.ts";
import type { ContainerStatus, Pod } from "../cluster/objects.ts";
import { byCreation, type ObjectMeta, objectMetaOf } from "./object_meta.ts";

const INIT_ROLES: ReadonlySet<ContainerRole> = new Set(["init", "sidecar"]);

export interface PodInfo {
  objectMeta: ObjectMeta;
  status: string;
  icon: string;
  /** Ready containers of all: `1/1`. */
  ready: string;
  restarts: number;
}

/** The pods of a ReplicaSet, the oldest first. */
export function podsOf(uid: string, pods: readonly Pod[]): PodInfo[] {
  return pods
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map(podInfoOf)
    .sort((a, b) => byCreation(a, b, 1));
}

function podInfoOf(pod: Pod): PodInfo {
  const { spec, status = {} } = pod;
  const init = initializationOf(pod);
  const main = status.containerStatuses ?? [];
  const running = init.isGoingOn ? [] : main.filter(isServing);
  const restarts = init.isGoingOn
    ? init.restarts
    : sumOf(main, ({ restartCount = 0 }) => restartCount);
  const state = stateOf(pod, init.reason, running.length > 0);
  return {
    objectMeta: objectMetaOf(pod),
    status: state,
    icon: podIcon(state),
    ready: `${running.length}/${spec?.containers?.length ?? 0}`,
    restarts,
  };
}

/** As kubectl's column STATUS: `pkg/printers/internalversion/printers.go`, printPod. */
function stateOf(pod: Pod, init: string | undefined, isRunning: boolean): string {
  const { metadata, status = {} } = pod;
  if (metadata.deletionTimestamp) return status.reason === "NodeLost" ? "Unknown" : "Terminating";
  if (init !== undefined) return init;
  const reasons = (status.containerStatuses ?? []).map(reasonOf).filter((reason) => reason);
  const reason = reasons[0] ?? (status.reason || status.phase || "");
  return reason === "Completed" && isRunning ? "Running" : reason;
}

function isServing({ ready, state }: ContainerStatus): boolean {
  return ready === true && state?.running !== undefined && !state.waiting?.reason &&
    state.terminated === undefined;
}

function reasonOf({ state }: ContainerStatus): string | undefined {
  return state?.waiting?.reason || endOf(state);
}

function endOf(state: ContainerStatus["state"]): string | undefined {
  const end = state?.terminated;
  if (end === undefined) return undefined;
  return end.reason || (end.signal ? `Signal:${end.signal}` : `ExitCode:${end.exitCode ?? 0}`);
}

/** Which container a pod's start waits for. */
function initializationOf(
  { spec, status = {} }: Pod,
): { isGoingOn: boolean; reason?: string; restarts: number } {
  const containers = spec ? containersOf(spec).filter(({ role }) => INIT_ROLES.has(role)) : [];
  const sidecars = new Set(
    containers.filter(({ role }) => role === "sidecar").map(({ container }) => container.name),
  );
  let restarts = 0;
  for (const [index, each] of (status.initContainerStatuses ?? []).entries()) {
    restarts += each.restartCount ?? 0;
    const { state } = each;
    if (state?.terminated?.exitCode === 0) continue;
    // Argo Rollouts stops at a sidecar that has started and is not ready, and calls the pod by its containers.
    if (sidecars.has(each.name) && each.started) {
      if (each.ready) continue;
      return { isGoingOn: false, restarts };
    }
    const waiting = state?.waiting?.reason;
    const words = state?.terminated !== undefined
      ? endOf(state)
      : waiting && waiting !== "PodInitializing"
      ? waiting
      : `${index}/${containers.length}`;
    return { isGoingOn: true, reason: `Init:${words}`, restarts };
  }
  return { isGoingOn: false, restarts };
}

function sumOf<T>(all: readonly T[], numberOf: (one: T) => number): number {
  return all.reduce((sum, one) => sum + numberOf(one), 0);
}
