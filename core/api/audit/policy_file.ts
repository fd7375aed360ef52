import { type Cause, invalid, missing, notSupported, wrongType } from "../../schema/causes.ts";
import { subdomainFaults } from "../../schema/names.ts";
import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { LEVELS, type Policy, STAGES } from "./policy.ts";

/** What a policy file says, or everything that is wrong with it. */
export interface PolicyReading {
  policy: Policy;
  /** Empty: the policy is valid. */
  causes: readonly string[];
  /** Fields that are unknown and ignored, as in Kubernetes. */
  unknown: readonly string[];
}

const API_VERSION = "audit.k8s.io/v1";
type FieldType = "string" | "boolean" | "array of strings" | "array of objects";

const POLICY_FIELDS: Readonly<Record<string, FieldType>> = {
  rules: "array of objects",
  omitStages: "array of strings",
  omitManagedFields: "boolean",
};
const RULE_FIELDS: Readonly<Record<string, FieldType>> = {
  level: "string",
  users: "array of strings",
  userGroups: "array of strings",
  verbs: "array of strings",
  resources: "array of objects",
  namespaces: "array of strings",
  nonResourceURLs: "array of strings",
  omitStages: "array of strings",
  omitManagedFields: "boolean",
};
const RESOURCE_FIELDS: Readonly<Record<string, FieldType>> = {
  group: "string",
  resources: "array of strings",
  resourceNames: "array of strings",
};

/** Reads the object of a policy file, by the rules of apiserver `pkg/apis/audit/validation`. */
export function readPolicy(value: JsonObject): PolicyReading {
  const unknown: string[] = [];
  const causes: Cause[] = [];
  const { apiVersion, kind, metadata: _, ...fields } = value;
  if (apiVersion !== API_VERSION) {
    causes.push(notSupported("apiVersion", apiVersion ?? "", [API_VERSION]));
  }
  if (kind !== "Policy") causes.push(notSupported("kind", kind ?? "", ["Policy"]));
  causes.push(...typeFaults("", fields, POLICY_FIELDS, unknown));
  for (const [i, rule] of objectsIn(fields, "rules").entries()) {
    const path = `rules[${i}]`;
    causes.push(...typeFaults(`${path}.`, rule, RULE_FIELDS, unknown));
    for (const [j, resource] of objectsIn(rule, "resources").entries()) {
      const place = `${path}.resources[${j}].`;
      causes.push(...typeFaults(place, resource, RESOURCE_FIELDS, unknown));
    }
  }
  const policy = fields as unknown as Policy; // checked just now; used only without causes
  if (causes.length === 0) causes.push(...policyFaults(policy));
  return { policy, causes: causes.map(({ field, message }) => `${field}: ${message}`), unknown };
}

function objectsIn(value: JsonObject, field: string): readonly JsonObject[] {
  const list = Object.hasOwn(value, field) ? value[`${field}`] : undefined;
  return Array.isArray(list) ? list.map((item) => isJsonObject(item) ? item : {}) : [];
}

function typeFaults(
  prefix: string,
  value: JsonObject,
  fields: Readonly<Record<string, FieldType>>,
  unknown: string[],
): Cause[] {
  return Object.entries(value).flatMap(([name, given]) => {
    if (!Object.hasOwn(fields, name)) {
      unknown.push(`${prefix}${name}`);
      return [];
    }
    const type = fields[`${name}`]!;
    if (given === null) {
      delete value[`${name}`]; // as if it were absent
      return [];
    }
    return isOfType(given, type) ? [] : [wrongType(`${prefix}${name}`, given, type)];
  });
}

function isOfType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case "array of strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "array of objects":
      return Array.isArray(value) && value.every(isJsonObject);
    case "boolean":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
  }
}

function policyFaults({ rules = [], omitStages = [] }: Policy): Cause[] {
  if (rules.length === 0) return [missing("rules", "a policy has at least one rule")];
  return [
    ...stageFaults("omitStages", omitStages),
    ...rules.flatMap((rule, i) => ruleFaults(`rules[${i}]`, rule)),
  ];
}

function ruleFaults(path: string, rule: Policy["rules"][number]): Cause[] {
  const { level, nonResourceURLs = [], resources = [], namespaces = [], omitStages = [] } = rule;
  const isOfBoth = nonResourceURLs.length > 0 && resources.length + namespaces.length > 0;
  return [
    ...levelFaults(`${path}.level`, level),
    ...nonResourceURLs.flatMap((url, i) => urlFaults(`${path}.nonResourceURLs[${i}]`, url)),
    ...resources.flatMap((resource) => resourceFaults(`${path}.resources`, resource)),
    ...stageFaults(`${path}.omitStages`, omitStages),
    ...(isOfBoth
      ? [invalid(
        `${path}.nonResourceURLs`,
        nonResourceURLs,
        "rules cannot apply to both regular resources and non-resource URLs",
      )]
      : []),
  ];
}

function levelFaults(path: string, level: string | undefined): Cause[] {
  if (!level) return [missing(path)];
  return LEVELS.some((known) => known === level) ? [] : [notSupported(path, level, LEVELS)];
}

function stageFaults(path: string, stages: readonly string[]): Cause[] {
  return stages.flatMap((stage, i) =>
    STAGES.some((known) => known === stage)
      ? []
      : [invalid(`${path}[${i}]`, stage, `allowed stages are ${STAGES.join(",")}`)]
  );
}

function urlFaults(path: string, url: string): Cause[] {
  if (url === "*") return [];
  return [
    ...(url.startsWith("/")
      ? []
      : [invalid(path, url, "non-resource URL rules must begin with a '/' character")]),
    ...(url.slice(0, -1).includes("*")
      ? [invalid(
        path,
        url,
        "non-resource URL wildcards '*' must be the final character of the rule",
      )]
      : []),
  ];
}

function resourceFaults(
  path: string,
  { group = "", resources = [], resourceNames = [] }: {
    group?: string;
    resources?: readonly string[];
    resourceNames?: readonly string[];
  },
): Cause[] {
  const faults = group === "" ? [] : subdomainFaults(group);
  return [
    ...(faults.length > 0 ? [invalid(`${path}.group`, group, faults.join(","))] : []),
    ...(resourceNames.length > 0 && resources.length === 0
      ? [invalid(
        `${path}.resourceNames`,
        resourceNames,
        "using resourceNames requires at least one resource",
      )]
      : []),
  ];
}
