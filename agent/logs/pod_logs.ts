import { ApiError } from "../../core/client/api_error.ts";
import type { LogOptions } from "../../core/client/node_streams.ts";
import { ENDED } from "../../core/lib/abort.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Slots } from "../../core/lib/slots.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { statusOf } from "../pods/runs/container_runs.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import { readLog } from "./log_reader.ts";
import type { PodFolder } from "../folders/pod_folder.ts";

export interface PodLogsInput {
  pod: Pod;
  options: LogOptions;
  signal: AbortSignal;
  format: string;
  folder: PodFolder;
  clock: Clock;
  /** Shared by all who read logs here. */
  turns: Slots;
  /** The pod's containers as they are known at the moment of the call. */
  containers(): readonly ContainerState[];
  /** Calls `listener` after each change of {@linkcode containers}. Returns the stop. */
  subscribe(listener: () => void): () => void;
}

/**
 * The log of the latest run of a container, or of the one before. Throws {@linkcode ApiError} with the kubelet's
 * words when there is no such run.
 */
export function podLogs(input: PodLogsInput): AsyncIterable<Uint8Array> {
  const { pod, options: { container: name, previous }, folder, containers } = input;
  const runs = containers().filter((run) => run.name === name && run.state !== "created")
    .sort((a, b) => b.restartCount - a.restartCount);
  const status = statusOf(pod, name);
  const latest = runs[0]?.restartCount ??
    (status?.containerID === undefined ? undefined : status.restartCount);
  if (latest === undefined) {
    const reason = status?.state.waiting?.reason ?? "ContainerCreating";
    throw new ApiError(
      "BadRequest",
      `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`,
    );
  }
  if (!previous) return follow(input, runs[0], folder.logFile(name, latest));
  // While it waits for its next run, the one that has just ended is the previous one.
  const isBetweenRuns = status?.state.waiting !== undefined && runs[0]?.state === "exited";
  if (isBetweenRuns) return follow(input, undefined, folder.logFile(name, latest));
  if (latest === 0) {
    throw new ApiError(
      "BadRequest",
      `previous terminated container "${name}" in pod "${pod.metadata.name}" not found`,
    );
  }
  return follow(input, undefined, folder.logFile(name, latest - 1));
}

/** Reads until the run has ended, when it still runs. */
async function* follow(
  { options, signal, format, clock, turns, containers, subscribe }: PodLogsInput,
  run: ContainerState | undefined,
  path: string,
): AsyncGenerator<Uint8Array> {
  const ended = new AbortController();
  const look = () => {
    const runs = containers().some(({ id, state }) => id === run?.id && state === "running");
    if (!runs) ended.abort(ENDED);
  };
  const stop = subscribe(look);
  try {
    look();
    yield* readLog({ path, format, options, ended: ended.signal, signal, clock, turns });
  } finally {
    stop();
  }
}
