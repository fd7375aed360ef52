import { containersInRoles } from "../../resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { ownField } from "../../lib/own_field.ts";
import { milliValueOf } from "../../schema/quantities.ts";
import { MetricError } from "./metrics_api.ts";

/**
 * What each pod requests of a resource, in thousandths: what it says for all of its containers, otherwise their sum, or
 * that of one container. Throws {@linkcode MetricError} when a request is missing.
 */
export function requestsOf(
  pods: readonly Pod[],
  resource: string,
  container: string | undefined,
): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name, requestOf(pod, resource, container)]));
}

function requestOf(
  { metadata: { name }, spec }: Pod,
  resource: string,
  container: string | undefined,
): number {
  const { requests: whole } = (spec as { resources?: Requests }).resources ?? {};
  if (container === undefined && whole !== undefined && Object.keys(whole).length > 0) {
    const amount = ownField(whole, resource);
    if (amount !== undefined) return milliValueOf(amount);
    throw new MetricError(`missing pod-level request for ${resource} in Pod ${name}`);
  }
  return containersInRoles(spec, "main", "sidecar")
    .filter((each) => container === undefined || each.name === container)
    .reduce((sum, each) => {
      const amount = ownField(each.resources?.requests ?? {}, resource);
      if (amount !== undefined) return sum + milliValueOf(String(amount));
      const where = `container ${each.name} of Pod ${name}`;
      throw new MetricError(`missing request for ${resource} in ${where}`);
    }, 0);
}

interface Requests {
  requests?: Readonly<Record<string, string>>;
}
