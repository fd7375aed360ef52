import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid, notSupported } from "../../schema/causes.ts";
import { type LabelSelector, labelSelectorCauses } from "../../schema/label_selector.ts";
import { labelValueFaults, qualifiedNameFaults } from "../../schema/names.ts";
import { withTemplateDefaults } from "../core/pods/spec/defaults.ts";
import { podSpecCauses } from "../core/pods/spec/rules/pod_rules.ts";
import type { PodTemplate } from "../core/pods/spec/pod_spec.ts";
import { podSpecWarnings } from "../core/pods/spec/pod_warnings.ts";
import {
  refusedAnnotationCauses,
  refusedFieldCauses,
} from "../core/pods/spec/rules/refused_fields.ts";
import { matches, selectorOf } from "../../schema/selectors.ts";
import { nameCauses } from "../../schema/value_rules.ts";

/** What every kind has that keeps pods of a template running. */
export interface Workload {
  selector: LabelSelector;
  template: PodTemplate;
}

export function withTemplatePrepared<W extends Workload>(spec: W): W {
  const { template } = spec;
  return { ...spec, template: { ...template, spec: withTemplateDefaults(template.spec) } };
}

/** The rules for selector and template, in the words of k8s.io/kubernetes/pkg/apis/apps/validation. */
export function workloadCauses(
  next: Workload,
  previous: Workload | undefined,
  kind: string,
): Cause[] {
  if (previous && isEqual(next, previous)) return [];
  const { template } = next;
  const causes = [
    ...selectorCauses(next, kind),
    ...podSpecCauses(template.spec, "spec.template.spec"),
    ...refusedFieldCauses(template.spec, previous?.template.spec, "spec.template.spec"),
    ...refusedAnnotationCauses(
      template.metadata?.annotations,
      previous?.template.metadata?.annotations,
      "spec.template.metadata.annotations",
    ),
  ];
  for (const [key, value] of Object.entries(template.metadata?.labels ?? {})) {
    causes.push(...nameCauses("spec.template.labels", key, qualifiedNameFaults));
    causes.push(...nameCauses("spec.template.labels", value, labelValueFaults));
  }
  const { restartPolicy, activeDeadlineSeconds, ephemeralContainers } = template.spec;
  if (restartPolicy !== "Always") {
    causes.push(notSupported("spec.template.spec.restartPolicy", restartPolicy, ["Always"]));
  }
  if (activeDeadlineSeconds !== undefined) {
    const rule = "activeDeadlineSeconds in ReplicaSet is not Supported";
    causes.push(forbidden("spec.template.spec.activeDeadlineSeconds", rule));
  }
  if (ephemeralContainers) {
    const rule = "ephemeral containers not allowed in pod template";
    causes.push(forbidden("spec.template.spec.ephemeralContainers", rule));
  }
  return causes;
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

export function templateWarnings(next: PodTemplate, previous: PodTemplate | undefined): string[] {
  return previous && isEqual(next, previous)
    ? []
    : podSpecWarnings(next.spec, "spec.template.spec");
}

/** Pods of an old selector would be nobody's. */
export function selectorChangeCauses(next: Workload, previous: Workload): Cause[] {
  return isEqual(next.selector, previous.selector)
    ? []
    : [invalid("spec.selector", next.selector, "field is immutable")];
}
