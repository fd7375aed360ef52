import { ApiError } from "../../client/api_error.ts";
import { containersInRoles } from "../../resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";

/**
 * The container that is asked for, or the only one. Throws BadRequest in the words of kube-apiserver
 * (`pkg/registry/core/pod/strategy.go`, validateContainer).
 */
export function containerOf(pod: Pod, wanted: string | undefined): string {
  const { name } = pod.metadata;
  const main = containersInRoles(pod.spec, "main").map(({ name }) => name);
  const all = [
    ...containersInRoles(pod.spec, "init", "sidecar").map(({ name }) => name),
    ...main,
    ...containersInRoles(pod.spec, "ephemeral").map(({ name }) => name),
  ];
  if (wanted) {
    if (all.includes(wanted)) return wanted;
    throw new ApiError("BadRequest", `container ${wanted} is not valid for pod ${name}`);
  }
  if (main.length === 1) return main[0]!;
  throw new ApiError(
    "BadRequest",
    `a container name must be specified for pod ${name}, choose one of: [${all.join(" ")}]`,
  );
}
