import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid } from "../../schema/causes.ts";
import { labelNameFaults } from "../../schema/names.ts";
import { atMostAllCauses, shareCauses, shareOf } from "../../schema/shares.ts";
import { nameCauses } from "../../schema/value_rules.ts";
import type { StatefulSetSpec, StatefulSetStatus, UpdateStrategy } from "./stateful_set_shape.ts";
import { decrementCauses, type Workload, workloadCauses } from "./workload_rules.ts";

const CHANGEABLE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

const UNCHANGEABLE_RULE =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/** In the words of `ValidateStatefulSetSpec` and `ValidateStatefulSetUpdate`. */
export function statefulSetCauses(
  next: StatefulSetSpec,
  previous: StatefulSetSpec | undefined,
): Cause[] {
  if (previous && isEqual(next, previous)) return [];
  const causes: Cause[] = [];
  const { podManagementPolicy: policy } = next;
  if (policy !== "OrderedReady" && policy !== "Parallel") {
    const rule = "must be 'OrderedReady' or 'Parallel'";
    causes.push(invalid("spec.podManagementPolicy", policy, rule));
  }
  causes.push(...strategyCauses(next.updateStrategy));
  if (!previous) causes.push(...nameCauses("spec.serviceName", next.serviceName, labelNameFaults));
  causes.push(
    ...workloadCauses(asSeenByPods(next), previous && asSeenByPods(previous), "StatefulSet"),
  );
  if (previous && !isEqual(unchangeable(next), unchangeable(previous))) {
    causes.push(forbidden("spec", UNCHANGEABLE_RULE));
  }
  return causes;
}

function strategyCauses(strategy: UpdateStrategy): Cause[] {
  const { type, rollingUpdate } = strategy;
  const field = "spec.updateStrategy";
  if (type === "OnDelete") {
    const rule = "only allowed for updateStrategy 'RollingUpdate'";
    return rollingUpdate ? [invalid(`${field}.rollingUpdate`, rollingUpdate, rule)] : [];
  }
  return type === "RollingUpdate"
    ? boundCauses(`${field}.rollingUpdate.maxUnavailable`, rollingUpdate?.maxUnavailable)
    : [invalid(field, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
}

/** In the words of `validateRollingUpdateStatefulSet`. */
function boundCauses(field: string, bound: number | string | undefined): Cause[] {
  if (bound === undefined) return [];
  return [
    ...shareCauses(field, bound),
    ...shareOf(bound) === 0 ? [invalid(field, bound, "cannot be 0")] : [],
    ...atMostAllCauses(field, bound),
  ];
}

/** The template with the volumes that claims stand for, and without the names that each pod gets for itself. */
function asSeenByPods(
  { selector, template, volumeClaimTemplates = [] }: StatefulSetSpec,
): Workload {
  const { subdomain: _, hostname: _1, volumes = [], ...spec } = template.spec;
  const claimed = volumeClaimTemplates.map(({ metadata: { name = "" } }) => ({
    name,
    persistentVolumeClaim: { claimName: name },
  }));
  const names = new Set(claimed.map(({ name }) => name));
  const all = [...claimed, ...volumes.filter(({ name }) => !names.has(name))];
  return {
    selector,
    template: { ...template, spec: { ...spec, ...(all.length > 0 && { volumes: all }) } },
  };
}

function unchangeable(spec: StatefulSetSpec): Partial<StatefulSetSpec> {
  const rest: Partial<StatefulSetSpec> = { ...spec };
  for (const name of CHANGEABLE) delete rest[name];
  return rest;
}

/** In the words of `ValidateStatefulSetStatusUpdate`. */
export function statusCauses(next: StatefulSetStatus, previous: StatefulSetStatus): Cause[] {
  const causes: Cause[] = [];
  for (
    const name of [
      "readyReplicas",
      "currentReplicas",
      "updatedReplicas",
      "availableReplicas",
    ] as const
  ) {
    const value = next[name] ?? 0;
    if (value > next.replicas) {
      causes.push(invalid(`status.${name}`, value, "cannot be greater than status.replicas"));
    }
  }
  if (next.availableReplicas > (next.readyReplicas ?? 0)) {
    const rule = "cannot be greater than status.readyReplicas";
    causes.push(invalid("status.availableReplicas", next.availableReplicas, rule));
  }
  return [
    ...causes,
    ...decrementCauses("status.collisionCount", next.collisionCount, previous.collisionCount),
  ];
}
