import type { ApiError } from "../../client/api_error.ts";
import type { Draft } from "../../client/client.ts";
import { isOfEndingNamespace } from "../../client/refusals.ts";
import type { ReplicaSet } from "../../resources/apps/replica_sets.ts";
import {
  type Experiment,
  experiments,
  type ExperimentTemplate,
} from "../../resources/argoproj/mod.ts";
import {
  type Service,
  type ServicePort,
  services,
} from "../../resources/core/services/services.ts";
import { hashOf } from "../rollouts/situation/sets.ts";
import { create, remove, type Write } from "../runtime/controller.ts";
import { controllerReference } from "../runtime/ownership.ts";
import type { ExperimentState } from "./experiment_state.ts";
import { errorWrites, templateAnnotations } from "./template_sets.ts";

/** What becomes of the Service of a template. */
export interface ServicePlan {
  readonly writes: readonly Write[];
  /** What the status says of it from now on; `undefined`: as before. */
  readonly status?: { serviceName: string; podTemplateHash: string } | "none";
  readonly fault?: string;
}

/**
 * Makes the Service of a template while pods are wanted, and takes it away with the last pod. One for every port of a
 * container; a set without ports gets none.
 */
export function servicePlan(
  state: ExperimentState,
  template: ExperimentTemplate,
  set: ReplicaSet,
  { isWanted }: { isWanted: boolean },
): ServicePlan {
  const there = state.services.get(template.name);
  const isGone = set.spec.replicas === 0 && !isWanted;
  if (template.service === undefined || isGone) {
    return there ? { writes: [remove(services, there)], status: "none" } : { writes: [] };
  }
  if (!isWanted) return { writes: [] };
  const name = template.service.name || set.metadata.name;
  const status = { serviceName: name, podTemplateHash: hashOf(set) };
  if (there?.metadata.name === name) return { writes: [], status };
  const ports = portsOf(set);
  if (ports.length === 0) return { writes: [] };
  return creation(state, template, set, { name, ports, status });
}

function creation(
  { experiment, view }: ExperimentState,
  template: ExperimentTemplate,
  set: ReplicaSet,
  { name, ports, status }: {
    name: string;
    ports: ServicePort[];
    status: { serviceName: string; podTemplateHash: string };
  },
): ServicePlan {
  const { namespace } = experiment.metadata;
  const faultOf = (why: string) =>
    `Failed to create Service ${name} for template '${template.name}': ${why}`;
  if (view.get(services, { namespace, name })) {
    const fault = faultOf(
      `service ${name} already exists and is not owned by experiment template ${template.name}`,
    );
    return { writes: [], fault };
  }
  const refused = (error: ApiError): Write[] =>
    isOfEndingNamespace(error)
      ? []
      : errorWrites(experiment, template, faultOf(`cannot create service: ${error.message}`));
  const draft = draftOf(experiment, template, set, { name, ports });
  return { writes: [create(services, draft, { refused })], status };
}

function draftOf(
  experiment: Experiment,
  template: ExperimentTemplate,
  set: ReplicaSet,
  { name, ports }: { name: string; ports: ServicePort[] },
): Draft<Service> {
  return {
    metadata: {
      name,
      namespace: experiment.metadata.namespace,
      annotations: templateAnnotations(experiment, template),
      ownerReferences: [controllerReference(experiments, experiment)],
    },
    spec: { selector: { ...set.metadata.labels }, ports },
  };
}

function portsOf({ spec }: ReplicaSet): ServicePort[] {
  return spec.template.spec.containers.flatMap(({ ports = [] }) => ports).map((
    { name, containerPort, protocol },
  ) => ({
    ...(name && { name }),
    protocol,
    port: containerPort,
    targetPort: containerPort,
  }));
}
