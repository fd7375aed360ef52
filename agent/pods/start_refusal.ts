import type { Pod } from "../../core/resources/core/pods/pods.ts";

/**
 * Why no container of a pod may start on this agent: the pod asks for something that is not built yet, and that its
 * containers would do harm without. `undefined`: they may. Everything else that is not built is warned about.
 */
export function startRefusalOf({ spec }: Pod): string | undefined {
  if (spec.runtimeClassName) {
    return refusal(
      `RuntimeClass "${spec.runtimeClassName}" is not implemented in this version of Coracle, and its containers would be ` +
        "less isolated than it says; remove spec.runtimeClassName",
    );
  }
  if ((spec.resourceClaims ?? []).length > 0) {
    return refusal(
      "spec.resourceClaims are not implemented in this version of Coracle, and its containers would run without " +
        "their devices; remove them",
    );
  }
  return undefined;
}

function refusal(why: string): string {
  return `Cannot start the pod: ${why}`;
}
