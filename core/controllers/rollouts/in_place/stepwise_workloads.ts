import type { Draft, ObjectName, View } from "../../../client/client.ts";
import { isEqual } from "../../../lib/equality.ts";
import { daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { statefulSets } from "../../../resources/apps/stateful_sets.ts";
import { type Rollout, rollouts, type RolloutSpec } from "../../../resources/argoproj/mod.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import {
  type AnyResource,
  apiVersionOf,
  type KubeObject,
  type Resource,
} from "../../../resources/resource.ts";
import { isStepwise, rolloutOf, rolloutsOf, STEPS } from "../../apps/stepwise.ts";
import {
  type ControllerWithMemory,
  create,
  keyOf,
  type Memory,
  NOTHING,
  type Plan,
  plan,
  type PlanWithMemory,
  recordEvent,
  remove,
  update,
} from "../../runtime/controller.ts";
import { controlled, controllerReference } from "../../runtime/ownership.ts";
import { hashIn, type InPlaceWorkload, isUpdating } from "../../apps/division.ts";
import { currentRevisionOf, placesOf, revisionsOf } from "./revision_counts.ts";
import { strategyOf } from "./steps_of_workload.ts";

/** Who waits for people cannot be late: a set that replaces nothing by itself, or keeps pods back. */
const NO_DEADLINE_SECONDS = 2 ** 31 - 1;

/** Rolls out StatefulSets in steps when annotations ask for it, the highest ordinals first. */
export const stepwiseStatefulSetController = stepwiseController(statefulSets, "StatefulSet");

/** Rolls out DaemonSets in steps when annotations ask for it, node by node. */
export const stepwiseDaemonSetController = stepwiseController(daemonSets, "DaemonSet");

/**
 * Has a Rollout of a workload's name decide how far the workload is rolled out. The pods stay the workload's; without
 * annotations the Rollout goes, and the workload goes on as ever. What is last wrong is remembered, to be told once.
 */
function stepwiseController<T extends InPlaceWorkload>(
  resource: Resource<T>,
  kind: "StatefulSet" | "DaemonSet",
): ControllerWithMemory<T, string> {
  return {
    name: `stepwise-${kind.toLowerCase()}-controller`,
    resource,
    watches: [
      rolloutsOf(kind),
      { resource: configMaps, concerns: (map, view) => namingStrategy(resource, map, view) },
    ],
    workers: 1,
    reconcile: (workload, view, _nowMs, { memory }) => follow(resource, workload, { view, memory }),
    gone: (name) => ({ writes: [], remember: [[keyOf(name), undefined]] }),
  };
}

function namingStrategy(
  resource: AnyResource,
  { metadata: { namespace, name } }: KubeObject,
  view: View,
): ObjectName[] {
  return view.list(resource, namespace)
    .filter(({ metadata }) => metadata.annotations?.[STEPS.strategy] === name)
    .map(({ metadata }) => metadata);
}

interface Around {
  view: View;
  memory: Memory<string>;
}

function follow(
  resource: AnyResource,
  workload: InPlaceWorkload,
  { view, memory }: Around,
): PlanWithMemory<string> {
  if (workload.metadata.deletionTimestamp) return NOTHING;
  const rollout = rolloutOf(view, workload);
  if (!isStepwise(workload)) return rollout ? plan([remove(rollouts, rollout)]) : NOTHING;
  const wanted = strategyOf(workload, view);
  const causes = "causes" in wanted ? wanted.causes : foreignCauses(resource, workload, view);
  if (causes.length > 0 || "causes" in wanted) return invalid(workload, causes, memory);
  const remember: [string, undefined][] = [[keyOf(workload.metadata), undefined]];
  const spec = specOf(resource, workload, { rollout, strategy: wanted.value, view });
  return { ...written(resource, workload, { spec, rollout, view }), remember };
}

function foreignCauses(resource: AnyResource, workload: InPlaceWorkload, view: View): string[] {
  const there = view.get(rollouts, workload.metadata);
  return there && !rolloutOf(view, workload)
    ? [`Rollout "${workload.metadata.name}" is there already, and is not this ${resource.kind}'s`]
    : [];
}

/** Tells everything that is wrong, once; all else stays as it is. */
function invalid(
  about: InPlaceWorkload,
  causes: readonly string[],
  memory: Memory<string>,
): PlanWithMemory<string> {
  const key = keyOf(about.metadata);
  const message = causes.join("; ");
  if (memory.get(key) === message) return NOTHING;
  const told = recordEvent({ about, type: "Warning", reason: "InvalidStrategy", message });
  return { writes: [told], remember: [[key, message]] };
}

function written(
  resource: AnyResource,
  workload: InPlaceWorkload,
  { spec, rollout, view }: { spec: RolloutSpec; rollout: Rollout | undefined; view: View },
): Plan {
  if (rollout) {
    return isEqual(spec, rollout.spec) ? NOTHING : plan([update(rollouts, { ...rollout, spec })]);
  }
  const current = currentRevisionOf(workload, revisionsOf(workload, view));
  if (current === undefined) return NOTHING;
  const owned = controlled<Pod>(view, pods, workload);
  // A rolling update that is under way is finished first.
  if (isUpdating(hashIn(current.metadata.name), owned)) return NOTHING;
  const { name, namespace, labels } = workload.metadata;
  const draft: Draft<Rollout> = {
    metadata: {
      name,
      namespace,
      ...(labels && { labels }),
      ownerReferences: [controllerReference(resource, workload)],
    },
    spec,
  };
  return plan([create(rollouts, draft)]);
}

/** The spec of the Rollout. Whether people have paused or restarted it is theirs. */
function specOf(
  resource: AnyResource,
  workload: InPlaceWorkload,
  { rollout, strategy, view }: {
    rollout: Rollout | undefined;
    strategy: RolloutSpec["strategy"];
    view: View;
  },
): RolloutSpec {
  const { metadata: { name }, spec: { minReadySeconds, revisionHistoryLimit, updateStrategy } } =
    workload;
  const { paused, restartAt } = rollout?.spec ?? {};
  const { rollingUpdate = {} } = updateStrategy;
  const keepsBack = "partition" in rollingUpdate && (rollingUpdate.partition ?? 0) > 0;
  return {
    replicas: placesOf(workload, view),
    workloadRef: { apiVersion: apiVersionOf(resource), kind: resource.kind, name },
    ...(minReadySeconds !== undefined && { minReadySeconds }),
    revisionHistoryLimit,
    ...((updateStrategy.type === "OnDelete" || keepsBack) && {
      progressDeadlineSeconds: NO_DEADLINE_SECONDS,
    }),
    ...(paused !== undefined && { paused }),
    ...(restartAt !== undefined && { restartAt }),
    ...(strategy && { strategy }),
  };
}
