import type { Service } from "../../../resources/core/services/services.ts";
import type { Plan } from "../../runtime/controller.ts";
import { runAnalyses } from "../parts/analyses.ts";
import { syncEphemeralMetadata } from "../parts/ephemeral_metadata.ts";
import { baseStatus, finish, promote, resetStatus } from "../status/finish.ts";
import type { Pass } from "../situation/pass.ts";
import { haltReason } from "../situation/pauses.ts";
import { restartPods } from "../parts/pod_restarts.ts";
import { selectedHash, serviceOf, switchService } from "../parts/services.ts";
import { hashOf } from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";
import { activeHash } from "./active_service.ts";
import { countsOfActive } from "./active_set.ts";
import { hasReachedCheckPoint, settlePause } from "./auto_promotion.ts";
import { reasonToPromote } from "./promotion.ts";
import { scaleBlueGreen } from "./sizes.ts";

interface BlueGreenServices {
  active: Service | undefined;
  preview: Service | undefined;
}

/**
 * One step of a blue-green rollout: the new pods get a Service of their own first and, once they are there and judged
 * good, the one that users see. The old ones stay for a while, so that the way back is as short.
 *
 * Argo Rollouts: `rollout/bluegreen.go`. https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/
 */
export function blueGreen(situation: Situation, pass: Pass): Plan {
  const { rollout, current } = situation;
  const { activeService, previewService } = rollout.spec.strategy.blueGreen!;
  const services = {
    active: serviceOf(situation, activeService),
    preview: serviceOf(situation, previewService),
  };
  const { preview } = services;
  if (preview && !haltReason(rollout)) switchService(situation, pass, preview, hashOf(current));
  if (!isNewTemplate(situation)) takeStep(situation, pass, services.active);
  settleStatus(situation, pass, services);
  return finish(situation, pass);
}

/** Whether the template is another one than at the last look: the update begins, or begins anew. */
function isNewTemplate({ rollout: { status }, hash }: Situation): boolean {
  const { currentPodHash = "" } = status;
  return currentPodHash !== "" && currentPodHash !== hash;
}

function takeStep(situation: Situation, pass: Pass, active: Service | undefined): void {
  restartPods(situation, pass);
  scaleBlueGreen(situation, pass);
  settlePause(situation, pass, selectedHash(active));
  if (active) switchService(situation, pass, active, activeHash(situation, pass, active));
  runAnalyses(situation, pass);
  syncEphemeralMetadata(situation, pass);
}

/** Argo Rollouts: `syncRolloutStatusBlueGreen`. */
function settleStatus(
  situation: Situation,
  pass: Pass,
  { active, preview }: BlueGreenServices,
): void {
  const { rollout, isRollbackWithinWindow } = situation;
  baseStatus(situation, pass);
  if (isNewTemplate(situation)) resetStatus(situation, pass);
  if (rollout.status.promoteFull || isRollbackWithinWindow) {
    pass.clearPauses();
    pass.removeAbort();
  }
  pass.setBlueGreenStatus({
    activeSelector: active && selectedHash(pass.serviceNow(active)),
    previewSelector: preview && selectedHash(pass.serviceNow(preview)),
  });
  const why = reasonToPromote(situation, pass);
  if (why !== undefined) promote(situation, pass, why);
  else {
    pass.setBlueGreenStatus({
      scaleUpPreviewCheckPoint: hasReachedCheckPoint(situation, pass),
    });
  }
  pass.setStatus(countsOfActive(situation, pass.status));
}
