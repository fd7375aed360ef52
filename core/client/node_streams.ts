import type { ObjectName } from "./client.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod */
export interface LogOptions {
  /** Name of the container; the server has checked that it exists. */
  container: string;
  follow: boolean;
  /** Logs of the previous run. */
  previous: boolean;
  timestamps: boolean;
  /** Lines from the end; `undefined`: all. */
  tailLines: number | undefined;
  /** Lines not older than this time, in ms since 1970. */
  sinceMs: number | undefined;
  limitBytes: number | undefined;
}

/** What the API needs from the agent that runs a pod. Implemented by the agent, directly or through its tunnel. */
export interface NodeStreams {
  /** Bytes of a container's log, as they come; ends with the log or, when following, with the container or the signal. */
  logs(pod: ObjectName, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
