import type { Pod } from "../../core/resources/core/pods/pods.ts";
import {
  containersOf,
  type PodContainer,
} from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { ObservedPod, ObservedRun } from "./runs/observed_pod.ts";

export const NOW_MS = Date.parse("2026-01-01T00:00:00Z");
export const READY = { state: "ready", ip: "10.0.0.1" } as const;

export function podOf({ spec = {}, status = {} }: { spec?: object; status?: object } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name: "web", uid: "u", resourceVersion: "1" },
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      containers: [{ name: "main", image: "app:1" }],
      ...spec,
    },
    status: { phase: "Pending", ...status },
  } as unknown as Pod; // only what deciders read
}

/** The container of `podOf()`. */
export const MAIN: PodContainer = containersOf(podOf().spec)[0]!;

export function deleted(graceSeconds = 30, pod = podOf()): Pod {
  const deletion = {
    deletionTimestamp: new Date(NOW_MS).toISOString(),
    deletionGracePeriodSeconds: graceSeconds,
  };
  return { ...pod, metadata: { ...pod.metadata, ...deletion } };
}

export function prepareFailure(retryAtMs: number): NonNullable<ObservedPod["failure"]> {
  return {
    stage: "prepare",
    reason: "",
    message: "no",
    atMs: NOW_MS,
    time: "",
    failures: 1,
    retryAtMs,
  };
}

export function observedOf(change: Partial<ObservedPod> = {}): ObservedPod {
  return {
    containers: [],
    sandbox: { state: "unknown" },
    memories: {},
    busy: {},
    forcedGraceMs: 30_000,
    ...change,
  };
}

export function run(
  restartCount: number,
  state: ObservedRun["state"],
  change: Partial<ObservedRun> = {},
): ObservedRun {
  const name = change.name ?? "main";
  return {
    id: `${name}-${restartCount}`,
    podUid: "u",
    podName: "web",
    podNamespace: "default",
    name,
    restartCount,
    state,
    image: "app:1",
    imageId: "x",
    startedAtMs: NOW_MS - 60_000,
    ...(state === "exited" && { exitCode: 1, endedMs: NOW_MS - 1 }),
    ...change,
  };
}
