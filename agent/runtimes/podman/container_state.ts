import type { ContainerState } from "../container_runtime.ts";
import { LABEL } from "./container_create.ts";

/** The parts of `GET /containers/ID/json` that are used here. */
export interface ContainerInspection {
  Id: string;
  /** The image's id, the digest of its manifest, and the name that it was asked for by. */
  Image: string;
  ImageDigest?: string;
  ImageName?: string;
  GraphDriver?: { Data?: Record<string, string> | null };
  HostConfig?: { CgroupParent?: string };
  /** `StopSignal`: its number or, since Podman 5, its name. */
  Config: { Labels: Record<string, string> | null; StopSignal?: number | string };
  State: {
    Status: string;
    ExitCode: number;
    OOMKilled: boolean;
    ConmonPid?: number;
    /** 0 when it does not run. */
    Pid?: number;
    StartedAt: string;
    FinishedAt: string;
  };
}

/** An entry of `GET /containers/json`. */
export interface ContainerListEntry {
  Id: string;
  State: string;
  /** In seconds; far below zero for one that was never started. */
  StartedAt: number;
}

/** What a runtime says of a container that ended with the machine, as the CRI runtimes do. */
const UNKNOWN_EXIT_CODE = 255;

/** A container as the agent sees it; `undefined` when its labels are not ours. */
export function containerState(
  inspection: ContainerInspection,
): ContainerState | undefined {
  const { Id, Image, ImageDigest, ImageName, Config, State } = inspection;
  const labels = Config.Labels ?? {};
  const podUid = labels[LABEL.podUid];
  const name = labels[LABEL.name];
  if (podUid === undefined || name === undefined) return undefined;
  const startedAtMs = timeMs(State.StartedAt);
  const state = stateOf(State.Status, startedAtMs);
  return {
    id: Id,
    podUid,
    name,
    state,
    imageId: imageReference({ id: Image, digest: ImageDigest, name: ImageName }),
    podName: labels[LABEL.podName] ?? "",
    podNamespace: labels[LABEL.podNamespace] ?? "",
    restartCount: Number(labels[LABEL.restartCount] ?? 0),
    image: labels[LABEL.image] ?? "",
    ...(labels[LABEL.devices] && { devices: labels[LABEL.devices]!.split(",") }),
    ...(state === "created" || startedAtMs === undefined ? {} : { startedAtMs }),
    ...(state === "running" ? processOf(inspection) : {}),
    ...(state === "exited" ? endOf(State, startedAtMs) : {}),
  };
}

function processOf({ State: { Pid }, GraphDriver }: ContainerInspection) {
  const layerFolder = GraphDriver?.Data?.["UpperDir"];
  return { ...(Pid && { pid: Pid }), ...(layerFolder && { layerFolder }) };
}

/** `docker.io/library/web@sha256:…`; the id of an image without a digest or a name. */
export function imageReference(
  { id, digest, name }: { id: string; digest: string | undefined; name: string | undefined },
): string {
  if (!digest || !name) return id.startsWith("sha256:") ? id : `sha256:${id}`;
  return `${name.replace(/(?::[^/:@]*)?(?:@.*)?$/, "")}@${digest}`;
}

/**
 * Podman's word for a container's state in one of three. After a reboot Podman takes what ran before for created; when
 * it was started it still knows.
 */
export function stateOf(status: string, startedAtMs: number | undefined): ContainerState["state"] {
  switch (status) {
    case "running":
    case "paused":
    case "stopping":
      return "running";
    case "stopped": // the process is dead, Podman's clean-up goes on
    case "exited":
      return "exited";
    default: // created, configured, initialized
      return startedAtMs === undefined ? "created" : "exited";
  }
}

/** The state of an entry of a list. */
export function listedState({ State, StartedAt }: ContainerListEntry): ContainerState["state"] {
  return stateOf(State, StartedAt > 0 ? StartedAt * 1_000 : undefined);
}

function endOf(
  { Status, ExitCode, FinishedAt, OOMKilled }: ContainerInspection["State"],
  startedAtMs = 0,
): Pick<ContainerState, "exitCode" | "finishedAtMs" | "oomKilled"> {
  const isKnown = stateOf(Status, undefined) === "exited";
  if (!isKnown) return { exitCode: UNKNOWN_EXIT_CODE }; // it ended with the machine, at an unknown time
  // The end of a very short container may be recorded before its start.
  const finishedAtMs = Math.max(timeMs(FinishedAt) ?? 0, startedAtMs);
  return { exitCode: ExitCode, finishedAtMs, ...(OOMKilled ? { oomKilled: true } : {}) };
}

/** Go writes the year 1 for a time that is not there yet. */
function timeMs(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}
