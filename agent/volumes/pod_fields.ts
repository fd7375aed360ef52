import { ownField } from "../../core/lib/own_field.ts";
import { compareQuantities, milliValueOf, unitsOf } from "../../core/schema/quantities.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { ConfigError } from "../runtimes/config_error.ts";

/** Addresses that a pod gets only once it is on its node. */
export interface PodAddresses {
  hostIP: string;
  podIP: string;
}

/**
 * The value of a `fieldRef`. Throws {@linkcode ConfigError} for a path that cannot be referred to.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields
 */
export function fieldOf(pod: Pod, path: string, { hostIP, podIP }: PodAddresses): string {
  const { metadata, spec } = pod;
  const entry = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (entry) return ownField(metadata[entry[1] as "labels" | "annotations"], entry[2]!) ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace;
    case "metadata.uid":
      return metadata.uid;
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return hostIP;
    case "status.podIP":
    case "status.podIPs":
      return podIP;
    default:
      throw new ConfigError(`Unsupported field: fieldPath "${path}" cannot be used here`);
  }
}

/** The value of a `resourceFieldRef`, in whole divisors, rounded up; a limit that is not set is the node's. */
export function resourceFieldOf(
  pod: Pod,
  self: Container,
  reference: { containerName?: string; resource: string; divisor: string },
  allocatable: Readonly<Record<string, string>>,
): string {
  const { containerName, resource, divisor } = reference;
  const container = containerName ? containerNamed(pod.spec, containerName) : self;
  if (container === undefined) throw new ConfigError(`container ${containerName} not found`);
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage)$/.exec(resource);
  if (!match) throw new ConfigError(`Unsupported container resource : ${resource}`);
  const [, kind, name] = match as unknown as [string, "limits" | "requests", string];
  const amount = ownField(container.resources[kind], name) ??
    (kind === "limits" ? ownField(allocatable, name) : undefined) ?? "0";
  const unit = compareQuantities(divisor, "0") === 0 ? "1" : divisor;
  const [value, per] = name === "cpu"
    ? [milliValueOf(amount), milliValueOf(unit)]
    : [unitsOf(amount), unitsOf(unit)];
  return String(Math.ceil(value / per));
}
