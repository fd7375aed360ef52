import { REVISION } from "./sets.ts";
import type { OpenSituation } from "./situation.ts";

/** What is told when the revision of the rollout becomes another one. */
export function updatedEvents(
  { rollout, stored }: OpenSituation,
): { reason: string; message: string }[] {
  const revision = rollout.metadata.annotations?.[REVISION];
  if (revision === stored.metadata.annotations?.[REVISION]) return [];
  return [{ reason: "RolloutUpdated", message: `Rollout updated to revision ${revision}` }];
}
