import type { Health } from "../../probes/probes.ts";
import type { Allocation, PendingResize } from "./allocation.ts";
import type { ResourceRequirements } from "../../../core/resources/core/pods/spec/containers.ts";
import type { ContainerState } from "../../runtimes/container_runtime.ts";

/**
 * What the agent knows of one pod besides what is wanted of it: the input of every decision. Plain data.
 *
 * Times in it are of `Clock.elapsed`, so that setting the machine's clock makes nothing early or late.
 */
export interface ObservedPod {
  /** Its containers as the runtime last showed them, running or not, of all runs. */
  readonly containers: readonly ObservedRun[];
  readonly sandbox: Sandbox;
  /** Why the last step for the pod as a whole failed, until one succeeds. */
  readonly failure?: Failure;
  /** By container name. */
  readonly memories: Readonly<Record<string, ContainerMemory>>;
  /** Steps in flight, by {@linkcode POD} or container name: no second one is begun for the same name. */
  readonly busy: Readonly<Record<string, Busy>>;
  /** Set when the pod is first seen to be deleted. */
  readonly deletion?: Deletion;
  /** Why this node does not run it, from before its start. */
  readonly rejection?: PodRejection;
  /** How the node ends it although it is wanted. */
  readonly eviction?: PodEviction;
  /** What the node has set aside for its containers; absent: what it asks for. */
  readonly allocation?: Allocation;
  /** What it asks for and does not get. */
  readonly pendingResize?: PendingResize;
  /** Generation of the pod whose amounts are being given to it. */
  readonly resizedGeneration?: number;
  /** When its `activeDeadlineSeconds` are over. */
  readonly overdueMs?: number;
  /** Something of another pod of its name runs on this node. */
  readonly hasNamesake?: boolean;
  /** Milliseconds that containers get to end when the pod is no longer wanted at all. */
  readonly forcedGraceMs: number;
}

/** Why a node does not run a pod that it was given: the pod fails. */
export interface PodRejection {
  /** As in `status.reason`. */
  readonly reason: string;
  readonly message: string;
}

/** How a node ends a pod that runs: the pod fails. */
export interface PodEviction extends PodRejection {
  readonly graceMs: number;
  /** That it is disturbed, for who replaces it. */
  readonly condition?: {
    readonly type: "DisruptionTarget";
    readonly reason: string;
    readonly message: string;
  };
}

/** A container as the runtime shows it, and when it ended. */
export interface ObservedRun extends ContainerState {
  readonly endedMs?: number;
  /** What it was given, by its start or since; absent where that cannot be changed. */
  readonly resources?: ResourceRequirements;
  /** It runs in a network that is no longer the pod's, where it cannot be reached. */
  readonly isCutOff?: true;
  /** It runs already, and its `postStart` hook does still: until that is over it does not count as running to others. */
  readonly isStarting?: true;
}

export interface Deletion {
  readonly seenMs: number;
  /** Whether requests may still be on their way to it. */
  readonly wasReady: boolean;
  /** Since when there are none. */
  readonly drainedMs?: number;
}

/** Name under which steps for the whole pod are busy. No container has this name. */
export const POD = "";

/** The pod's network and volumes. `unknown`: nothing was done since the agent started. */
export type Sandbox =
  | { readonly state: "unknown" }
  | { readonly state: "ready"; readonly ip: string; readonly namespacePath?: string }
  | { readonly state: "released" }
  /** Nothing of the pod is left on the node. */
  | { readonly state: "removed"; readonly deletionConfirmed: boolean };

/** A step in flight. `killAtMs`: when a `stop` resorts to SIGKILL. */
export interface Busy {
  readonly do: string;
  readonly killAtMs?: number;
}

/** Something that did not work, and when it is tried again. */
export interface Failure {
  readonly stage:
    | "prepare"
    | "release"
    | "resize"
    | "remove"
    | "confirmDeletion"
    | "pull"
    | "config"
    | "create"
    | "run"
    | "hook";
  /** As in `containerStatuses[].state.waiting.reason`. */
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
  /** The same for people, by the machine's clock. */
  readonly time: string;
  /** How often in a row. */
  readonly failures: number;
  readonly retryAtMs: number;
}

/** What the agent remembers of a container between its runs. Lost with the agent, as a kubelet's is. */
export interface ContainerMemory {
  /** The image, by its id, once it is known to be present for the next run. */
  readonly imageId?: string;
  readonly failure?: Failure;
  readonly backoff?: RestartBackoff;
  readonly health?: Health;
  /** Termination messages of the latest run and the one before, by container id. */
  readonly messages?: Readonly<Record<string, string>>;
}

/** How long after its end a container rests before it runs again. */
export interface RestartBackoff {
  readonly waitMs: number;
  readonly sinceMs: number;
}
