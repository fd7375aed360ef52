import { HASH_LABEL } from "../resources/argoproj/rollout_keys.ts";
import type { View } from "../client/client.ts";
import { type ReplicaSet, replicaSets } from "../resources/apps/replica_sets.ts";
import {
  type AnalysisRun,
  analysisRuns,
  experiments,
  type Rollout,
  rollouts,
} from "../resources/argoproj/mod.ts";
import { expositionOf, type Metric } from "./exposition.ts";

type Labels = Record<string, string>;
type Sample = Metric["samples"][number];

/** Phases as Argo Rollouts' metrics have them, by the reason of the condition Progressing. */
const PHASE_OF_REASON: Readonly<Record<string, string>> = {
  NewReplicaSetAvailable: "Completed",
  RolloutPaused: "Paused",
  ReplicaSetCreateError: "Error",
  ProgressDeadlineExceeded: "Timeout",
  RolloutAborted: "Abort",
};
const PHASES = ["Completed", "Progressing", "Paused", "Timeout", "Error", "Abort"];
const ANALYSIS_PHASES = ["Pending", "Error", "Failed", "Successful", "Running", "Inconclusive"];
const EXPERIMENT_PHASES = ANALYSIS_PHASES.filter((phase) => phase !== "Failed");
const ROUTERS: Readonly<Record<string, string>> = {
  alb: "ALB",
  ambassador: "Ambassador",
  istio: "Istio",
  nginx: "Nginx",
  smi: "SMI",
  appMesh: "AppMesh",
};

/**
 * What is seen of rollouts, analyses and experiments, with the names of Argo Rollouts' own metrics, besides weights and
 * sets, which it does not have.
 *
 * https://argo-rollouts.readthedocs.io/en/stable/features/controller-metrics/
 */
export function rolloutMetrics(view: Pick<View, "list" | "by">, version: string): string {
  const all = view.list(rollouts);
  return expositionOf([
    gauge("argo_rollouts_controller_info", "Running version of the controller", [
      { labels: { version }, value: 1 },
    ]),
    ...ofRollouts(all),
    ...ofWeights(all),
    ...ofSets(all, view),
    ...ofAnalyses(view.list(analysisRuns)),
    ...ofExperiments(view),
  ]);
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: "gauge", samples };
}

function namesOf(
  { metadata: { namespace = "", name } }: { metadata: Rollout["metadata"] },
): Labels {
  return { namespace, name };
}

function ofRollouts(all: readonly Rollout[]): Metric[] {
  const counted = (what: string, help: string, countOf: (rollout: Rollout) => number) =>
    gauge(
      `rollout_info_replicas_${what}`,
      `The number of ${help} replicas per rollout.`,
      all.map((rollout) => ({ labels: namesOf(rollout), value: countOf(rollout) })),
    );
  return [
    gauge(
      "rollout_info",
      "Information about rollout.",
      all.map((rollout) => ({ labels: { ...namesOf(rollout), ...kindOf(rollout) }, value: 1 })),
    ),
    counted("available", "available", ({ status }) => status?.availableReplicas ?? 0),
    counted(
      "unavailable",
      "unavailable",
      ({ status }) => (status?.replicas ?? 0) - (status?.availableReplicas ?? 0),
    ),
    counted("desired", "desired", ({ spec }) => spec.replicas ?? 1),
    counted("updated", "updated", ({ status }) => status?.updatedReplicas ?? 0),
    gauge(
      "rollout_phase",
      "Information on the state of the rollout (DEPRECATED - use rollout_info)",
      all.flatMap((rollout) => {
        const { strategy, phase } = kindOf(rollout);
        return samplesOfPhases({ ...namesOf(rollout), strategy }, PHASES, phase);
      }),
    ),
  ];
}

function samplesOfPhases(labels: Labels, phases: readonly string[], is: string): Sample[] {
  return phases.map((phase) => ({ labels: { ...labels, phase }, value: phase === is ? 1 : 0 }));
}

function kindOf({ spec, status }: Rollout) {
  const { canary, blueGreen } = spec.strategy ?? {};
  const routing = Object.entries(canary?.trafficRouting ?? {});
  const plugin = Object.keys(canary?.trafficRouting?.plugins ?? {})[0];
  const known = routing.flatMap(([name]) => Object.hasOwn(ROUTERS, name) ? ROUTERS[name]! : []);
  return {
    strategy: blueGreen ? "blueGreen" : canary ? "canary" : "none",
    traffic_router: known.at(-1) ?? plugin ?? "",
    phase: phaseOf(status?.conditions),
  };
}

function phaseOf(conditions: NonNullable<Rollout["status"]>["conditions"]): string {
  const conditionOf = (wanted: string) => conditions?.find(({ type }) => type === wanted);
  if (conditionOf("InvalidSpec")) return "InvalidSpec";
  const reason = conditionOf("Progressing")?.reason ?? "";
  return (Object.hasOwn(PHASE_OF_REASON, reason) && PHASE_OF_REASON[reason]) || "Progressing";
}

function ofWeights(all: readonly Rollout[]): Metric[] {
  const samples = all.flatMap((rollout) => {
    const { weights } = rollout.status?.canary ?? {};
    if (weights === undefined) return [];
    return (["canary", "stable"] as const).map((role) => ({
      labels: { ...namesOf(rollout), role },
      value: weights[role]?.weight ?? 0,
    }));
  });
  return [gauge("coracle_rollout_weight", "The weight of a part of the rollout.", samples)];
}

function ofSets(all: readonly Rollout[], view: Pick<View, "by">): Metric[] {
  const sets = all.flatMap((rollout) =>
    view.by<ReplicaSet>(replicaSets, "owner", rollout.metadata.uid)
      .filter(({ spec, status }) => spec.replicas > 0 || status.replicas > 0)
      .map((set) => ({ set, labels: { ...namesOf(rollout), ...partOf(set, rollout) } }))
  );
  const counted = (what: string, countOf: (set: ReplicaSet) => number) =>
    gauge(
      `coracle_rollout_set_replicas_${what}`,
      `The number of ${what} replicas of a ReplicaSet of the rollout.`,
      sets.map(({ set, labels }) => ({ labels, value: countOf(set) })),
    );
  return [
    counted("desired", ({ spec }) => spec.replicas),
    counted("available", ({ status }) => status.availableReplicas ?? 0),
  ];
}

function partOf({ metadata }: ReplicaSet, { status = {} }: Rollout): Labels {
  const hash = metadata.labels?.[HASH_LABEL] ?? "";
  const role = hash === status.stableRS
    ? "stable"
    : hash === status.currentPodHash
    ? "canary"
    : "old";
  return { replicaset: metadata.name, role };
}

function ofAnalyses(runs: readonly AnalysisRun[]): Metric[] {
  const phaseOfRun = ({ status }: AnalysisRun) => status?.phase || "Pending";
  const metrics = runs.flatMap((run) =>
    (run.spec.metrics ?? []).map((metric) => {
      const type = Object.keys(metric.provider)[0] ?? "";
      const result = run.status?.metricResults?.find(({ name }) => name === metric.name);
      const labels = { ...namesOf(run), metric: metric.name, type };
      return { labels, dryRun: String(result?.dryRun ?? false), phase: result?.phase || "Pending" };
    })
  );
  return [
    gauge(
      "analysis_run_info",
      "Information about analysis run.",
      runs.map((run) => ({
        labels: { ...namesOf(run), phase: run.status?.phase ?? "" },
        value: 1,
      })),
    ),
    gauge(
      "analysis_run_phase",
      "Information on the state of the Analysis Run (DEPRECATED - use analysis_run_info)",
      runs.flatMap((run) => samplesOfPhases(namesOf(run), ANALYSIS_PHASES, phaseOfRun(run))),
    ),
    gauge(
      "analysis_run_metric_type",
      "Information on the type of a specific metric in the Analysis Runs",
      metrics.map(({ labels }) => ({ labels, value: 1 })),
    ),
    gauge(
      "analysis_run_metric_phase",
      "Information on the duration of a specific metric in the Analysis Run",
      metrics.flatMap(({ labels, dryRun, phase }) =>
        samplesOfPhases({ ...labels, dry_run: dryRun }, ANALYSIS_PHASES, phase)
      ),
    ),
  ];
}

function ofExperiments(view: Pick<View, "list">): Metric[] {
  const all = view.list(experiments);
  return [
    gauge(
      "experiment_info",
      "Information about Experiment.",
      all.map((experiment) => ({
        labels: { ...namesOf(experiment), phase: experiment.status?.phase ?? "" },
        value: 1,
      })),
    ),
    gauge(
      "experiment_phase",
      "Information on the state of the experiment (DEPRECATED - use experiment_info)",
      all.flatMap((experiment) =>
        samplesOfPhases(
          namesOf(experiment),
          EXPERIMENT_PHASES,
          experiment.status?.phase || "Pending",
        )
      ),
    ),
  ];
}
