import type { User } from "../http/api_context.ts";
import type { RequestInfo } from "../http/request_info.ts";

/** How much of a request is recorded; each level has all of those before it. */
export const LEVELS = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type Level = typeof LEVELS[number];

/** When in the life of a request an event is made. */
export const STAGES = [
  "RequestReceived",
  "ResponseStarted",
  "ResponseComplete",
  "Panic",
] as const;
export type Stage = typeof STAGES[number];

/** https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Policy */
export interface Policy {
  rules: readonly PolicyRule[];
  omitStages?: readonly Stage[];
  omitManagedFields?: boolean;
}

export interface PolicyRule {
  level: Level;
  /** Here and below: an empty list matches everything. */
  users?: readonly string[];
  userGroups?: readonly string[];
  verbs?: readonly string[];
  resources?: readonly GroupResources[];
  namespaces?: readonly string[];
  nonResourceURLs?: readonly string[];
  omitStages?: readonly Stage[];
  omitManagedFields?: boolean;
}

export interface GroupResources {
  group?: string;
  resources?: readonly string[];
  resourceNames?: readonly string[];
}

/** What a policy says of a request. */
export interface AuditDecision {
  level: Level;
  omitStages: readonly Stage[];
  omitManagedFields: boolean;
}

/** The first rule that matches decides; nothing is recorded of what none matches. `user`: `undefined` when unknown. */
export function auditDecision(
  { rules, omitStages = [], omitManagedFields = false }: Policy,
  user: User | undefined,
  info: RequestInfo,
): AuditDecision {
  const rule = rules.find((one) => matches(one, user, info));
  if (!rule) return { level: "None", omitStages, omitManagedFields };
  return {
    level: rule.level,
    omitStages: [...omitStages, ...(rule.omitStages ?? [])],
    omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
  };
}

function matches(rule: PolicyRule, user: User | undefined, info: RequestInfo): boolean {
  const { users = [], userGroups = [], verbs = [] } = rule;
  if (users.length > 0 && !(user && users.includes(user.name))) return false;
  if (userGroups.length > 0 && !user?.groups.some((group) => userGroups.includes(group))) {
    return false;
  }
  if (verbs.length > 0 && !verbs.includes(info.verb)) return false;
  const { namespaces = [], resources = [], nonResourceURLs = [] } = rule;
  if (namespaces.length > 0 || resources.length > 0) return matchesResource(rule, info);
  if (nonResourceURLs.length === 0) return true;
  return !info.isResource && nonResourceURLs.some((pattern) => matchesPath(pattern, info.path));
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === path || pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1));
}

function matchesResource(
  { namespaces = [], resources = [] }: PolicyRule,
  info: RequestInfo,
): boolean {
  if (!info.isResource) return false;
  if (namespaces.length > 0 && !namespaces.includes(info.namespace ?? "")) return false;
  if (resources.length === 0) return true;
  const { group, name = "" } = info;
  return resources.some(({ group: wanted = "", resources: patterns = [], resourceNames = [] }) => {
    if (wanted !== group) return false;
    if (patterns.length === 0) return true;
    if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
    return patterns.some((pattern) => isOfResource(pattern, info.resource, info.subresource));
  });
}

// Patterns are `pods`, `pods/log`, `pods/*`, `*/scale` and `*`; one without a slash leaves out subresources.
function isOfResource(pattern: string, resource: string, subresource: string | undefined): boolean {
  if (pattern === "*" || pattern === `${resource}/*`) return true;
  if (!subresource) return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}
