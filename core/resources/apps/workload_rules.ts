import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid } from "../../schema/causes.ts";
import { type LabelSelector, labelSelectorCauses } from "../../schema/label_selector.ts";
import { matches, selectorOf } from "../../schema/selectors.ts";
import type { PodTemplate } from "../core/pods/spec/pod_spec.ts";
import {
  endlessCauses,
  templateCauses,
  withTemplatePrepared,
} from "../core/pods/template_rules.ts";

/** What every kind has that keeps pods of a template running. */
export interface Workload {
  selector: LabelSelector;
  template: PodTemplate;
}

export function withWorkloadPrepared<W extends Workload>(spec: W): W {
  return { ...spec, template: withTemplatePrepared(spec.template) };
}

/**
 * The rules for selector and template, in the words of k8s.io/kubernetes/pkg/apis/apps/validation. `deadlineOwner`: the
 * kind that is named when the template has a deadline.
 */
export function workloadCauses(
  next: Workload,
  previous: Workload | undefined,
  kind: string,
  deadlineOwner = kind,
): Cause[] {
  if (previous && isEqual(next, previous)) return [];
  return [
    ...selectorCauses(next, kind),
    ...templateCauses(next.template, previous?.template, "spec.template"),
    ...endlessCauses(next.template, "spec.template", deadlineOwner),
  ];
}

function selectorCauses({ selector, template }: Workload, kind: string): Cause[] {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) {
    const rule = `empty selector is invalid for ${kind.toLowerCase()}`;
    return [invalid("spec.selector", selector, rule)];
  }
  const causes = labelSelectorCauses(selector, "spec.selector");
  const { labels } = template.metadata ?? {};
  if (causes.length === 0 && !matches(selectorOf(selector), labels)) {
    const rule = "`selector` does not match template `labels`";
    causes.push(invalid("spec.template.metadata.labels", labels ?? null, rule));
  }
  return causes;
}

/** Pods of an old selector would be nobody's. */
export function selectorChangeCauses(next: Workload, previous: Workload): Cause[] {
  return isEqual(next.selector, previous.selector)
    ? []
    : [invalid("spec.selector", next.selector, "field is immutable")];
}

/** A count that controllers only ever raise. */
export function decrementCauses(
  field: string,
  next: number | undefined,
  previous: number | undefined,
): Cause[] {
  return previous !== undefined && (next ?? -1) < previous
    ? [invalid(field, next ?? 0, "cannot be decremented")]
    : [];
}
