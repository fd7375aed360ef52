import { isEqual } from "../../lib/equality.ts";
import { ownField } from "../../lib/own_field.ts";
import { type Cause, invalid, missing, notSupported, tooLong } from "../../schema/causes.ts";
import { labelSelectorCauses } from "../../schema/label_selector.ts";
import type { ObjectMeta } from "../../schema/metadata.ts";
import { labelNameFaults, shapeOf, subdomainFaults } from "../../schema/names.ts";
import { matches, selectorOf } from "../../schema/selectors.ts";
import { nameCauses } from "../../schema/value_rules.ts";
import type { PodTemplate } from "../core/pods/spec/pod_spec.ts";
import { templateCauses } from "../core/pods/template_rules.ts";
import { failurePolicyCauses, successPolicyCauses } from "./job_policy_rules.ts";
import type { JobSpec, JobStatus } from "./job_shape.ts";

// The rules and the words of k8s.io/kubernetes/pkg/apis/batch/validation.

const INDEXES_MAX = 100_000;
const MANY_COMPLETIONS = 100_000;
const PODS_OF_MANY_MAX = 10_000;
const MANAGER_CHARS_MAX = 63;
const managerPathFaults = shapeOf("[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", "Invalid path", []);

interface Job {
  metadata: ObjectMeta;
  spec: JobSpec;
  status: JobStatus;
}

export function jobCauses(next: Job, previous: Job | undefined): Cause[] {
  const { spec } = next;
  if (previous && isEqual(spec, previous.spec)) return [];
  return [
    ...generatedSelectorCauses(next, previous),
    ...jobSpecCauses(spec, previous?.spec, "spec"),
    ...selectorCauses(spec),
    ...(previous ? changeCauses(spec, previous) : hostnameCauses(next)),
  ];
}

/** `field`: the path of the spec. Also asked for the template of a CronJob, which has no selector yet. */
export function jobSpecCauses(
  spec: JobSpec,
  previous: JobSpec | undefined,
  field: string,
): Cause[] {
  return [
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined
      ? [missing(`${field}.backoffLimitPerIndex`, "when maxFailedIndexes is specified")]
      : []),
    ...managerCauses(spec, `${field}.managedBy`),
    ...modeCauses(spec, field),
    ...failurePolicyCauses(spec, `${field}.podFailurePolicy`),
    ...successPolicyCauses(spec, `${field}.successPolicy`),
    ...replacementCauses(spec, `${field}.podReplacementPolicy`),
    ...templateCauses(spec.template, previous?.template, `${field}.template`),
    ...restartCauses(spec, `${field}.template.spec.restartPolicy`),
  ];
}

function managerCauses({ managedBy: name }: JobSpec, field: string): Cause[] {
  if (name === undefined) return [];
  if (name === "") return [missing(field)];
  const slash = name.indexOf("/");
  const [host, path] = [name.slice(0, Math.max(slash, 0)), name.slice(slash + 1)];
  const causes = slash <= 0 || path === ""
    ? [invalid(field, name, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    : [
      ...nameCauses(field, host, subdomainFaults),
      ...nameCauses(field, path, managerPathFaults),
    ];
  if (name.length > MANAGER_CHARS_MAX) causes.push(tooLong(field, MANAGER_CHARS_MAX));
  return causes;
}

function modeCauses(spec: JobSpec, field: string): Cause[] {
  const { completionMode: mode = "NonIndexed", backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (mode === "Indexed") return indexedCauses(spec, field);
  const causes: Cause[] = [];
  if (mode !== "NonIndexed") {
    causes.push(notSupported(`${field}.completionMode`, mode, ["NonIndexed", "Indexed"]));
    return causes;
  }
  const rule = "requires indexed completion mode";
  if (backoffLimitPerIndex !== undefined) {
    causes.push(invalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, rule));
  }
  if (maxFailedIndexes !== undefined) {
    causes.push(invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, rule));
  }
  return causes;
}

function indexedCauses(spec: JobSpec, field: string): Cause[] {
  const { completions, parallelism = 0, maxFailedIndexes: most, backoffLimitPerIndex } = spec;
  const causes: Cause[] = [];
  if (completions === undefined) {
    causes.push(missing(`${field}.completions`, "when completion mode is Indexed"));
  }
  if (parallelism > INDEXES_MAX) {
    const rule = `must be less than or equal to ${INDEXES_MAX} when completion mode is Indexed`;
    causes.push(invalid(`${field}.parallelism`, parallelism, rule));
  }
  if (most !== undefined && completions !== undefined && most > completions) {
    const rule = "must be less than or equal to completions";
    causes.push(invalid(`${field}.maxFailedIndexes`, most, rule));
  }
  if (most !== undefined && most > INDEXES_MAX) {
    const rule = `must be less than or equal to ${INDEXES_MAX}`;
    causes.push(invalid(`${field}.maxFailedIndexes`, most, rule));
  }
  if ((completions ?? 0) <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) return causes;
  const rule = `must be less than or equal to ${PODS_OF_MANY_MAX} when completions are above ` +
    `${MANY_COMPLETIONS} and used with backoff limit per index`;
  if (most === undefined) {
    const needed = `must be specified when completions is above ${MANY_COMPLETIONS}`;
    causes.push(missing(`${field}.maxFailedIndexes`, needed));
  } else if (most > PODS_OF_MANY_MAX) {
    causes.push(invalid(`${field}.maxFailedIndexes`, most, rule));
  }
  if (parallelism > PODS_OF_MANY_MAX) {
    causes.push(invalid(`${field}.parallelism`, parallelism, rule));
  }
  return causes;
}

function replacementCauses(spec: JobSpec, field: string): Cause[] {
  const { podReplacementPolicy: policy, podFailurePolicy } = spec;
  const words = podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  return policy === undefined || words.includes(policy) ? [] : [notSupported(field, policy, words)];
}

function restartCauses({ template, podFailurePolicy }: JobSpec, field: string): Cause[] {
  const { restartPolicy } = template.spec;
  if (restartPolicy === "Always") return [missing(field, 'valid values: "OnFailure", "Never"')];
  if (!podFailurePolicy || restartPolicy === "Never") return [];
  const rule = 'only "Never" is supported when podFailurePolicy is specified';
  return [invalid(field, restartPolicy, rule)];
}

function selectorCauses({ selector, template }: JobSpec): Cause[] {
  if (!selector) return [missing("spec.selector")];
  const causes = labelSelectorCauses(selector, "spec.selector");
  const { labels } = template.metadata ?? {};
  if (causes.length === 0 && !matches(selectorOf(selector), labels)) {
    const rule = "`selector` does not match template `labels`";
    causes.push(invalid("spec.template.metadata.labels", labels ?? null, rule));
  }
  return causes;
}

/** A selector that is made up finds the pods of this Job alone. */
function generatedSelectorCauses({ metadata, spec }: Job, previous: Job | undefined): Cause[] {
  const { manualSelector, selector, template } = spec;
  if (manualSelector || !selector) return [];
  const labels: Record<string, string> = {
    "controller-uid": metadata.uid,
    "job-name": metadata.name,
  };
  const before = previous?.spec.template.metadata?.labels ?? {};
  const hadPrefixed = Object.hasOwn(before, "batch.kubernetes.io/job-name") &&
    Object.hasOwn(before, "batch.kubernetes.io/controller-uid");
  if (!previous || hadPrefixed) {
    labels["batch.kubernetes.io/controller-uid"] = metadata.uid;
    labels["batch.kubernetes.io/job-name"] = metadata.name;
  }
  const causes = Object.entries(labels).flatMap(([key, value]) =>
    labelCauses(template, key, value)
  );
  if (!matches(selectorOf(selector), labels)) {
    causes.push(invalid("spec.selector", selector, "`selector` not auto-generated"));
  }
  return causes;
}

function labelCauses({ metadata }: PodTemplate, key: string, value: string): Cause[] {
  const { labels = {} } = metadata ?? {};
  const field = `spec.template.metadata.labels[${key}]`;
  const rule = `must be '${value}'`;
  const found = ownField(labels, key);
  if (found === undefined) return [missing(field, rule)];
  return found === value ? [] : [invalid(field, labels, rule)];
}

/** The last pod of an indexed Job is named by its index, and must be a host. */
function hostnameCauses({ metadata: { name }, spec }: Job): Cause[] {
  const { completions = 0, completionMode } = spec;
  if (completionMode !== "Indexed" || completions <= 0) return [];
  const host = `${name}-${completions - 1}`;
  return labelNameFaults(host).length === 0 ? [] : [
    invalid("metadata.name", name, `will not able to create pod with invalid DNS label: ${host}`),
  ];
}

const IMMUTABLE = [
  "selector",
  "completionMode",
  "podFailurePolicy",
  "backoffLimitPerIndex",
  "managedBy",
  "successPolicy",
] as const;

function changeCauses(next: JobSpec, { spec: previous, status }: Job): Cause[] {
  const rule = "field is immutable";
  const causes = completionsCauses(next, previous);
  // A Job that has not begun may still be sent to other nodes.
  const isMovable = previous.suspend === true && status.startTime === undefined;
  const template = isMovable ? moved(previous.template, next.template) : previous.template;
  if (!isEqual(next.template, template)) {
    causes.push(invalid("spec.template", next.template, rule));
  }
  for (const name of IMMUTABLE) {
    if (isEqual(next[name], previous[name])) continue;
    causes.push(invalid(`spec.${name}`, next[name] ?? null, rule));
  }
  return causes;
}

function completionsCauses(next: JobSpec, previous: JobSpec): Cause[] {
  const { completions, completionMode } = next;
  if (completions === previous.completions) return [];
  if (completionMode !== "Indexed") {
    return [invalid("spec.completions", completions ?? null, "field is immutable")];
  }
  return completions === undefined || completions === next.parallelism ? [] : [
    invalid(
      "spec.completions",
      completions,
      "can only be modified in tandem with spec.parallelism",
    ),
  ];
}

/** The old template with what says where its pods go taken from the new one. */
function moved(previous: PodTemplate, next: PodTemplate): PodTemplate {
  const { labels, annotations } = next.metadata ?? {};
  const { nodeSelector, tolerations, schedulingGates, affinity } = next.spec;
  const { nodeAffinity: _, ...others } = previous.spec.affinity ?? {};
  const kept = affinity?.nodeAffinity
    ? { ...others, nodeAffinity: affinity.nodeAffinity }
    : Object.keys(others).length > 0 || affinity
    ? others
    : undefined;
  return {
    ...previous,
    metadata: { ...previous.metadata, labels: labels!, annotations: annotations! },
    spec: {
      ...previous.spec,
      nodeSelector: nodeSelector!,
      tolerations: tolerations!,
      schedulingGates: schedulingGates!,
      affinity: kept!,
    },
  };
}
