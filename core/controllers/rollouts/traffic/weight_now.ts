import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { Experiment, WeightDestination } from "../../../resources/argoproj/mod.ts";
import { currentExperiment } from "../parts/experiments.ts";
import { selectedHash, serviceOf } from "../parts/services.ts";
import type { Pass } from "../situation/pass.ts";
import { availableOf, hashOf } from "../situation/sets.ts";
import { shareOf } from "../situation/shares.ts";
import { isFullyPromoted, type Situation } from "../situation/situation.ts";
import { currentStepOf, maxWeightOf, setWeightAt } from "../situation/steps.ts";
import { hasDesiredCounts, isRollingBackDynamically, wantedSizes } from "../sizes/sizes.ts";
import { weightWithinCapacity } from "./capacity.ts";
import {
  type DesiredWeight,
  desiredWeight,
  type RoutedSet,
  type StepWeights,
  type WeightFacts,
} from "./desired_weight.ts";
import { sumOf } from "./port/traffic_writer.ts";

/** The weight that the canary gets in this look. `isOwn`: our own proxy splits the traffic. */
export function weightNow(
  situation: Situation,
  pass: Pass,
  { isOwn }: { isOwn: boolean },
): DesiredWeight {
  const facts = factsOf(situation, pass);
  return isOwn ? carried(situation, pass, facts) : desiredWeight(facts);
}

function factsOf(situation: Situation, pass: Pass): WeightFacts {
  const { rollout, current, stable } = situation;
  return {
    max: maxWeightOf(rollout),
    replicas: rollout.spec.replicas,
    steps: stepWeights(situation),
    dynamicStableScale: rollout.spec.strategy.canary!.dynamicStableScale === true,
    isPromoted: isFullyPromoted(rollout),
    isAborted: pass.isAborted,
    promoteFull: rollout.status.promoteFull === true,
    current: routedSet(current),
    stable: stable && routedSet(stable),
    returningFrom: isRollingBackDynamically(situation),
    present: rollout.status.canary.weights?.canary.weight,
    hasDesiredCounts: hasDesiredCounts(situation, undefined),
    experiments: experimentWeights(situation),
  };
}

function routedSet(set: ReplicaSet): RoutedSet {
  return { hash: hashOf(set), available: availableOf(set) };
}

function stepWeights({ rollout }: Situation): StepWeights | undefined {
  const { step, index } = currentStepOf(rollout);
  if (index === undefined) return undefined;
  const before = setWeightAt(rollout, index - 1) ?? 0;
  if (step === undefined) return { before, now: maxWeightOf(rollout), isDone: true };
  return { before, now: setWeightAt(rollout, index) ?? 0, isDone: false };
}

/** The shares of the sets of a running experiment. Argo Rollouts: `calculateWeightDestinationsFromExperiment`. */
function experimentWeights(situation: Situation): WeightDestination[] {
  const { rollout } = situation;
  const { index } = currentStepOf(rollout);
  const steps = rollout.spec.strategy.canary!.steps?.slice(0, (index ?? 0) + 1) ?? [];
  const step = steps.findLast(({ experiment }) => experiment)?.experiment;
  const experiment: Experiment | undefined = currentExperiment(situation);
  if (step === undefined || experiment?.status?.phase !== "Running") return [];
  return (experiment.status.templateStatuses ?? []).flatMap(
    ({ name, serviceName, podTemplateHash }) => {
      const weight = step.templates.find((template) => template.name === name)?.weight;
      if (weight === undefined) return [];
      return [{
        weight,
        ...(serviceName && { serviceName }),
        ...(podTemplateHash && { podTemplateHash }),
      }];
    },
  );
}

/**
 * The weight as far as the pods carry it that the two services lead to. Before pods of the canary go, their weight does;
 * before the canary's service leads to another set, all of its weight goes; after a promotion the stable service first
 * leads to the new pods.
 */
function carried(situation: Situation, pass: Pass, facts: WeightFacts): DesiredWeight {
  const { canary, stable } = routedSets(situation, pass);
  const { steps, isPromoted, returningFrom, present = 0 } = facts;
  const falling = steps && { ...steps, before: Math.min(steps.before, steps.now) };
  const experiments = facts.experiments.filter(({ serviceName }) => serviceName !== undefined);
  const desired = desiredWeight({ ...facts, steps: falling, experiments });
  const waits = isPromoted && returningFrom === undefined && !hasStableService(situation);
  const staying = stayingPods(situation, facts, canary);
  const isOther = canary !== situation.current && returningFrom === undefined;
  const weight = waits ? present : weightWithinCapacity({
    max: facts.max,
    replicas: facts.replicas,
    canaryAvailable: canary === stable ? 0 : availableOf(canary), // pods count once
    stableAvailable: availableOf(stable),
    extra: sumOf(desired.extra),
    present,
    desired: isOther ? 0 : Math.min(desired.weight, shareOf(staying, facts.replicas, facts.max)),
  });
  return { ...desired, weight, canaryHash: hashOf(canary) };
}

/** The sets that the services lead to; where one leads to none yet, the set that it is for. */
function routedSets(
  situation: Situation,
  pass: Pass,
): { canary: ReplicaSet; stable: ReplicaSet | undefined } {
  const { rollout, all, current, stable } = situation;
  const { canaryService, stableService } = rollout.spec.strategy.canary!;
  const of = (name: string | undefined) => {
    const service = serviceOf(situation, name);
    const hash = service && selectedHash(pass.serviceNow(service));
    return hash ? all.find((set) => hashOf(set) === hash) : undefined;
  };
  return { canary: of(canaryService) ?? current, stable: of(stableService) ?? stable };
}

/** Available pods of the canary without those that are about to go. */
function stayingPods(situation: Situation, facts: WeightFacts, canary: ReplicaSet): number {
  const available = availableOf(canary);
  if (facts.isAborted || facts.isPromoted || canary !== situation.current) return available;
  return Math.min(available, wantedSizes(situation, undefined).canary);
}

/** Whether the stable service leads to the stable set in all tables in use; also when there is no such service. */
function hasStableService(situation: Situation): boolean {
  const { rollout, stable, traffic } = situation;
  const service = serviceOf(situation, rollout.spec.strategy.canary!.stableService);
  if (service === undefined) return true;
  const hash = selectedHash(service);
  if (hash !== "" && hash !== hashOf(stable)) return false;
  return traffic?.serves("Service", service) ?? true;
}
