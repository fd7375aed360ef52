import type { Draft, ObjectName, View } from "../../../client/client.ts";
import { isEqual } from "../../../lib/equality.ts";
import { type Deployment, deployments } from "../../../resources/apps/deployments.ts";
import { type ReplicaSet, replicaSets } from "../../../resources/apps/replica_sets.ts";
import {
  type AnalysisTemplate,
  analysisTemplates,
  type Rollout,
  rollouts,
  type RolloutSpec,
} from "../../../resources/argoproj/mod.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { services } from "../../../resources/core/services/services.ts";
import { conditionOf } from "../../../resources/conditions.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { createCurrent, statusWrites } from "../../apps/deployments.ts";
import { historyOf, replicaSetsToDelete, syncedHistory } from "../../apps/replica_set_history.ts";
import {
  isLeftToRollout,
  isStepwise,
  rolloutOf,
  rolloutsOfDeployments,
  STEPS,
} from "../../apps/stepwise.ts";
import {
  type Controller,
  create,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  remove,
  update,
  type Write,
} from "../../runtime/controller.ts";
import { controlled, controllerOf, controllerReference } from "../../runtime/ownership.ts";
import { metricsOf } from "./analysis_text.ts";
import { nameOfShare, shareRemovals, shareWrites } from "./front_service.ts";
import { invalidStatus, stepwiseStatus } from "./stepwise_status.ts";
import { nameOfTemplate, type Wanted, wantedOf } from "./strategy.ts";
import { bareTemplateOf, handedOverSet, takeoverWrites } from "./takeover.ts";

/** What annotations name may have come. */
const INVALID_AGAIN_MS = 20_000;

/**
 * Rolls out a Deployment in steps when annotations ask for it: a Rollout of its name has the pods, and the Deployment
 * shows how far it is. Its own ReplicaSets stay without pods, as the history that `kubectl rollout undo` reads.
 */
export const stepwiseDeploymentController: Controller<Deployment> = {
  name: "stepwise-deployment-controller",
  resource: deployments,
  watches: [
    rolloutsOfDeployments,
    { resource: replicaSets, concerns: ofSet, includesFormer: true },
    { resource: services, concerns: allOfNamespace },
    { resource: configMaps, concerns: namingStrategy },
  ],
  workers: 2,
  reconcile,
};

function ofSet(set: KubeObject, view: View): ObjectName[] {
  const owner = controllerOf(set);
  const { namespace } = set.metadata;
  if (owner === undefined || namespace === undefined) return [];
  const name = { namespace, name: owner.name };
  if (owner.kind === "Deployment") {
    const deployment = view.get(deployments, name);
    return deployment && isStepwise(deployment) ? [name] : [];
  }
  const rollout = owner.kind === "Rollout" ? view.get(rollouts, name) : undefined;
  return rollout ? [...rolloutsOfDeployments.concerns(rollout, view)] : [];
}

/** A Service can be the one that clients use, or no longer be it. */
function allOfNamespace({ metadata }: KubeObject, view: View): ObjectName[] {
  return view.list(rollouts, metadata.namespace)
    .flatMap((rollout) => rolloutsOfDeployments.concerns(rollout, view));
}

function namingStrategy(map: KubeObject, view: View): ObjectName[] {
  const names = allOfNamespace(map, view);
  return names.filter((name) =>
    view.get(deployments, name)?.metadata.annotations?.[STEPS.strategy] === map.metadata.name
  );
}

function reconcile(deployment: Deployment, view: View, nowMs: number): Plan {
  if (deployment.metadata.deletionTimestamp) return NOTHING;
  const rollout = rolloutOf(view, deployment);
  if (!isStepwise(deployment)) return giveBack(deployment, rollout, view);
  if (!isLeftToRollout(deployment, view)) return NOTHING; // its rolling update is finished first
  const wanted = wantedOf(deployment, view);
  const causes = "causes" in wanted ? wanted.causes : foreignCauses(deployment, view);
  if (causes.length > 0 || "causes" in wanted) return invalid(deployment, causes, nowMs);
  const taken = takeoverWrites(deployment, view);
  if (taken.length > 0) return plan(taken);
  return follow(deployment, wanted.value, { rollout, view, nowMs });
}

function foreignCauses(deployment: Deployment, view: View): string[] {
  const { name } = deployment.metadata;
  const there = view.get(rollouts, deployment.metadata);
  return there && !rolloutOf(view, deployment)
    ? [`Rollout "${name}" is there already, and is not this Deployment's`]
    : [];
}

/** Says everything that is wrong; all else stays as it is. */
function invalid(deployment: Deployment, causes: readonly string[], nowMs: number): Plan {
  const status = invalidStatus(deployment, causes, nowMs);
  const told = status === deployment.status ? [] : [recordEvent({
    about: deployment,
    type: "Warning",
    reason: "InvalidStrategy",
    message: conditionOf(status.conditions, "Progressing")!.message!,
  })];
  return plan([...statusWrites(deployment, status), ...told], INVALID_AGAIN_MS);
}

/** Without annotations the Rollout goes, its sets stay, and all pods are reached again; then the Deployment adopts them. */
function giveBack(deployment: Deployment, rollout: Rollout | undefined, view: View): Plan {
  if (rollout?.metadata.deletionTimestamp) return NOTHING;
  if (rollout) return plan([remove(rollouts, rollout, { propagationPolicy: "Orphan" })]);
  return plan([
    ...shareRemovals(deployment, view),
    ...controlled(view, analysisTemplates, deployment).map((each) =>
      remove(analysisTemplates, each)
    ),
  ]);
}

interface Around {
  rollout: Rollout | undefined;
  view: View;
  nowMs: number;
}

/** Has the Rollout do what the Deployment says, and the Deployment say what the Rollout does. */
function follow(deployment: Deployment, wanted: Wanted, { rollout, view, nowMs }: Around): Plan {
  const support = [
    ...(wanted.front ? shareWrites(deployment, wanted.front, view) : []),
    ...templateWrites(deployment, wanted, view),
  ];
  const proceeded = proceed(deployment, wanted, { rollout, view, nowMs });
  return { ...proceeded, writes: [...support, ...proceeded.writes] };
}

function proceed(deployment: Deployment, wanted: Wanted, { rollout, view, nowMs }: Around): Plan {
  const history = historyOf(deployment, controlled(view, replicaSets, deployment));
  if (history.current === undefined) {
    return createCurrent({ deployment, history, view, nowMs }, 0);
  }
  const spec = specOf(deployment, wanted, rollout ?? handedOverSet(deployment, view));
  if (rollout === undefined) return plan([create(rollouts, draftOf(deployment, spec))]);
  if (!isEqual(spec, rollout.spec)) return plan([update(rollouts, { ...rollout, spec })]);
  const synced = syncedHistory(deployment, history);
  const sets = controlled<ReplicaSet>(view, replicaSets, rollout);
  const status = stepwiseStatus(deployment, rollout, sets, nowMs);
  return plan([
    ...(synced.current === history.current ? [] : [update(replicaSets, synced.current!)]),
    ...replicaSetsToDelete(deployment, history.old).map((old) => remove(replicaSets, old)),
    ...statusWrites(deployment, status, synced.current),
  ]);
}

function draftOf({ metadata }: Deployment, spec: RolloutSpec): Draft<Rollout> {
  const { name, namespace, labels } = metadata;
  return {
    metadata: {
      name,
      namespace,
      ...(labels && { labels }),
      ownerReferences: [controllerReference(deployments, { metadata } as Deployment)],
    },
    spec,
  };
}

/**
 * The spec of the Rollout. It begins with the template of the set that it takes over, so that this one is the stable set,
 * and takes the Deployment's own as soon as that is so.
 */
function specOf(
  deployment: Deployment,
  { strategy }: Wanted,
  known: Rollout | ReplicaSet | undefined,
): RolloutSpec {
  const { replicas, minReadySeconds, revisionHistoryLimit, progressDeadlineSeconds, paused } =
    deployment.spec;
  const { restartAt } = known?.kind === "Rollout" ? (known as Rollout).spec : {};
  return {
    replicas,
    ...templateOf(deployment, known),
    ...(minReadySeconds !== undefined && { minReadySeconds }),
    revisionHistoryLimit,
    progressDeadlineSeconds,
    ...(paused && { paused }),
    ...(restartAt !== undefined && { restartAt }),
    strategy,
  };
}

function templateOf(
  { metadata: { name }, spec: { selector } }: Deployment,
  known: Rollout | ReplicaSet | undefined,
): Pick<RolloutSpec, "selector" | "template" | "workloadRef"> {
  const own = { workloadRef: { apiVersion: "apps/v1", kind: "Deployment", name } };
  if (known === undefined) return own;
  if (known.kind === "ReplicaSet") {
    return { selector, template: bareTemplateOf((known as ReplicaSet).spec.template) };
  }
  const { spec: { template }, status: { stableRS } = {} } = known as Rollout;
  return template === undefined || stableRS ? own : { selector, template };
}

function templateWrites(deployment: Deployment, { terms }: Wanted, view: View): Write[] {
  const wanted = terms.length === 0 ? [] : (["gate", "watch"] as const);
  const stale = controlled(view, analysisTemplates, deployment)
    .filter(({ metadata }) =>
      !wanted.some((kind) => nameOfTemplate(deployment, kind) === metadata.name)
    );
  return [
    ...wanted.flatMap((kind) => templateWrite(deployment, { terms, kind }, view)),
    ...stale.map((each) => remove(analysisTemplates, each)),
  ];
}

function templateWrite(
  deployment: Deployment,
  { terms, kind }: { terms: Wanted["terms"]; kind: "gate" | "watch" },
  view: View,
): Write[] {
  const { namespace } = deployment.metadata;
  const name = nameOfTemplate(deployment, kind);
  const metrics = metricsOf(terms, nameOfShare(deployment, "canary"), { isGate: kind === "gate" });
  const there = view.get<AnalysisTemplate>(analysisTemplates, { namespace, name });
  if (there === undefined) {
    const ownerReferences = [controllerReference(deployments, deployment)];
    return [create(analysisTemplates, {
      metadata: { name, namespace, ownerReferences },
      spec: { metrics },
    })];
  }
  if (isEqual(there.spec, { metrics })) return [];
  return [update(analysisTemplates, { ...there, spec: { metrics } })];
}
