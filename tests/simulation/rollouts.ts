import type { Client, Draft, View } from "../../core/client/client.ts";
import { limitsOf } from "../../core/controllers/rollouts/sizes/sizes.ts";
import { type Rollout, rollouts, type RolloutStatus } from "../../core/resources/argoproj/mod.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import type { KubeObject } from "../../core/resources/resource.ts";

/** The simulator's Rollouts, by name: a canary without traffic routing, one whose traffic is split, a blue-green one. */
export const ROLLOUTS = {
  roll: {
    canary: {
      maxSurge: 1,
      maxUnavailable: 0,
      steps: [{ setWeight: 40 }, { pause: { duration: "2s" } }, { setWeight: 70 }],
    },
  },
  split: {
    canary: {
      canaryService: "split-preview",
      stableService: "split-active",
      scaleDownDelaySeconds: 2,
      abortScaleDownDelaySeconds: 3,
      trafficRouting: { plugins: { "coracle.dev/service": {} } },
      steps: [{ setWeight: 40 }, { pause: { duration: "2s" } }, { setWeight: 70 }],
    },
  },
  flip: {
    blueGreen: {
      activeService: "flip-active",
      previewService: "flip-preview",
      autoPromotionSeconds: 1,
      previewReplicaCount: 1,
      scaleDownDelaySeconds: 3,
      abortScaleDownDelaySeconds: 2,
    },
  },
} as const;
export type RolloutName = keyof typeof ROLLOUTS;
/** Pods of Rollouts fit beside all others. */
const CPU_REQUEST = "10m";

/** What users do to the Rollout besides changing it, as `kubectl argo rollouts` does. */
export type RolloutCommand = "abort" | "retry" | "promote" | "promote full";

export function rolloutOf(
  namespace: string,
  { name, replicas, image, tolerations }: {
    name: RolloutName;
    replicas: number;
    image: string;
    tolerations: readonly object[];
  },
): Draft<Rollout> {
  const labels = { app: name };
  const container = {
    name: "main",
    image,
    ports: [{ containerPort: 8080 }],
    resources: { requests: { cpu: CPU_REQUEST } },
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 2, failureThreshold: 2 },
  };
  return {
    metadata: { namespace, name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: ROLLOUTS[name],
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 5, containers: [container], tolerations },
      },
    },
  } as unknown as Draft<Rollout>; // the shape of a pod has more fields than are named here
}

/** The Services that a Rollout switches. */
export function servicesOf(namespace: string, name: RolloutName): Draft<Service>[] {
  const names = name === "roll" ? [] : [`${name}-active`, `${name}-preview`];
  return names.map((each) => ({
    metadata: { namespace, name: each },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  }));
}

/** Changes number and template of the Rollout that is there. */
export function changeRollout(
  api: Client,
  found: Rollout,
  { spec }: Draft<Rollout>,
): Promise<KubeObject> {
  const { paused: _, ...rest } = found.spec;
  const { replicas, template } = spec!;
  const next = { ...rest, ...(replicas !== undefined && { replicas }) };
  return api.update(rollouts, {
    ...found,
    spec: { ...next, ...(template && { template: template as never }) },
  });
}

export function commandRollout(
  api: Client,
  found: Rollout,
  command: RolloutCommand,
): Promise<KubeObject> {
  return api.updateStatus(rollouts, { ...found, status: commanded(found.status ?? {}, command) });
}

function commanded(status: RolloutStatus, command: RolloutCommand): RolloutStatus {
  const { pauseConditions: _, ...going } = status;
  switch (command) {
    case "abort":
      return { ...status, abort: true };
    case "retry":
      return { ...status, abort: false };
    case "promote":
      return going;
    case "promote full":
      return status.currentPodHash === status.stableRS ? status : { ...status, promoteFull: true };
  }
}

/** What keeps Rollouts from being as their specs say. */
export function rolloutProblems(view: View): string[] {
  return view.list(rollouts).flatMap(({ metadata, spec, status = {} }) => {
    const { replicas = 0, availableReplicas = 0, phase, message = "" } = status;
    const isDone = phase === "Healthy" &&
      status.observedGeneration === String(metadata.generation) &&
      replicas === spec.replicas && availableReplicas === spec.replicas;
    return isDone ? [] : [
      `rollout ${metadata.name} wants ${spec.replicas}: ${replicas} are there, ` +
      `${availableReplicas} available; it is ${phase} ${message}`,
    ];
  });
}

/** How many pods a Rollout may have, and how many must be available. */
export function boundsOf(
  { spec }: Rollout,
): { pods: number; surge: number; unavailable: number } {
  const { replicas = 1, strategy = {} } = spec;
  return { pods: replicas, ...limitsOf({ spec: { ...spec, replicas, strategy } as never }) };
}
