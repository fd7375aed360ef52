import { mapOf, object, required, type Schema, string, type TypeOf } from "../../schema/schema.ts";
import type { Container } from "../core/pods/spec/containers.ts";
import { type PodSpec, podSpec } from "../core/pods/spec/pod_spec.ts";
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

/** As it was sent: the ReplicaSet that is made of it is defaulted, the template itself is not. */
export const barePodTemplate = object("What the pods that are made are like.", {
  metadata: templateMetadata,
  spec: required(withoutDefaults(podSpec) as Schema<TemplatePodSpec>), // which requires names and containers
});
export type BarePodTemplate = TypeOf<typeof barePodTemplate>;
