import type { Event } from "../../../core/resources/events/events.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";

/** A cluster as a user sees it; the pods are in the namespace `default`. */
export interface FieldCluster {
  readonly dataFolder: string;
  /** Applies objects; returns the warnings of the server. */
  apply(...objects: object[]): Promise<string>;
  /** The pod once it is as wanted; fails with its status when that takes too long. */
  podWhen(name: string, isSo: (pod: Pod) => unknown): Promise<Pod>;
  logs(name: string): Promise<string>;
  events(pod: string): Promise<Event[]>;
}

/** One behaviour that shows the effect of some fields of the PodSpec, seen from outside. */
export interface FieldCase<C extends FieldCluster = FieldCluster> {
  /** A sentence. */
  name: string;
  /** The fields that would be missed if nothing acted on them, as `claimedFields` writes them. */
  fields: readonly string[];
  run(cluster: C): Promise<void>;
}

/** The fields with one beginning: `under("a[]", "b", "c")` is `a[].b`, `a[].c`. */
export function under(path: string, ...names: string[]): string[] {
  return names.map((name) => `${path}.${name}`);
}

export function isOver({ status: { phase } }: Pod): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ??
    false;
}

/** Why the first container is waiting. */
export function waitingOf({ status }: Pod): { reason?: string; message?: string } {
  return status.containerStatuses?.[0]?.state.waiting ?? {};
}

export function configMap(name: string, data: Record<string, string>): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

export function secret(name: string, stringData: Record<string, string>): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData };
}
