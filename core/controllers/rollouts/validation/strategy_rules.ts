import type { AntiAffinity, Rollout } from "../../../resources/argoproj/mod.ts";
import { type Cause, invalid, missing } from "../../../schema/causes.ts";
import { faultsOfCanary } from "./canary_rules.ts";

const REVISION_HISTORY_LIMIT = 10;
const FIELD = "spec.strategy";

/** Paths have no segment for the kind of strategy, as Argo Rollouts writes them. */
export function* faultsOfStrategy(rollout: Rollout): Iterable<Cause> {
  const { blueGreen, canary } = rollout.spec.strategy ?? {};
  if (!blueGreen && !canary) {
    const rule = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'";
    yield missing(`${FIELD}.strategy`, rule);
  } else if (blueGreen && canary) {
    const rule = "Multiple Strategies can not be listed";
    yield invalid(`${FIELD}.strategy`, "blueGreen: true canary: true", rule);
  } else if (blueGreen) {
    yield* blueGreenFaults(rollout);
  } else {
    yield* faultsOfCanary(canary!);
    yield* antiAffinityFaults(canary!.antiAffinity);
  }
}

function* blueGreenFaults({ spec }: Rollout): Iterable<Cause> {
  const { activeService, previewService, scaleDownDelayRevisionLimit, antiAffinity } = spec
    .strategy!
    .blueGreen!;
  if (activeService === (previewService ?? "")) {
    yield invalid(
      `${FIELD}.activeService`,
      activeService,
      "This rollout uses the same service for the active and preview services, but two different services are required.",
    );
  }
  const { revisionHistoryLimit = REVISION_HISTORY_LIMIT } = spec;
  if (
    scaleDownDelayRevisionLimit !== undefined && revisionHistoryLimit < scaleDownDelayRevisionLimit
  ) {
    yield invalid(
      `${FIELD}.scaleDownDelayRevisionLimit`,
      scaleDownDelayRevisionLimit,
      "This rollout's revision history limit can not be smaller than the rollout's scale down limit",
    );
  }
  yield* antiAffinityFaults(antiAffinity);
}

function* antiAffinityFaults(antiAffinity: AntiAffinity | undefined): Iterable<Cause> {
  if (!antiAffinity) return;
  const {
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
    requiredDuringSchedulingIgnoredDuringExecution: required,
  } = antiAffinity;
  const field = `${FIELD}.antiAffinity`;
  if (Boolean(preferred) === Boolean(required)) {
    const given =
      `antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: ${Boolean(preferred)} ` +
      `antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: ${Boolean(required)}`;
    yield invalid(field, given, "AntiAffinity must have exactly one strategy listed");
  }
  if (preferred && (preferred.weight < 1 || preferred.weight > 100)) {
    const rule = "AntiAffinity weight must be between 1-100";
    yield invalid(`${field}.weight`, preferred.weight, rule);
  }
}
