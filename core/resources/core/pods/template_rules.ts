import { isEqual } from "../../../lib/equality.ts";
import { type Cause, forbidden, notSupported } from "../../../schema/causes.ts";
import { labelNameFaults, labelValueFaults, qualifiedNameFaults } from "../../../schema/names.ts";
import { nameCauses } from "../../../schema/value_rules.ts";
import {
  annotatedProfileCauses,
  annotatedProfileWarnings,
} from "./spec/rules/app_armor_annotations.ts";
import { withTemplateDefaults } from "./spec/defaults.ts";
import type { PodTemplate } from "./spec/pod_spec.ts";
import { podSpecWarnings } from "./spec/pod_warnings.ts";
import { podSpecCauses } from "./spec/rules/pod_rules.ts";
import { refusedFieldCauses } from "./spec/rules/refused_fields.ts";

/** The template with the defaults that its schema cannot say. */
export function withTemplatePrepared(template: PodTemplate): PodTemplate {
  return { ...template, spec: withTemplateDefaults(template.spec) };
}

/** The rules for a template at `field`, in the words of `ValidatePodTemplateSpec` in k8s.io/kubernetes/pkg/apis/core/validation. */
export function templateCauses(
  next: PodTemplate,
  previous: PodTemplate | undefined,
  field: string,
): Cause[] {
  const causes = [
    ...podSpecCauses(next.spec, `${field}.spec`),
    ...refusedFieldCauses(next.spec, previous?.spec, `${field}.spec`),
    ...annotatedProfileCauses(
      next.spec,
      next.metadata?.annotations,
      `${field}.metadata.annotations`,
    ),
  ];
  for (const [key, value] of Object.entries(next.metadata?.labels ?? {})) {
    causes.push(...nameCauses(`${field}.labels`, key, qualifiedNameFaults));
    causes.push(...nameCauses(`${field}.labels`, value, labelValueFaults));
  }
  if (next.spec.ephemeralContainers) {
    const rule = "ephemeral containers not allowed in pod template";
    causes.push(forbidden(`${field}.spec.ephemeralContainers`, rule));
  }
  return causes;
}

/** The rules for pods that are kept running. `owner`: the kind that Kubernetes names in its refusal of a deadline. */
export function endlessCauses({ spec }: PodTemplate, field: string, owner?: string): Cause[] {
  const { restartPolicy, activeDeadlineSeconds } = spec;
  const causes: Cause[] = [];
  if (restartPolicy !== "Always") {
    causes.push(notSupported(`${field}.spec.restartPolicy`, restartPolicy, ["Always"]));
  }
  if (owner !== undefined && activeDeadlineSeconds !== undefined) {
    const rule = `activeDeadlineSeconds in ${owner} is not Supported`;
    causes.push(forbidden(`${field}.spec.activeDeadlineSeconds`, rule));
  }
  return causes;
}

export function templateWarnings(
  next: PodTemplate,
  previous: PodTemplate | undefined,
  field: string,
): string[] {
  if (previous && isEqual(next, previous)) return [];
  return [
    ...podSpecWarnings(next.spec, `${field}.spec`),
    ...annotatedProfileWarnings(next.metadata?.annotations, `${field}.metadata.annotations`),
  ];
}

/** Pods are named after what makes them, and their names are those of their machines. */
export function nameWarnings(
  { metadata: { name } }: { metadata: { name: string } },
  previous: unknown,
): string[] {
  const faults = previous ? [] : labelNameFaults(name);
  return faults.length === 0 ? [] : [
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; " +
    `a DNS label is recommended: [${faults.join(" ")}]`,
  ];
}
