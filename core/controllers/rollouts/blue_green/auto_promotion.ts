import type { BlueGreenStrategy } from "../../../resources/argoproj/mod.ts";
import type { Pass } from "../situation/pass.ts";
import { haltReason, pauseEndMs, pauseOf } from "../situation/pauses.ts";
import { availableOf, hashOf } from "../situation/sets.ts";
import { isGoingBack } from "../situation/delays.ts";
import type { Situation } from "../situation/situation.ts";
import { isJudgedBefore, wasJudgedGood } from "./analyses.ts";
import { wantedSize } from "./sizes.ts";

/**
 * Pauses before the switch when it needs somebody, or some time, and ends the pause. `activeHash` is what the active
 * Service selects so far. Argo Rollouts: `reconcileBlueGreenPause`.
 */
export function settlePause(situation: Situation, pass: Pass, activeHash: string): void {
  const { rollout } = situation;
  const { status, spec } = rollout;
  if (status.abort || !isThere(situation) || haltReason(rollout)) return;
  const needsNone = isFastTracked(situation, activeHash) ||
    status.blueGreen.scaleUpPreviewCheckPoint || !needsPause(spec.strategy.blueGreen!);
  if (needsNone) return pass.removePause("BlueGreenPause");
  if (!wasJudgedGood(situation, pass)) return;
  if (isPauseOver(situation, pass)) return pass.removePause("BlueGreenPause");
  if (pauseOf(rollout, "BlueGreenPause")) wakeAtItsEnd(situation, pass);
  else pass.addPause("BlueGreenPause");
}

function wakeAtItsEnd({ rollout, nowMs }: Situation, pass: Pass): void {
  const { autoPromotionEnabled, autoPromotionSeconds = 0 } = rollout.spec.strategy.blueGreen!;
  if (autoPromotionEnabled === false || autoPromotionSeconds === 0) return;
  const pause = pauseOf(rollout, "BlueGreenPause")!;
  pass.wakeIn(pauseEndMs(pause, autoPromotionSeconds) - nowMs);
}

/** Whether the set of the template has the pods that it is to have before the switch. Argo Rollouts: `ReadyForPause`. */
export function isThere(situation: Situation): boolean {
  const { current } = situation;
  const wanted = wantedSize(situation);
  return current.spec.replicas === wanted && availableOf(current) === wanted;
}

/** Whether the switch needs neither pause nor analysis. Argo Rollouts: `isBlueGreenFastTracked`. */
export function isFastTracked(situation: Situation, activeHash: string): boolean {
  const { rollout, current } = situation;
  return isGoingBack(situation) || rollout.status.promoteFull === true ||
    activeHash === "" || activeHash === hashOf(current);
}

function needsPause({ autoPromotionEnabled, autoPromotionSeconds = 0 }: BlueGreenStrategy) {
  return autoPromotionEnabled === false || autoPromotionSeconds > 0;
}

/**
 * Whether nothing has to be waited for any more: there is no pause, somebody ended it, or its time is over. That somebody
 * ended it shows for one look only. Argo Rollouts: `CompletedBlueGreenPause`.
 */
export function isPauseOver({ rollout, nowMs }: Situation, pass: Pass): boolean {
  const { status, spec } = rollout;
  const { autoPromotionEnabled, autoPromotionSeconds = 0 } = spec.strategy.blueGreen!;
  if (pass.hasAddedPause) return false;
  if (status.blueGreen.scaleUpPreviewCheckPoint || !needsPause(spec.strategy.blueGreen!)) {
    return true;
  }
  const pause = pauseOf(rollout, "BlueGreenPause");
  if (pause === undefined) return status.controllerPause === true;
  return autoPromotionEnabled !== false && pauseEndMs(pause, autoPromotionSeconds) <= nowMs;
}

/**
 * Whether the preview may grow to the full size: from the moment when it is there, judged good and not held back, until
 * the promotion or another template. Argo Rollouts: `calculateScaleUpPreviewCheckPoint`.
 */
export function hasReachedCheckPoint(situation: Situation, pass: Pass): boolean {
  const { rollout: { spec, status }, rollout, current } = situation;
  const { previewReplicaCount } = spec.strategy.blueGreen!;
  if (previewReplicaCount === undefined) return false;
  if (status.blueGreen.scaleUpPreviewCheckPoint) return true;
  return isJudgedBefore(rollout, pass.runs) && isPauseOver(situation, pass) &&
    availableOf(current) === previewReplicaCount;
}
