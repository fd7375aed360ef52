import type { Job } from "../../resources/batch/jobs.ts";
import type { ExitCodes, FailureRule } from "../../resources/batch/job_shape.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";

/** What a failed pod means. `failsJob`: it fails the Job, and the message says why. */
export interface FailureVerdict {
  isCounted: boolean;
  failsIndex?: true;
  failsJob?: string;
}

const COUNTED: FailureVerdict = { isCounted: true };

/**
 * What the first rule of the policy that fits says of a failed pod; without one it counts.
 * https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
 */
export function failureVerdict(pod: Pod, { spec: { podFailurePolicy } }: Job): FailureVerdict {
  for (const [index, rule] of (podFailurePolicy?.rules ?? []).entries()) {
    const match = matchOf(pod, rule);
    if (match === undefined) continue;
    switch (rule.action) {
      case "Ignore":
        return { isCounted: false };
      case "FailIndex":
        return { isCounted: true, failsIndex: true };
      case "Count":
        return COUNTED;
      case "FailJob":
        return { isCounted: true, failsJob: `${match} matching FailJob rule at index ${index}` };
    }
  }
  return COUNTED;
}

/** How a rule fits a pod, in Kubernetes' words; `undefined`: it does not. */
function matchOf(
  pod: Pod,
  { onExitCodes, onPodConditions = [] }: FailureRule,
): string | undefined {
  const where = `${pod.metadata.namespace}/${pod.metadata.name}`;
  if (onExitCodes) {
    const container = failedContainer(pod, onExitCodes);
    return container &&
      `Container ${container.name} for pod ${where} failed with exit code ${container.exitCode}`;
  }
  const condition = pod.status.conditions?.find(({ type, status }) =>
    onPodConditions.some((pattern) => pattern.type === type && pattern.status === status)
  );
  return condition && `Pod ${where} has condition ${condition.type}`;
}

function failedContainer(
  { status: { containerStatuses = [], initContainerStatuses = [] } }: Pod,
  { containerName, operator, values = [] }: ExitCodes,
): { name: string; exitCode: number } | undefined {
  for (const { name, state } of [...containerStatuses, ...initContainerStatuses]) {
    const exitCode = state?.terminated?.exitCode ?? 0;
    const isMeant = containerName === undefined || containerName === name;
    if (!isMeant || exitCode === 0) continue;
    const isListed = values.includes(exitCode);
    if (operator === "In" ? isListed : operator === "NotIn" && !isListed) return { name, exitCode };
  }
  return undefined;
}
