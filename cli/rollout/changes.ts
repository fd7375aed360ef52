import { type Clock, SystemClock } from "../../core/lib/clock.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import { durationMsOf } from "../../core/schema/durations.ts";
import { CommandError } from "../../server/command_error.ts";
import {
  ANALYSIS_RUNS,
  type Cluster,
  DEPLOYMENTS,
  EXPERIMENTS,
  ROLLOUTS,
} from "./cluster/cluster.ts";
import type { Rollout } from "./cluster/objects.ts";
import type { Subject } from "./subjects.ts";

/** Stops the update: the stable version serves again. */
export async function abort(cluster: Cluster, name: string): Promise<void> {
  await cluster.merge(ROLLOUTS, name, { status: { abort: true } }, "/status");
}

/** Begins an aborted update anew. */
export async function retryRollout(cluster: Cluster, name: string): Promise<void> {
  await cluster.merge(ROLLOUTS, name, { status: { abort: false } }, "/status");
}

/** Begins a failed experiment anew. Its status has no subresource. */
export async function retryExperiment(cluster: Cluster, name: string): Promise<void> {
  await cluster.merge(EXPERIMENTS, name, { status: null });
}

export async function pause(cluster: Cluster, name: string): Promise<void> {
  await setPaused(cluster, name, true);
}

/** Undoes {@linkcode pause}; pauses of steps stay: those are for promotions. */
export async function resume(cluster: Cluster, name: string): Promise<void> {
  await setPaused(cluster, name, false);
}

/** A Deployment that is rolled out in steps says itself whether it is paused. */
async function setPaused(cluster: Cluster, name: string, paused: boolean): Promise<void> {
  const { metadata } = await cluster.merge<Rollout>(ROLLOUTS, name, { spec: { paused } });
  const isOfDeployment = metadata.ownerReferences?.some(({ kind, controller }) =>
    controller && kind === "Deployment"
  );
  if (isOfDeployment) await cluster.merge(DEPLOYMENTS, name, { spec: { paused } });
}

/** Ends a run or an experiment before its time. */
export async function terminate(cluster: Cluster, { kind, name }: Subject): Promise<void> {
  const place = kind === "experiment" ? EXPERIMENTS : ANALYSIS_RUNS;
  await cluster.merge(place, name, { spec: { terminate: true } });
}

/** Has the pods replaced, now or later. `wait`: such as `10s`. */
export async function restart(
  cluster: Cluster,
  name: string,
  wait: string | undefined,
  clock: Clock = new SystemClock(),
): Promise<void> {
  const restartAt = timestamp(clock.now() + (wait === undefined ? 0 : waitMsOf(wait)));
  await cluster.merge<Rollout>(ROLLOUTS, name, { spec: { restartAt } });
}

/** `30s`, `5m`; a number alone is seconds. */
function waitMsOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  try {
    return durationMsOf(text);
  } catch {
    throw new CommandError(
      `Cannot restart in "${text}": it must be a time such as 30s, 5m or 1h`,
    );
  }
}
