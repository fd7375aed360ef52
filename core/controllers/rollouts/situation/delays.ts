import { hasDeadline } from "./sets.ts";
import type { ResolvedRollout, Situation } from "./situation.ts";

const SCALE_DOWN_DELAY_S = 30;
const ABORT_SCALE_DOWN_DELAY_S = 30;

/** How long a set stays that was replaced; 0 for a canary whose traffic nobody routes. */
export function scaleDownDelayS({ spec: { strategy } }: ResolvedRollout): number {
  if (strategy.canary) {
    const { trafficRouting, scaleDownDelaySeconds = SCALE_DOWN_DELAY_S } = strategy.canary;
    return trafficRouting ? scaleDownDelaySeconds : 0;
  }
  return strategy.blueGreen?.scaleDownDelaySeconds ?? SCALE_DOWN_DELAY_S;
}

/** How long a new set stays after an abort; `undefined`: for ever. */
export function abortScaleDownDelayS({ spec: { strategy } }: ResolvedRollout): number | undefined {
  const { canary, blueGreen } = strategy;
  if (canary && !canary.trafficRouting) return 0;
  const seconds = (blueGreen ?? canary)?.abortScaleDownDelaySeconds ?? ABORT_SCALE_DOWN_DELAY_S;
  return seconds === 0 ? undefined : seconds;
}

/**
 * Whether the template is that of a set which was replaced a moment ago, so that it needs neither pause nor analysis. What
 * is tried again after an abort waits to go, too, but was never good.
 */
export function isGoingBack({ rollout: { status }, current }: Situation): boolean {
  return hasDeadline(current) && status.abortedAt === undefined;
}
