import { CommandError } from "../../../server/command_error.ts";
import {
  type Cluster,
  DEPLOYMENTS,
  type Place,
  POD_TEMPLATES,
  REPLICA_SETS,
  ROLLOUTS,
} from "./cluster.ts";
import type { AnyObject, PodTemplate, Rollout, Workload } from "./objects.ts";

const PLACES: Readonly<Record<string, Place>> = {
  Deployment: DEPLOYMENTS,
  ReplicaSet: REPLICA_SETS,
  PodTemplate: POD_TEMPLATES,
};

/** An object that has the pod template of a rollout: the rollout itself, or the workload that it refers to. */
export interface TemplateHolder {
  place: Place;
  name: string;
  /** Where in it the template is, as a JSON pointer. */
  pointer: string;
}

/** Throws for a reference that Argo Rollouts does not know either. */
export function templateHolderOf(rollout: Rollout): TemplateHolder {
  const reference = rollout.spec.workloadRef;
  const pointer = "/spec/template";
  if (reference === undefined) return { place: ROLLOUTS, name: rollout.metadata.name, pointer };
  const { kind = "", name = "" } = reference;
  const place = PLACES[kind];
  if (place === undefined) throw new CommandError(`workload of type ${kind} is not supported`);
  return { place, name, pointer: kind === "PodTemplate" ? "/template" : pointer };
}

/** The pod template that a rollout rolls out; `undefined` when there is none. */
export async function templateOf(
  cluster: Cluster,
  rollout: Rollout,
): Promise<PodTemplate | undefined> {
  if (rollout.spec.workloadRef === undefined) return rollout.spec.template;
  if (PLACES[rollout.spec.workloadRef.kind ?? ""] === undefined) return undefined;
  const { place, name } = templateHolderOf(rollout);
  const workload = await cluster.find<Workload & AnyObject>(place, name);
  return workload?.template ?? workload?.spec?.template;
}
