import type { ContainerState } from "../container_runtime.ts";
import { LABEL } from "./container_create.ts";

/** The parts of `GET /containers/ID/json` that are used here. */
export interface ContainerInspection {
  Id: string;
  /** The image's id. */
  Image: string;
  Config: { Labels: Record<string, string> | null };
  State: {
    Status: string;
    ExitCode: number;
    OOMKilled: boolean;
    ConmonPid?: number;
    StartedAt: string;
    FinishedAt: string;
  };
}

/** An entry of `GET /containers/json`. */
export interface ContainerListEntry {
  Id: string;
  State: string;
}

/** A container as the agent sees it; `undefined` when its labels are not ours. */
export function containerState(
  { Id, Image, Config, State }: ContainerInspection,
): ContainerState | undefined {
  const labels = Config.Labels ?? {};
  const podUid = labels[LABEL.podUid];
  const name = labels[LABEL.name];
  if (podUid === undefined || name === undefined) return undefined;
  const state = stateOf(State.Status);
  const startedAtMs = timeMs(State.StartedAt);
  return {
    ...{ id: Id, podUid, name, state, imageId: Image },
    podName: labels[LABEL.podName] ?? "",
    podNamespace: labels[LABEL.podNamespace] ?? "",
    restartCount: Number(labels[LABEL.restartCount] ?? 0),
    image: labels[LABEL.image] ?? "",
    ...(state === "created" || startedAtMs === undefined ? {} : { startedAtMs }),
    ...(state === "exited" ? endOf(State, startedAtMs) : {}),
  };
}

/** Podman's word for a container's state in one of three. */
export function stateOf(status: string): ContainerState["state"] {
  switch (status) {
    case "running":
    case "paused":
    case "stopping":
      return "running";
    case "stopped": // the process is dead, Podman's clean-up goes on
    case "exited":
      return "exited";
    default: // created, configured, initialized
      return "created";
  }
}

function endOf(
  { ExitCode, FinishedAt, OOMKilled }: ContainerInspection["State"],
  startedAtMs = 0,
): Pick<ContainerState, "exitCode" | "finishedAtMs" | "oomKilled"> {
  // The end of a very short container may be recorded before its start.
  const finishedAtMs = Math.max(timeMs(FinishedAt) ?? 0, startedAtMs);
  return { exitCode: ExitCode, finishedAtMs, ...(OOMKilled ? { oomKilled: true } : {}) };
}

/** Go writes the year 1 for a time that is not there yet. */
function timeMs(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}
