import type { Duplex } from "node:stream";
import type { ObjectName } from "./client.ts";
import type { ContainerSession, WantedStreams } from "./container_session.ts";

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

/** A command that is to run in a container. */
export interface ExecRequest {
  /** Name of the container; the server has checked that it exists. */
  container: string;
  command: readonly string[];
  streams: WantedStreams;
}

export type AttachRequest = Omit<ExecRequest, "command">;

/** A port inside a pod. */
export interface PodPort {
  port: number;
  /** Its address, where others reach it, or its own loopback, where only the pod itself does. */
  at: "address" | "loopback";
}

/** Begins what has been found possible. Rejects with why it cannot be done after all, worded for the user. */
export type SessionStart = () => Promise<ContainerSession>;

/** What the API needs from the agent that runs a pod. Implemented by the agent, directly or through its tunnel. */
export interface NodeStreams {
  /**
   * Bytes of a container's log, as they come; ends with the log or, when following, with the container or the signal. The
   * first piece comes, perhaps empty, as soon as the log is open.
   */
  logs(pod: ObjectName, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Finds the container. Throws an ApiError, in the kubelet's words, when it does not run. */
  exec(pod: ObjectName, request: ExecRequest): Promise<SessionStart>;
  /** Finds the container. Throws as {@linkcode exec}. The streams that come begin when it is attached to. */
  attach(pod: ObjectName, request: AttachRequest): Promise<SessionStart>;
  /**
   * Connects to a port of the pod by TCP. Rejects with why it cannot be reached: an ApiError when that is not allowed or
   * the pod does not run.
   */
  connect(pod: ObjectName, target: PodPort): Promise<Duplex>;
}
