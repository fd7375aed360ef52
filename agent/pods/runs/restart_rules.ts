import type { Container } from "../../../core/resources/core/pods/spec/containers.ts";
import type { PodContainer } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { PodSpec } from "../../../core/resources/core/pods/spec/pod_spec.ts";

type RestartPolicy = "Always" | "OnFailure" | "Never";
type Rule = NonNullable<Container["restartPolicyRules"]>[number];

/**
 * Whether a container runs again after a run that ended with `exitCode`: by its own rules, by its own policy, by the
 * pod's. An init container that has succeeded is done, an ephemeral one runs once. Pure.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy, KEP-753, KEP-5307
 */
export function wantsRestart(
  spec: Pick<PodSpec, "restartPolicy">,
  { role, container }: Pick<PodContainer, "role" | "container">,
  exitCode: number,
): boolean {
  if (role === "ephemeral" || (role === "init" && exitCode === 0)) return false;
  const { restartPolicyRules = [] } = container;
  const rule = container.restartPolicy === undefined
    ? undefined
    : restartPolicyRules.find((each) => fits(each, exitCode));
  return rule?.action === "Restart" || isWanted(restartPolicyOf(spec, container), exitCode);
}

/** The policy that a container has, its rules aside. */
export function restartPolicyOf(
  spec: Pick<PodSpec, "restartPolicy">,
  { restartPolicy }: Pick<Container, "restartPolicy">,
): RestartPolicy {
  return (restartPolicy ?? spec.restartPolicy) as RestartPolicy; // the API lets no other word in
}

function fits({ exitCodes }: Rule, exitCode: number): boolean {
  if (exitCodes === undefined) return false;
  const isListed = exitCodes.values?.includes(exitCode) ?? false;
  return isListed === (exitCodes.operator === "In");
}

function isWanted(policy: RestartPolicy, exitCode: number): boolean {
  switch (policy) {
    case "Always":
      return true;
    case "OnFailure":
      return exitCode !== 0;
    case "Never":
      return false;
  }
}
