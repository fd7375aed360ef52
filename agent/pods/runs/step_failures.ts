import { messageOf } from "../../../core/lib/error_message.ts";
import { type Backoff, waitMsAfter } from "../../../core/lib/backoff.ts";
import type { Moment } from "../../../core/lib/clock.ts";
import { timestamp } from "../../../core/lib/timestamp.ts";
import { ConfigError } from "../../runtimes/config_error.ts";
import { RuntimeError } from "../../runtimes/container_runtime.ts";
import type { Failure } from "./observed_pod.ts";

/** Kubernetes' wait after a failed pull or start: 10 s, doubled, at most 5 min. */
const START_RETRY: Backoff = { firstMs: 10_000, maxMs: 300_000, factor: 2 };
/** What the pod refers to may appear any time; its events are watched too, so this is only a safety net. */
const CONFIG_RETRY: Backoff = { firstMs: 10_000, maxMs: 60_000, factor: 2 };
/** Nothing was asked of a registry: the kubelet looks again with its next sync. */
const UNPULLED: ReadonlySet<string> = new Set([
  "ErrImageNeverPull",
  "InvalidImageName",
  "ImageInspectError",
]);
/** The machine or the API: usually back soon. */
const MACHINE_RETRY: Backoff = { firstMs: 1_000, maxMs: 60_000, factor: 2 };

/** Says what a failed step means, and when it is tried again. Pure. */
export function failureOf(
  error: unknown,
  stage: Failure["stage"],
  previous: Failure | undefined,
  { nowMs, elapsedMs }: Moment,
): Failure {
  const actual = stageOf(error, stage);
  const failures = previous?.stage === actual ? previous.failures + 1 : 1;
  return {
    stage: actual,
    reason: reasonOf(error, actual),
    message: messageOf(error),
    atMs: elapsedMs,
    time: timestamp(nowMs),
    failures,
    // A container whose hook failed has run: what follows is its restart.
    retryAtMs: actual === "hook"
      ? elapsedMs
      : elapsedMs + waitMsAfter(failures, retryOf(error, actual)),
  };
}

function stageOf(error: unknown, stage: Failure["stage"]): Failure["stage"] {
  if (error instanceof ConfigError) return "config";
  // Nothing ran, and nothing is wrong with the container: the same run is tried again.
  return stage === "run" && isUnavailable(error) ? "create" : stage;
}

function reasonOf(error: unknown, stage: Failure["stage"]): string {
  if (error instanceof RuntimeError && error.reason !== "RuntimeUnavailable") return error.reason;
  switch (stage) {
    case "config":
      return "CreateContainerConfigError";
    case "pull":
      return "ErrImagePull";
    case "run":
      return "RunContainerError";
    case "hook":
      return "PostStartHookError";
    default:
      return "CreateContainerError";
  }
}

function retryOf(error: unknown, stage: Failure["stage"]): Backoff {
  if (isUnavailable(error)) return MACHINE_RETRY;
  if (error instanceof RuntimeError && UNPULLED.has(error.reason)) return CONFIG_RETRY;
  switch (stage) {
    case "pull":
    case "create":
    case "run":
    case "hook":
      return START_RETRY;
    case "config":
      return CONFIG_RETRY;
    case "prepare":
    case "release":
    case "remove":
    case "resize":
    case "confirmDeletion":
      return MACHINE_RETRY;
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof RuntimeError && error.reason === "RuntimeUnavailable";
}
