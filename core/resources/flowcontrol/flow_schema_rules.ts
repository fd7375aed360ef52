import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid, missing, notSupported } from "../../schema/causes.ts";
import { labelNameFaults, subdomainFaults } from "../../schema/names.ts";
import { DEFAULT_FLOW_SCHEMAS } from "./default_flow_schemas.ts";
import type {
  FlowPathRule,
  FlowResourceRule,
  FlowRule,
  FlowSchemaSpec,
  FlowSubject,
} from "./flow_schema_spec.ts";

// The rules for FlowSchemas, in the words of Kubernetes' pkg/apis/flowcontrol/validation.

const VERBS = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "proxy",
  "update",
  "watch",
];
const METHODS = ["ByNamespace", "ByUser"];
const PRECEDENCE_MAX = 10_000;
/** Which nobody may change. */
const FIXED = ["exempt", "catch-all"];

export function flowSchemaCauses(name: string, spec: FlowSchemaSpec): Cause[] {
  const { matchingPrecedence: precedence, distinguisherMethod: method, rules = [] } = spec;
  const at = "spec.matchingPrecedence";
  return [
    ...(precedence <= 0 ? [invalid(at, precedence, "must be a positive value")] : []),
    ...(precedence > PRECEDENCE_MAX
      ? [invalid(at, precedence, `must not be greater than ${PRECEDENCE_MAX}`)]
      : []),
    ...(precedence === 1 && name !== "exempt"
      ? [invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")]
      : []),
    ...(method && !METHODS.includes(method.type)
      ? [notSupported("spec.distinguisherMethod.type", method, METHODS)]
      : []),
    ...levelCauses(spec.priorityLevelConfiguration.name),
    ...rules.flatMap((rule, i) => ruleCauses(rule, `spec.rules[${i}]`)),
    ...fixedCauses(name, spec),
  ];
}

function levelCauses(name: string | undefined): Cause[] {
  const field = "spec.priorityLevelConfiguration.name";
  if (!name) return [missing(field, "must reference a priority level")];
  return subdomainFaults(name).map((fault) => invalid(field, name, fault));
}

function fixedCauses(name: string, spec: FlowSchemaSpec): Cause[] {
  if (!FIXED.includes(name)) return [];
  const fixed = DEFAULT_FLOW_SCHEMAS.find(({ metadata }) => metadata.name === name)!.spec;
  return isEqual(spec, fixed)
    ? []
    : [invalid("spec", spec, `spec of '${name}' must equal the fixed value`)];
}

function ruleCauses(
  { subjects, resourceRules = [], nonResourceRules = [] }: FlowRule,
  field: string,
): Cause[] {
  const isEmpty = resourceRules.length === 0 && nonResourceRules.length === 0;
  const why = "at least one of resourceRules and nonResourceRules has to be non-empty";
  return [
    ...(subjects.length === 0
      ? [missing(`${field}.subjects`, "subjects must contain at least one value")]
      : subjects.flatMap((subject, i) => subjectCauses(subject, `${field}.subjects[${i}]`))),
    ...(isEmpty ? [missing(field, why)] : []),
    ...resourceRules.flatMap((rule, i) => resourceRuleCauses(rule, `${field}.resourceRules[${i}]`)),
    ...nonResourceRules.flatMap((rule, i) =>
      pathRuleCauses(rule, `${field}.nonResourceRules[${i}]`)
    ),
  ];
}

const SUBJECT_FIELDS = [
  ["serviceAccount", "ServiceAccount"],
  ["user", "User"],
  ["group", "Group"],
] as const;

function subjectCauses(subject: FlowSubject, field: string): Cause[] {
  const own = SUBJECT_FIELDS.find(([, kind]) => kind === subject.kind)?.[0];
  if (!own) {
    return [notSupported(`${field}.kind`, subject.kind, ["Group", "ServiceAccount", "User"])];
  }
  const causes = subject[own] ? [] : [
    missing(`${field}.${own}`, `${own} is required when subject kind is '${subject.kind}'`),
  ];
  if (own === "serviceAccount" && subject.serviceAccount) {
    causes.push(...accountCauses(subject.serviceAccount, `${field}.serviceAccount`));
  }
  for (const [other, kind] of SUBJECT_FIELDS) {
    if (other === own || !subject[other]) continue;
    const why = `${other} is forbidden when subject kind is not '${kind}'`;
    causes.push(forbidden(`${field}.${other}`, why));
  }
  return causes;
}

function accountCauses(
  { name, namespace }: { name: string; namespace: string },
  field: string,
): Cause[] {
  const names = name === "*" ? [] : subdomainFaults(name);
  return [
    ...names.map((fault) => invalid(`${field}.name`, name, fault)),
    ...labelNameFaults(namespace).map((fault) => invalid(`${field}.namespace`, namespace, fault)),
  ];
}

function resourceRuleCauses(rule: FlowResourceRule, field: string): Cause[] {
  const { apiGroups, resources, namespaces = [], clusterScope } = rule;
  const causes = [
    ...verbCauses(rule.verbs, `${field}.verbs`),
    ...listCauses(apiGroups, `${field}.apiGroups`, {
      none: "resource rules must supply at least one api group",
      others: "other api groups",
    }),
    ...listCauses(resources, `${field}.resources`, {
      none: "resource rules must supply at least one resource",
      others: "other resources",
    }),
  ];
  if (namespaces.length === 0 && clusterScope) return causes;
  causes.push(...listCauses(namespaces, `${field}.namespaces`, {
    none: "resource rules that are not cluster scoped must supply at least one namespace",
    others: "other namespaces",
  }));
  if (namespaces.includes("*")) return causes;
  const intro = "each member of this list must be '*' or a DNS-1123 label; ";
  return [
    ...causes,
    ...namespaces.flatMap((namespace, i) =>
      labelNameFaults(namespace).map((fault) =>
        invalid(`${field}.namespaces[${i}]`, namespace, intro + fault)
      )
    ),
  ];
}

function pathRuleCauses({ verbs, nonResourceURLs }: FlowPathRule, field: string): Cause[] {
  const at = `${field}.nonResourceURLs`;
  return [
    ...verbCauses(verbs, `${field}.verbs`),
    ...listCauses(nonResourceURLs, at, {
      none: "nonResourceURLs must contain at least one value",
      others: "other non-resource URLs",
    }),
    ...(nonResourceURLs.includes("*")
      ? []
      : nonResourceURLs.flatMap((path, i) => pathCauses(path, `${at}[${i}]`))),
  ];
}

function pathCauses(path: string, field: string): Cause[] {
  if (path === "") return [missing(field)];
  if (path === "/") return [];
  if (!path.startsWith("/")) return [invalid(field, path, "must start with slash")];
  if (path.includes(" ")) return [invalid(field, path, "must not contain white-space")];
  if (path.includes("//")) return [invalid(field, path, "must not contain double slash")];
  const wildcards = path.split("*").length - 1;
  return wildcards > 1 || (wildcards === 1 && !path.endsWith("/*"))
    ? [invalid(field, path, "wildcard can only do suffix matching")]
    : [];
}

function verbCauses(verbs: readonly string[], field: string): Cause[] {
  const texts = { none: "verbs must contain at least one value", others: "other verbs" };
  if (verbs.length === 0 || verbs.includes("*")) return listCauses(verbs, field, texts);
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [notSupported(field, verbs, VERBS)];
}

function listCauses(
  items: readonly string[],
  field: string,
  { none, others }: { none: string; others: string },
): Cause[] {
  if (items.length === 0) return [missing(field, none)];
  return items.includes("*") && items.length > 1
    ? [invalid(field, items, `if '*' is present, must not specify ${others}`)]
    : [];
}
