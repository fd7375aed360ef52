import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import type { ClusterSettings } from "../../resources/admission.ts";
import type { Store } from "../../store/store.ts";
import type { AdmissionCheck, AdmissionRule } from "./admission_rule.ts";
import { kindAdmission } from "./kind_admission.ts";
import { definedKinds } from "./defined_kinds.ts";
import { defaultLimits, limitBounds } from "./limit_ranger.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import { podSecurity, podSecurityLabels } from "./pod_security/pod_security.ts";
import { resourceQuotaCheck } from "./resource_quota.ts";
import { runtimeClasses } from "./runtime_classes.ts";
import { accountOfPods } from "./service_accounts.ts";

/**
 * Every rule, in the order in which they see an object. A new rule about more than one kind is one file and one line
 * here; the rules of a single kind are declared with that kind.
 */
export function admissionRules(
  options: { random: Random; settings: ClusterSettings; hasAccounts: boolean },
): AdmissionRule[] {
  const { hasAccounts } = options;
  return [
    namespaceLifecycle,
    definedKinds,
    defaultLimits,
    kindAdmission(options),
    ...(hasAccounts ? [accountOfPods(options)] : []),
    podSecurityLabels,
  ];
}

/**
 * Every check of what is else fit to be stored. A new one is one file and one line here; quotas come last, because what
 * passes them is counted.
 */
export function admissionChecks(options: { store: Store; clock: Clock }): AdmissionCheck[] {
  return [runtimeClasses, podSecurity, limitBounds, resourceQuotaCheck(options)];
}
