import { mutatingWebhookConfigurations } from "./mutating_webhook_configurations.ts";
import type { AnyResource } from "../resource.ts";
import { validatingAdmissionPolicies } from "./validating_admission_policies.ts";
import { validatingAdmissionPolicyBindings } from "./validating_admission_policy_bindings.ts";
import { validatingWebhookConfigurations } from "./validating_webhook_configurations.ts";

/** The kinds of `admissionregistration.k8s.io/v1`. */
export const ADMISSIONREGISTRATION_KINDS: readonly AnyResource[] = [
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
];
