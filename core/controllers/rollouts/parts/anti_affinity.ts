import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { AntiAffinity, BarePodTemplate } from "../../../resources/argoproj/mod.ts";
import type { PodTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import { HASH_LABEL } from "../situation/sets.ts";
import type { ResolvedRollout } from "../situation/situation.ts";

const HOSTNAME = "kubernetes.io/hostname";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";
const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";

type Affinity = NonNullable<PodTemplate["spec"]["affinity"]>;
type PodAntiAffinity = NonNullable<Affinity["podAntiAffinity"]>;
type Term = NonNullable<PodAntiAffinity[typeof REQUIRED]>[number];

/**
 * The template with the rule that keeps its pods away from nodes of stable ones, while it is not the stable one itself.
 * `hash`: of the template.
 *
 * Argo Rollouts: `GenerateReplicaSetAffinity` in `utils/replicaset/replicaset.go`.
 * https://argo-rollouts.readthedocs.io/en/stable/features/anti-affinity/anti-affinity/
 */
export function withAntiAffinity(
  template: BarePodTemplate,
  rollout: ResolvedRollout,
  hash: string,
): BarePodTemplate {
  const strategy = strategyOf(rollout);
  const { stableRS = "" } = rollout.status;
  if (!strategy || stableRS === "" || stableRS === hash) return template;
  const affinity = template.spec.affinity as Affinity | undefined; // its terms have no defaults
  const rules = affinity?.podAntiAffinity ?? {};
  const term = termOf(rollout, stableRS);
  const weight = strategy[PREFERRED]?.weight;
  const podAntiAffinity: PodAntiAffinity = weight === undefined
    ? { ...rules, [REQUIRED]: [...rules[REQUIRED] ?? [], term] }
    : { ...rules, [PREFERRED]: [...rules[PREFERRED] ?? [], { weight, podAffinityTerm: term }] };
  return {
    ...template,
    spec: { ...template.spec, affinity: { ...affinity, podAntiAffinity } },
  };
}

function termOf({ metadata: { namespace } }: ResolvedRollout, stableHash: string): Term {
  return {
    labelSelector: {
      matchExpressions: [{ key: HASH_LABEL, operator: "In", values: [stableHash] }],
    },
    namespaces: [namespace],
    topologyKey: HOSTNAME,
  };
}

function strategyOf({ spec: { strategy } }: ResolvedRollout): AntiAffinity | undefined {
  const { antiAffinity } = strategy.canary ?? strategy.blueGreen ?? {};
  return antiAffinity?.[PREFERRED] || antiAffinity?.[REQUIRED] ? antiAffinity : undefined;
}

/** The template of a set without that rule. */
export function withoutAntiAffinity(template: PodTemplate, rollout: ResolvedRollout): PodTemplate {
  if (!injectedTerm(template, rollout)) return template;
  const { affinity, ...spec } = template.spec;
  const { podAntiAffinity, ...others } = affinity!;
  const rules = {
    required: podAntiAffinity?.[REQUIRED]?.filter((term) => !isInjected(term)),
    preferred: podAntiAffinity?.[PREFERRED]?.filter(({ podAffinityTerm }) =>
      !isInjected(podAffinityTerm)
    ),
  };
  const left: Affinity = {
    ...others,
    ...(rules.required?.length || rules.preferred?.length
      ? {
        podAntiAffinity: {
          ...(rules.required?.length && { [REQUIRED]: rules.required }),
          ...(rules.preferred?.length && { [PREFERRED]: rules.preferred }),
        },
      }
      : {}),
  };
  const hasLeft = Object.keys(left).length > 0;
  return { ...template, spec: hasLeft ? { ...spec, affinity: left } : spec };
}

function injectedTerm({ spec }: PodTemplate, rollout: ResolvedRollout): Term | undefined {
  const strategy = strategyOf(rollout);
  const rules = spec.affinity?.podAntiAffinity;
  if (!strategy || !rules) return undefined;
  const terms = strategy[PREFERRED]
    ? rules[PREFERRED]?.map(({ podAffinityTerm }) => podAffinityTerm)
    : rules[REQUIRED];
  return terms?.find(isInjected);
}

function isInjected({ labelSelector }: Term): boolean {
  return hashesIn(labelSelector).length > 0;
}

function hashesIn(selector: Term["labelSelector"]): readonly string[] {
  const rules = selector?.matchExpressions ?? [];
  return rules.find(({ key }) => key === HASH_LABEL)?.values ?? [];
}

/** Whether the set has the rule for another stable set. */
export function needsAntiAffinityUpdate(
  set: ReplicaSet,
  rollout: ResolvedRollout,
  hash: string,
): boolean {
  const { stableRS = "" } = rollout.status;
  const term = injectedTerm(set.spec.template, rollout);
  return term !== undefined && stableRS !== hash && hashesIn(term.labelSelector)[0] !== stableRS;
}
