import { type Cause, invalid, missing, notSupported, tooMany } from "../../schema/causes.ts";
import { labelSelectorCauses } from "../../schema/label_selector.ts";
import { dns1035LabelFaults, qualifiedNameFaults, subdomainFaults } from "../../schema/names.ts";
import { nameCauses } from "../../schema/value_rules.ts";
import { clientConfigCauses } from "./client_config_rules.ts";
import { compileConditions, faultCauses } from "./policy_expressions.ts";
import { ruleCauses } from "./rule_causes.ts";
import type { MutatingWebhook, Webhook } from "./webhook_shape.ts";

// The words are those of k8s.io/kubernetes/pkg/apis/admissionregistration/validation.

const REVIEW_VERSIONS = ["v1", "v1beta1"];
const SIDE_EFFECTS = ["None", "NoneOnDryRun"];
const MATCH_CONDITIONS_MAX = 64;

/** What is wrong with the webhooks of a configuration, beside names that are there twice. */
export function webhookCauses(webhooks: readonly Webhook[]): Cause[] {
  return webhooks.flatMap((webhook, i) => {
    const versions = webhook.admissionReviewVersions ?? [];
    return [
      ...ownCauses(webhook, `webhooks[${i}]`),
      ...reviewVersionCauses(versions, `webhooks[${i}].admissionReviewVersions`),
    ];
  });
}

/** What only webhooks have that may be asked again. */
export function reinvocationCauses(webhooks: readonly MutatingWebhook[]): Cause[] {
  return webhooks.flatMap(({ reinvocationPolicy }, i) =>
    wordCauses(`webhooks[${i}].reinvocationPolicy`, reinvocationPolicy, ["IfNeeded", "Never"])
  );
}

function ownCauses(webhook: Webhook, field: string): Cause[] {
  const { name, rules = [], sideEffects, timeoutSeconds } = webhook;
  const range = "the timeout value must be between 1 and 30 seconds";
  return [
    ...fullNameCauses(name, `${field}.name`),
    ...rules.flatMap((rule, i) => ruleCauses(rule, `${field}.rules[${i}]`)),
    ...wordCauses(`${field}.failurePolicy`, webhook.failurePolicy, ["Fail", "Ignore"]),
    ...wordCauses(`${field}.matchPolicy`, webhook.matchPolicy, ["Equivalent", "Exact"]),
    ...(sideEffects
      ? wordCauses(`${field}.sideEffects`, sideEffects, SIDE_EFFECTS)
      : [missing(`${field}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(", ")}`)]),
    ...(timeoutSeconds > 30 || timeoutSeconds < 1
      ? [invalid(`${field}.timeoutSeconds`, timeoutSeconds, range)]
      : []),
    ...labelSelectorCauses(webhook.namespaceSelector, `${field}.namespaceSelector`),
    ...labelSelectorCauses(webhook.objectSelector, `${field}.objectSelector`),
    ...clientConfigCauses(webhook.clientConfig, `${field}.clientConfig`),
    ...matchConditionCauses(webhook.matchConditions ?? [], `${field}.matchConditions`),
  ];
}

function wordCauses(field: string, word: string, words: readonly string[]): Cause[] {
  return words.includes(word) ? [] : [notSupported(field, word, words)];
}

/** A domain name of three parts at least. */
function fullNameCauses(name: string, field: string): Cause[] {
  const faults = subdomainFaults(name);
  if (faults.length > 0) return [invalid(field, name, faults.join(","))];
  const rule = "should be a domain with at least three segments separated by dots";
  return name.split(".").length < 3 ? [invalid(field, name, rule)] : [];
}

function reviewVersionCauses(versions: readonly string[], field: string): Cause[] {
  if (versions.length === 0) {
    return [missing(field, `must specify one of ${REVIEW_VERSIONS.join(", ")}`)];
  }
  const causes = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalid(`${field}[${i}]`, version, "duplicate version")]
      : nameCauses(`${field}[${i}]`, version, dns1035LabelFaults)
  );
  const rule = `must include at least one of ${REVIEW_VERSIONS.join(", ")}`;
  const isKnown = versions.some((version) => REVIEW_VERSIONS.includes(version));
  return isKnown ? causes : [...causes, invalid(field, versions, rule)];
}

function matchConditionCauses(
  conditions: readonly { name: string; expression: string }[],
  field: string,
): Cause[] {
  const isOver = conditions.length > MATCH_CONDITIONS_MAX;
  const compiled = compileConditions(conditions, { hasParams: false });
  return [
    ...(isOver ? [tooMany(field, conditions.length, MATCH_CONDITIONS_MAX)] : []),
    ...conditions.flatMap(({ name, expression }, i) => [
      ...(expression.trim() === ""
        ? [missing(`${field}[${i}].expression`)]
        : faultCauses(compiled[i]!.expression, `${field}[${i}].expression`)),
      ...nameCauses(`${field}[${i}].name`, name, qualifiedNameFaults),
    ]),
  ];
}
