import type { View } from "../../../client/client.ts";
import type { ServedTraffic } from "../../../traffic/served_traffic.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type {
  AnalysisRun,
  BarePodTemplate,
  BlueGreenStatus,
  CanaryStatus,
  Experiment,
  Rollout,
  RolloutSpec,
  RolloutStatus,
  RolloutStrategy,
} from "../../../resources/argoproj/mod.ts";
import type { LabelSelector } from "../../../schema/label_selector.ts";

/** A status in which the parts of both strategies are there. */
export type FullStatus = RolloutStatus & { canary: CanaryStatus; blueGreen: BlueGreenStatus };

/**
 * A Rollout as its controller works with it: the template and the selector are there, which may be those of the workload
 * that it refers to; what has a default has it; annotations have the revision.
 */
export type ResolvedRollout = Omit<Rollout, "spec" | "status"> & {
  spec: RolloutSpec & {
    replicas: number;
    selector: LabelSelector;
    template: BarePodTemplate;
    strategy: RolloutStrategy;
  };
  status: FullStatus;
};

/** What one look at a Rollout works on, as it was at the beginning. */
export interface Situation {
  /** As stored. */
  stored: Rollout;
  rollout: ResolvedRollout;
  /** Generation of the workload that the template is of. */
  workloadGeneration: string | undefined;
  view: View;
  /** What the proxies serve; absent: nobody knows. */
  traffic: ServedTraffic | undefined;
  nowMs: number;
  /** Tells the template from others: that of the current set. */
  hash: string;
  /** The set of the template. */
  current: ReplicaSet;
  /** The set that users can rely on; it may be the current one. */
  stable: ReplicaSet | undefined;
  /** Neither current nor stable. */
  others: readonly ReplicaSet[];
  /** All of them. */
  all: readonly ReplicaSet[];
  /** What the rollout controls. */
  runs: readonly AnalysisRun[];
  experiments: readonly Experiment[];
  /** Whether the template is an older one that comes back without steps and analyses. */
  isRollbackWithinWindow: boolean;
}

/** A situation in which the set of the template may have to be created first. */
export type OpenSituation = Omit<Situation, "current"> & { current: ReplicaSet | undefined };

/**
 * The rollout with the members of its status that may be absent. An abort that the controller has not seen yet ends the
 * wish to promote it.
 */
export function resolvedRollout(rollout: Rollout): ResolvedRollout {
  const { spec, status = {} } = rollout;
  const isFreshAbort = status.abort === true && status.abortedAt === undefined;
  return {
    ...rollout,
    spec: {
      ...spec,
      replicas: spec.replicas ?? 1,
      selector: spec.selector ?? {},
      template: spec.template ?? { spec: { containers: [] } },
      strategy: spec.strategy ?? {},
    },
    status: {
      ...status,
      ...(isFreshAbort && { promoteFull: false }),
      canary: status.canary ?? {},
      blueGreen: status.blueGreen ?? {},
    },
  };
}

/** Whether what users can rely on is what the template asks for. */
export function isFullyPromoted({ status }: Pick<ResolvedRollout, "status">): boolean {
  return (status.stableRS ?? "") === (status.currentPodHash ?? "");
}
