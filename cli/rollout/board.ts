import { ApiError } from "../../core/client/api_error.ts";
import type { Clock } from "../../core/lib/clock.ts";
import {
  ANALYSIS_RUNS,
  type Cluster,
  EXPERIMENTS,
  PODS,
  REPLICA_SETS,
  REVISIONS,
  ROLLOUTS,
} from "./cluster/cluster.ts";
import { FollowedObjects } from "./cluster/followed_objects.ts";
import type { MeasuredSplit } from "./measured_split.ts";
import type {
  AnalysisRun,
  ControllerRevision,
  Experiment,
  Pod,
  ReplicaSet,
  Rollout,
} from "./cluster/objects.ts";
import { type ExperimentInfo, experimentInfoOf } from "./summary/experiments.ts";
import { type RolloutInfo, rolloutInfoOf } from "./summary/rollout_info.ts";
import type { Surroundings } from "./summary/surroundings.ts";
import { templateOf } from "./cluster/workload.ts";

/** The rollouts of a namespace, and all that belongs to them. */
export class Board {
  readonly #cluster: Cluster;
  readonly #rollouts: FollowedObjects<Rollout>;
  readonly #experiments: FollowedObjects<Experiment>;
  readonly #analysisRuns: FollowedObjects<AnalysisRun>;
  readonly #replicaSets: FollowedObjects<ReplicaSet>;
  readonly #revisions: FollowedObjects<ControllerRevision>;
  readonly #pods: FollowedObjects<Pod>;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#rollouts = new FollowedObjects(cluster, ROLLOUTS);
    this.#experiments = new FollowedObjects(cluster, EXPERIMENTS);
    this.#analysisRuns = new FollowedObjects(cluster, ANALYSIS_RUNS);
    this.#replicaSets = new FollowedObjects(cluster, REPLICA_SETS);
    this.#revisions = new FollowedObjects(cluster, REVISIONS);
    this.#pods = new FollowedObjects(cluster, PODS);
  }

  async list(): Promise<void> {
    await Promise.all(this.#kinds.map((kind) => kind.list()));
  }

  /** Keeps up with the cluster until the signal aborts. Listed before. */
  async follow(onChange: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#kinds.map((kind) => kind.follow(onChange, clock, signal)));
  }

  /** Throws a refusal when there is none of this name. `split`: what is measured meanwhile. */
  async rollout(name: string, split?: MeasuredSplit): Promise<RolloutInfo> {
    await split?.read();
    const rollout = this.#rollouts.named(name);
    if (rollout === undefined) throw notFound("rollouts", name);
    const { currentPodHash: canary = "", stableRS: stable = "" } = rollout.status ?? {};
    const template = await templateOf(this.#cluster, rollout);
    const info = rolloutInfoOf(rollout, this.#surroundings, template);
    const measuredWeight = split?.weightOf({ canary, stable });
    return measuredWeight ? { ...info, measuredWeight } : info;
  }

  experiment(name: string): ExperimentInfo {
    const experiment = this.#experiments.named(name);
    if (experiment === undefined) throw notFound("experiments", name);
    return experimentInfoOf(experiment, this.#surroundings);
  }

  get #kinds(): readonly FollowedObjects<AnalysisRun>[] {
    const sets = [this.#replicaSets, this.#revisions];
    const all = [this.#rollouts, this.#experiments, ...sets, this.#pods];
    return [this.#analysisRuns, ...all] as FollowedObjects<AnalysisRun>[]; // what kind does not matter here
  }

  get #surroundings(): Surroundings {
    return {
      replicaSets: this.#replicaSets.all,
      revisions: this.#revisions.all,
      pods: this.#pods.all,
      experiments: this.#experiments.all,
      analysisRuns: this.#analysisRuns.all,
    };
  }
}

function notFound(plural: string, name: string): ApiError {
  return new ApiError("NotFound", `${plural}.argoproj.io "${name}" not found`);
}
