import { type Clock, SystemClock } from "../../core/lib/clock.ts";
import { CommandError } from "../../server/command_error.ts";
import type { Terminal } from "../../server/terminal.ts";
import { type Cluster, ROLLOUTS } from "./cluster/cluster.ts";
import { FollowedObjects } from "./cluster/followed_objects.ts";
import type { Rollout } from "./cluster/objects.ts";
import { phaseOf } from "./summary/phase.ts";
import { isWithin } from "./time_limit.ts";

export interface StatusOptions {
  name: string;
  watch: boolean;
  /** Absent: without end. */
  timeoutMs?: number;
}

/**
 * Prints the status of a rollout, by default each until it is Healthy or Degraded. Throws when it is degraded in the end,
 * or not yet healthy.
 */
export async function showStatus(
  cluster: Cluster,
  { name, watch, timeoutMs }: StatusOptions,
  terminal: Terminal,
  clock: Clock = new SystemClock(),
): Promise<void> {
  const rollouts = new FollowedObjects<Rollout>(cluster, ROLLOUTS);
  await rollouts.list();
  const current = async () => rollouts.named(name) ?? await cluster.get<Rollout>(ROLLOUTS, name);
  let last = phaseOf(await current());
  if (!watch) terminal.out(`${isSettled(last) ? last.phase : lineOf(last)}\n`);
  else {
    await isWithin(timeoutMs, { clock, signal: terminal.signal }, async (signal) => {
      let printed = "";
      let wake = () => {};
      const following = rollouts.follow(() => wake(), clock, signal);
      while (!signal.aborted) {
        const changed = new Promise<void>((resolve) => wake = resolve);
        last = phaseOf(await current());
        if (lineOf(last) !== printed) terminal.out(`${printed = lineOf(last)}\n`);
        if (isSettled(last)) return;
        await Promise.race([changed, following]);
      }
    });
  }
  if (last.phase === "Degraded") {
    throw new CommandError(`The rollout is in a degraded state with message: ${last.message}`);
  }
  if (watch && last.phase !== "Healthy") {
    throw new CommandError("Rollout status watch exceeded timeout");
  }
}

function isSettled({ phase }: { phase: string }): boolean {
  return phase === "Healthy" || phase === "Degraded";
}

function lineOf({ phase, message }: { phase: string; message: string }): string {
  return message === "" ? phase : `${phase} - ${message}`;
}
