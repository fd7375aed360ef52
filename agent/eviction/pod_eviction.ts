import { ownField } from "../../core/lib/own_field.ts";
import { unitsOf } from "../../core/schema/quantities.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { containersInRoles } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { ContainerReport } from "../../core/usage/node_report.ts";
import type { PodEviction } from "../pods/runs/observed_pod.ts";
import type { Candidate } from "./ranking.ts";
import {
  amountOf,
  amountText,
  type Observations,
  type ScarceResource,
  SIGNALS,
  type Threshold,
} from "./thresholds.ts";

/** The kubelet gives pods that are evicted at once one second. */
export const GRACE_MS = 1_000;

/** How a pod ends that is evicted for want of something, in the words of the kubelet's eviction manager. Pure. */
export function podEvictionOf(
  { pod, usage }: Candidate,
  threshold: Threshold,
  observations: Observations,
): PodEviction {
  const { signal } = threshold;
  const { resource } = SIGNALS[signal];
  const observation = observations.get(signal);
  const quantity = observation && amountText(signal, amountOf(threshold, observation));
  const message = [
    `The node was low on resource: ${resource}. `,
    ...(observation
      ? [
        `Threshold quantity: ${quantity}, available: ${
          amountText(signal, observation.available)
        }. `,
      ]
      : []),
    ...(usage?.containers ?? []).map((container) => largerUseOf(pod, container, resource)),
  ].join("");
  return {
    reason: "Evicted",
    message,
    graceMs: GRACE_MS,
    condition: { type: "DisruptionTarget", reason: "TerminationByKubelet", message },
  };
}

/** Empty for a container that uses no more than it requests. */
function largerUseOf(pod: Pod, report: ContainerReport, resource: ScarceResource): string {
  const container = containersInRoles(pod.spec, "main", "init", "sidecar")
    .find(({ name }) => name === report.name);
  const used = resource === "memory"
    ? report.memory.workingSetBytes
    : resource === "ephemeral-storage" && report.layer && report.logs
    ? report.layer.bytes + report.logs.bytes
    : undefined;
  if (container === undefined || used === undefined) return "";
  const request = ownField(container.resources.requests, resource) ?? "0";
  if (used <= unitsOf(request)) return "";
  const text = amountText("memory.available", used); // bytes, both of them
  return `Container ${report.name} was using ${text}, request is ${request}, has larger consumption of ${resource}. `;
}
