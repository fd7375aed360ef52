import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import type { ClusterSettings } from "../../resources/admission.ts";
import type { Store } from "../../store/store.ts";
import type { AdmissionCheck, AdmissionRule } from "./admission_rule.ts";
import { requesterOfCertificates } from "./certificate_requests.ts";
import { type EventLimit, eventRateLimit } from "./plugins/event_rate_limit.ts";
import { kindAdmission } from "./kind_admission.ts";
import { definedKinds } from "./defined_kinds.ts";
import { defaultLimits, limitBounds } from "./limit_ranger.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import type { PolicyAdmission } from "./policies/policy_admission.ts";
import { podSecurity, podSecurityLabels } from "./pod_security/pod_security.ts";
import type { OptionalPlugin } from "./optional_plugins.ts";
import { resourceQuotaCheck } from "./resource_quota.ts";
import { accountOfPods } from "./service_accounts.ts";
import { claimResize } from "./plugins/claim_resize.ts";
import { defaultIngressClass, defaultStorageClass } from "./plugins/default_classes.ts";
import { onePriorityDefault, podPriority } from "./plugins/pod_priority.ts";
import { podOverhead, podRuntimeClass } from "./plugins/runtime_classes.ts";
import { denyServiceExternalIps } from "./plugins/service_external_ips.ts";

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
    podPriority,
    defaultLimits,
    kindAdmission(options),
    podRuntimeClass, // after a pod got the tolerations that all have, as in Kubernetes
    defaultStorageClass,
    defaultIngressClass,
    requesterOfCertificates,
    ...(hasAccounts ? [accountOfPods(options)] : []),
    podSecurityLabels,
  ];
}

/**
 * Every check of what is else fit to be stored. A new one is one file and one line here; quotas come last, because what
 * passes them is counted.
 */
export function admissionChecks(
  options: {
    store: Store;
    clock: Clock;
    policies: PolicyAdmission;
    enabled?: readonly OptionalPlugin[];
    eventLimits?: readonly EventLimit[];
  },
): AdmissionCheck[] {
  const { clock, policies, eventLimits = [] } = options;
  return [
    podOverhead,
    onePriorityDefault,
    claimResize,
    ...(options.enabled ?? []).map((name) => OPTIONAL_CHECKS[name]),
    ...(eventLimits.length > 0 ? [eventRateLimit(eventLimits, clock)] : []),
    podSecurity,
    limitBounds,
    (request) => policies.check(request),
    resourceQuotaCheck(options),
  ];
}

const OPTIONAL_CHECKS: Readonly<Record<OptionalPlugin, AdmissionCheck>> = {
  DenyServiceExternalIPs: denyServiceExternalIps,
};
