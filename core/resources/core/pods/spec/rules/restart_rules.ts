import {
  type Cause,
  forbidden,
  missing,
  notSupported,
  tooLong,
} from "../../../../../schema/causes.ts";
import type { Container } from "../containers.ts";
import type { ContainerRole } from "../pod_containers.ts";

const POLICIES = ["Always", "Never", "OnFailure"];
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;

/**
 * The rules for a container's own restart policy and for its exit codes, in the words of
 * k8s.io/kubernetes/pkg/apis/core/validation (KEP-5307). What the schema says of single words is not said again.
 */
export function restartCauses(
  { restartPolicy, restartPolicyRules: rules = [] }: Container,
  role: ContainerRole,
  field: string,
): Cause[] {
  const at = `${field}.restartPolicy`;
  if (role === "sidecar") {
    const rule =
      "restartPolicyRules are not allowed for init containers with restart policy Always";
    return rules.length > 0 ? [forbidden(`${at}Rules`, rule)] : [];
  }
  if (role === "init" && restartPolicy === undefined) return [];
  return [
    ...policyCauses(restartPolicy, rules.length > 0, at),
    ...(rules.length > RULES_MAX ? [tooLong(`${at}Rules`, RULES_MAX)] : []),
    ...rules.flatMap((rule, i) => ruleCauses(rule, `${at}Rules[${i}]`)),
  ];
}

function policyCauses(policy: string | undefined, hasRules: boolean, field: string): Cause[] {
  if (policy === undefined) {
    return hasRules
      ? [missing(field, "must specify restartPolicy when restart rules are used")]
      : [];
  }
  return POLICIES.includes(policy) ? [] : [notSupported(field, policy, POLICIES)];
}

type Rule = NonNullable<Container["restartPolicyRules"]>[number];

function ruleCauses({ action, exitCodes }: Rule, field: string): Cause[] {
  const causes = action === "Restart" ? [] : [notSupported(`${field}.action`, action, ["Restart"])];
  if (exitCodes === undefined) {
    return [...causes, missing(`${field}.exitCodes`, "must be specified")];
  }
  const isLong = (exitCodes.values?.length ?? 0) > EXIT_CODES_MAX;
  return isLong ? [...causes, tooLong(`${field}.exitCodes.values`, EXIT_CODES_MAX)] : causes;
}
