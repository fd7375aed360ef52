import {
  type Cause,
  duplicate,
  forbidden,
  invalid,
  missing,
  notSupported,
  tooMany,
} from "../../schema/causes.ts";
import { labelSelectorCauses } from "../../schema/label_selector.ts";
import {
  dns1035LabelFaults,
  pathSegmentFaults,
  qualifiedNameFaults,
  subdomainFaults,
} from "../../schema/names.ts";
import {
  type CompiledExpression,
  type CompiledPolicy,
  compilePolicy,
  faultCauses,
} from "./policy_expressions.ts";
import type { MatchResources, PolicyBindingSpec, PolicySpec } from "./policy_shape.ts";
import { ruleCauses } from "./rule_causes.ts";

// The words are those of k8s.io/kubernetes/pkg/apis/admissionregistration/validation.

const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];
const ACTIONS = ["Audit", "Deny", "Warn"];
const MATCH_CONDITIONS_MAX = 64;
const AUDIT_ANNOTATIONS_MAX = 20;
const VALUE_EXPRESSION_BYTES_MAX = 5 * 1024;
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while"
    .split(" "),
);

/** What is wrong with a ValidatingAdmissionPolicy. */
export function policyCauses(name: string, spec: PolicySpec): Cause[] {
  const { failurePolicy, paramKind, matchConstraints } = spec;
  const compiled = compilePolicy(spec);
  return [
    ...(["Fail", "Ignore"].includes(failurePolicy)
      ? []
      : [notSupported("spec.failurePolicy", failurePolicy, ["Fail", "Ignore"])]),
    ...(paramKind ? paramKindCauses(paramKind) : []),
    ...constraintCauses(matchConstraints),
    ...matchConditionCauses(spec, compiled),
    ...variableCauses(spec, compiled),
    ...contentCauses(name, spec, compiled),
  ];
}

function paramKindCauses(
  { apiVersion = "", kind = "" }: { apiVersion?: string; kind?: string },
): Cause[] {
  const field = "spec.paramKind";
  return [
    ...apiVersionCauses(apiVersion, `${field}.apiVersion`),
    ...kindCauses(kind, `${field}.kind`),
  ];
}

function apiVersionCauses(apiVersion: string, field: string): Cause[] {
  if (apiVersion === "") return [missing(field)];
  const parts = apiVersion.split("/");
  if (parts.length > 2) {
    return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  }
  const [version = "", group = ""] = parts.reverse();
  const groupFaults = group ? subdomainFaults(group) : [];
  const causes = groupFaults.length ? [invalid(field, group, groupFaults.join(","))] : [];
  if (version === "") return [...causes, invalid(field, apiVersion, "version must be specified")];
  const faults = dns1035LabelFaults(version);
  return faults.length ? [...causes, invalid(field, version, faults.join(","))] : causes;
}

function kindCauses(kind: string, field: string): Cause[] {
  if (kind === "") return [missing(field)];
  const faults = dns1035LabelFaults(kind.toLowerCase());
  const rule = "may have mixed case, but should otherwise match: ";
  return faults.length ? [invalid(field, kind, rule + faults.join(","))] : [];
}

function constraintCauses(constraints: MatchResources | undefined): Cause[] {
  const field = "spec.matchConstraints";
  if (!constraints) return [missing(field)];
  const causes = matchResourcesCauses(constraints, field);
  return constraints.resourceRules?.length
    ? causes
    : [...causes, missing(`${field}.resourceRules`)];
}

function matchResourcesCauses(resources: MatchResources, field: string): Cause[] {
  const { matchPolicy, namespaceSelector, objectSelector } = resources;
  const policies = ["Equivalent", "Exact"];
  return [
    ...(policies.includes(matchPolicy)
      ? []
      : [notSupported(`${field}.matchPolicy`, matchPolicy, policies)]),
    ...labelSelectorCauses(namespaceSelector, `${field}.namespaceSelector`),
    ...labelSelectorCauses(objectSelector, `${field}.objectSelector`),
    ...(["resourceRules", "excludeResourceRules"] as const).flatMap((name) =>
      (resources[name] ?? []).flatMap((rule, i) => [
        ...resourceNameCauses(rule.resourceNames ?? [], `${field}.${name}[${i}].resourceNames`),
        ...ruleCauses(rule, `${field}.${name}[${i}]`),
      ])
    ),
  ];
}

function resourceNameCauses(names: readonly string[], field: string): Cause[] {
  return names.flatMap((name, i) => [
    ...pathSegmentFaults(name).map((fault) => invalid(`${field}[${i}]`, name, fault)),
    ...(names.indexOf(name) < i ? [duplicate(`${field}[${i}]`, name)] : []),
  ]);
}

function matchConditionCauses(
  { matchConditions = [] }: PolicySpec,
  compiled: CompiledPolicy,
): Cause[] {
  const field = "spec.matchConditions";
  const causes = matchConditions.length > MATCH_CONDITIONS_MAX
    ? [tooMany(field, matchConditions.length, MATCH_CONDITIONS_MAX)]
    : [];
  for (const [i, { name, expression }] of matchConditions.entries()) {
    const at = `${field}[${i}]`;
    if (expression.trim() === "") causes.push(missing(`${at}.expression`));
    else causes.push(...faultCauses(compiled.matchConditions[i]!.expression, `${at}.expression`));
    if (name === "") causes.push(missing(`${at}.name`));
    else {for (const fault of qualifiedNameFaults(name)) {
        causes.push(invalid(`${at}.name`, name, fault));
      }}
  }
  return causes;
}

function variableCauses({ variables = [] }: PolicySpec, compiled: CompiledPolicy): Cause[] {
  return variables.flatMap(({ name, expression }, i) => {
    const at = `spec.variables[${i}]`;
    const isIdentifier = IDENTIFIER.test(name) && !RESERVED.has(name);
    return [
      ...(name.trim() === ""
        ? [missing(`${at}.name`, "name is not specified")]
        : isIdentifier
        ? []
        : [invalid(`${at}.name`, name, "must be a valid CEL identifier")]),
      ...(expression.trim() === ""
        ? [missing(`${at}.expression`, "expression is not specified")]
        : faultCauses(compiled.variables[i]!.expression, `${at}.expression`)),
    ];
  });
}

function contentCauses(name: string, spec: PolicySpec, compiled: CompiledPolicy): Cause[] {
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const rule = "validations or auditAnnotations must contain at least one item";
    return [missing("spec.validations", rule), missing("spec.auditAnnotations", rule)];
  }
  const isOver = auditAnnotations.length > AUDIT_ANNOTATIONS_MAX;
  const most = `must not have more than ${AUDIT_ANNOTATIONS_MAX} auditAnnotations`;
  return [
    ...validations.flatMap((validation, i) =>
      validationCauses(validation, compiled.validations[i]!, `spec.validations[${i}]`)
    ),
    ...(isOver ? [invalid("spec.auditAnnotations", auditAnnotations, most)] : []),
    ...auditAnnotations.flatMap(({ key, valueExpression }, i) => {
      const at = `spec.auditAnnotations[${i}]`;
      const isTwice = auditAnnotations.findIndex((other) => other.key === key) < i;
      return [
        ...annotationKeyCauses(name, key, `${at}.key`),
        ...valueCauses(valueExpression, compiled.auditAnnotations[i]!.expression, at),
        ...(isTwice ? [duplicate(`${at}.key`, key)] : []),
      ];
    }),
  ];
}

function annotationKeyCauses(name: string, key: string, field: string): Cause[] {
  if (name === "") return [invalid(field, key, "requires metadata.name be non-empty")];
  const qualified = `${name}/${key}`;
  return qualifiedNameFaults(qualified).map((fault) => invalid(field, qualified, fault));
}

function valueCauses(written: string, compiled: CompiledExpression, at: string): Cause[] {
  const field = `${at}.valueExpression`;
  if (written.trim() === "") return [missing(field, "valueExpression is not specified")];
  if (new TextEncoder().encode(written.trim()).length > VALUE_EXPRESSION_BYTES_MAX) {
    return [missing(field, `must not exceed ${VALUE_EXPRESSION_BYTES_MAX} bytes in length`)];
  }
  return "fault" in compiled ? [invalid(field, written, compiled.fault)] : [];
}

type Validation = NonNullable<PolicySpec["validations"]>[number];

function validationCauses(
  { expression = "", message = "", messageExpression = "", reason }: Validation,
  compiled: CompiledPolicy["validations"][number],
  at: string,
): Cause[] {
  const causes: Cause[] = [];
  if (expression.trim() === "") {
    causes.push(missing(`${at}.expression`, "expression is not specified"));
  } else causes.push(...faultCauses(compiled.expression, `${at}.expression`));
  const empty = "must be non-empty if specified";
  if (messageExpression !== "" && messageExpression.trim() === "") {
    causes.push(invalid(`${at}.messageExpression`, messageExpression, empty));
  } else if (compiled.message) {
    causes.push(...faultCauses(compiled.message, `${at}.messageExpression`));
  }
  if (message !== "" && message.trim() === "") {
    causes.push(invalid(`${at}.message`, message, empty));
  } else if (/[\n\r]/.test(message.trim())) {
    causes.push(invalid(`${at}.message`, message, "must not contain line breaks"));
  }
  if (reason !== undefined && !REASONS.includes(reason)) {
    causes.push(notSupported(`${at}.reason`, reason, REASONS));
  }
  return causes;
}

/** What is wrong with a ValidatingAdmissionPolicyBinding. */
export function bindingCauses(spec: PolicyBindingSpec): Cause[] {
  const { policyName = "", paramRef, matchResources, validationActions = [] } = spec;
  const field = "spec.policyName";
  return [
    ...(policyName === ""
      ? [missing(field)]
      : subdomainFaults(policyName).map((fault) => invalid(field, policyName, fault))),
    ...(paramRef ? paramRefCauses(paramRef) : []),
    ...(matchResources ? matchResourcesCauses(matchResources, "spec.matchResources") : []),
    ...actionCauses(validationActions, "spec.validationActions"),
  ];
}

function paramRefCauses(
  { name = "", selector, parameterNotFoundAction: action = "" }: NonNullable<
    PolicyBindingSpec["paramRef"]
  >,
): Cause[] {
  const field = "spec.paramRef";
  const both = "name and selector are mutually exclusive";
  const actions = ["Deny", "Allow"];
  return [
    ...(name ? pathSegmentFaults(name).map((fault) => invalid(`${field}.name`, name, fault)) : []),
    ...(name && selector ? [forbidden(`${field}.name`, both)] : []),
    ...(selector ? labelSelectorCauses(selector, `${field}.selector`) : []),
    ...(name && selector ? [forbidden(`${field}.selector`, both)] : []),
    ...(name || selector ? [] : [missing(field, "one of name or selector must be specified")]),
    ...(action === ""
      ? [missing(`${field}.parameterNotFoundAction`)]
      : actions.includes(action)
      ? []
      : [notSupported(`${field}.parameterNotFoundAction`, action, actions)]),
  ];
}

function actionCauses(actions: readonly string[], field: string): Cause[] {
  const causes = actions.flatMap((action, i) =>
    ACTIONS.includes(action) ? [] : [notSupported(`${field}[${i}]`, action, ACTIONS)]
  );
  if (actions.includes("Deny") && actions.includes("Warn")) {
    const rule =
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
    causes.push(invalid(field, actions, rule));
  }
  if (actions.length === 0) {
    causes.push(missing(field, "at least one validation action is required"));
  }
  return causes;
}
