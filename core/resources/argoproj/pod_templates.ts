import { cloneJson } from "../../lib/json/json_value.ts";
import { check } from "../../schema/check.ts";
import { mapOf, object, type Schema, string, type TypeOf } from "../../schema/schema.ts";
import type { Container } from "../core/pods/spec/containers.ts";
import { type PodSpec, podSpec, type PodTemplate } from "../core/pods/spec/pod_spec.ts";
import { withTemplatePrepared } from "../core/pods/template_rules.ts";
import { type Sparse, withoutDefaults } from "./without_defaults.ts";

/** Labels and annotations: all that Argo Rollouts' kinds keep of the metadata of what is made of them. */
export const templateMetadata = object("Labels and annotations of what is made.", {
  labels: mapOf("Labels.", string("Value.")),
  annotations: mapOf("Annotations.", string("Value.")),
});
export type TemplateMetadata = TypeOf<typeof templateMetadata>;

type ContainerLists = "containers" | "initContainers" | "ephemeralContainers";

/** A container of a template; nothing is defaulted but the protocols of its ports. */
export type TemplateContainer = Sparse<Container> & { name: string };

/** What a pod should be; nothing is defaulted. */
export type TemplatePodSpec = Sparse<Omit<PodSpec, ContainerLists>> & {
  containers: TemplateContainer[];
  initContainers?: TemplateContainer[];
  ephemeralContainers?: TemplateContainer[];
};

/**
 * As it was sent: the ReplicaSet that is made of it is defaulted, the template itself is not. A template that was not
 * validated may have no spec.
 */
export interface BarePodTemplate {
  metadata?: TemplateMetadata;
  spec: TemplatePodSpec;
}

// A spec requires names and containers; that a template has one is a rule of its controller. It is made when it is used:
// most servers have no such object.
export const barePodTemplate: Schema<BarePodTemplate> = {
  type: "object",
  description: "What the pods that are made are like.",
  properties: {
    metadata: templateMetadata,
    get spec() {
      return withoutDefaults(podSpec);
    },
  },
};

/** The template with all the defaults that a ReplicaSet's has. What is wrong with it is for others to find. */
export function defaultedTemplate(template: BarePodTemplate | PodTemplate): PodTemplate {
  const { metadata, spec } = template;
  const { value } = check(podSpec, cloneJson(spec ?? {}));
  const filled = { ...(metadata && { metadata }), spec: value } as PodTemplate; // its metadata has no more fields
  return Array.isArray(value.containers) ? withTemplatePrepared(filled) : filled;
}

/** The template without `privileged`: whether it is allowed is decided when pods are made. */
export function withoutPrivilege(template: BarePodTemplate): BarePodTemplate {
  const { spec } = template;
  if (!spec) return template;
  const mended = (containers: TemplateContainer[]) =>
    containers.map((container) => {
      if (!container.securityContext?.privileged) return container;
      const { privileged: _, ...securityContext } = container.securityContext;
      return { ...container, securityContext };
    });
  return {
    ...template,
    spec: {
      ...spec,
      containers: mended(spec.containers ?? []),
      ...(spec.initContainers && { initContainers: mended(spec.initContainers) }),
    },
  };
}
