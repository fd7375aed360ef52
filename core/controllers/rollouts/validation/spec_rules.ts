import { cloneJson } from "../../../lib/json/json_value.ts";
import type { BarePodTemplate, Rollout, RolloutSpec } from "../../../resources/argoproj/mod.ts";
import { withoutPrivilege } from "../../../resources/argoproj/pod_templates.ts";
import { podTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import {
  endlessCauses,
  templateCauses,
  withTemplatePrepared,
} from "../../../resources/core/pods/template_rules.ts";
import { type Cause, invalid, missing } from "../../../schema/causes.ts";
import { check } from "../../../schema/check.ts";
import { type LabelSelector, labelSelectorCauses } from "../../../schema/label_selector.ts";
import { matches, selectorOf } from "../../../schema/selectors.ts";
import { faultsOfStrategy } from "./strategy_rules.ts";

const PROGRESS_DEADLINE_SECONDS = 600;
const OPERATORS: readonly string[] = ["In", "NotIn", "Exists", "DoesNotExist"];

/** What is wrong with the spec itself, in the order in which Argo Rollouts looks. */
export function* faultsOfSpec(rollout: Rollout): Iterable<Cause> {
  const { spec } = rollout;
  yield* negativeFaults(spec, "replicas");
  if (!spec.workloadRef) yield* selectorFaults(spec.selector);
  yield* templateFaults(spec);
  yield* negativeFaults(spec, "minReadySeconds");
  yield* negativeFaults(spec, "revisionHistoryLimit");
  yield* negativeFaults(spec, "progressDeadlineSeconds");
  const { progressDeadlineSeconds = PROGRESS_DEADLINE_SECONDS, minReadySeconds = 0 } = spec;
  if (progressDeadlineSeconds <= minReadySeconds) {
    const rule = "must be greater than minReadySeconds";
    yield invalid("spec.progressDeadlineSeconds", progressDeadlineSeconds, rule);
  }
  yield* faultsOfStrategy(rollout);
}

type Counted = "replicas" | "minReadySeconds" | "revisionHistoryLimit" | "progressDeadlineSeconds";

function* negativeFaults(spec: RolloutSpec, name: Counted): Iterable<Cause> {
  const count = spec[name] ?? 0;
  if (count < 0) yield invalid(`spec.${name}`, count, "must be greater than or equal to 0");
}

function* selectorFaults(selector: LabelSelector | undefined): Iterable<Cause> {
  if (!selector) {
    return yield missing("spec.selector", "Rollout has missing field '.spec.selector'");
  }
  for (const [i, { operator }] of (selector.matchExpressions ?? []).entries()) {
    if (OPERATORS.includes(operator)) continue;
    const field = `spec.selector.matchExpressions[${i}].operator`;
    return yield invalid(field, operator, "not a valid selector operator");
  }
  yield* labelSelectorCauses(selector, "spec.selector");
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) {
    yield invalid("spec.selector", selector, "empty selector is invalid for deployment");
  }
}

const NO_TEMPLATE: BarePodTemplate = { spec: { containers: [] } };

function* templateFaults(
  { selector, template = NO_TEMPLATE }: Pick<RolloutSpec, "selector" | "template">,
): Iterable<Cause> {
  const field = "spec.template";
  const labels = template.metadata?.labels;
  if (!matches(selectorOf(selector), labels)) {
    const rule = "`selector` does not match template `labels`";
    yield invalid(`${field}.metadata.labels`, labels ?? null, rule);
  }
  const { value, causes } = check(
    podTemplate,
    cloneJson({ ...NO_TEMPLATE, ...withoutPrivilege(template) }),
  );
  yield* causes.map((cause) => ({ ...cause, field: `${field}.${cause.field}` }));
  if (causes.length > 0) return;
  const filled = withTemplatePrepared(value);
  yield* templateCauses(filled, undefined, field);
  yield* endlessCauses(filled, field, "ReplicaSet");
}
