import type { PolicyRule } from "../../../resources/rbac/policy_rules.ts";
import { coversUrl } from "./rule_matching.ts";

const ALL = "*";
/** Single rights that a set of rules is broken down into at most, to be compared with others. */
export const RIGHTS_MAX = 20_000;

/** Everything, which no set of single rights is. */
export const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: [ALL], apiGroups: [ALL], resources: [ALL] },
  { verbs: [ALL], nonResourceURLs: [ALL] },
];

/** One verb on one resource (of one name, or of any), or on one path. */
interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
}

/**
 * The rights in `wanted` that `held` does not give, as rules of one right each; `"too many"` when `wanted` has more than
 * {@linkcode RIGHTS_MAX}. Source: k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go.
 */
export function missingRights(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): readonly PolicyRule[] | "too many" {
  if (wanted.reduce((sum, rule) => sum + countOf(rule), 0) > RIGHTS_MAX) return "too many";
  return wanted.flatMap((rule) => [...rightsOf(rule)])
    .filter((right) => !held.some((one) => gives(one, right)))
    .map(ruleOf);
}

function countOf({ verbs = [], apiGroups = [], resources = [], ...rest }: PolicyRule): number {
  const { resourceNames = [], nonResourceURLs = [] } = rest;
  const names = Math.max(1, resourceNames.length);
  return verbs.length * (apiGroups.length * resources.length * names + nonResourceURLs.length);
}

function* rightsOf(rule: PolicyRule): Iterable<Right> {
  const { verbs = [], apiGroups = [], resources = [], nonResourceURLs = [] } = rule;
  const names = rule.resourceNames?.length ? rule.resourceNames : [undefined];
  for (const verb of verbs) {
    for (const group of apiGroups) {
      for (const resource of resources) {
        for (const name of names) yield { verb, group, resource, name, url: undefined };
      }
    }
    for (const url of nonResourceURLs) {
      yield { verb, group: "", resource: "", name: undefined, url };
    }
  }
}

function gives(rule: PolicyRule, { verb, group, resource, name, url }: Right): boolean {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  if (!verbs.includes(ALL) && !verbs.includes(verb)) return false;
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((one) => coversUrl(one, url));
  return (apiGroups.includes(ALL) || apiGroups.includes(group)) &&
    coversResource(resources, resource) &&
    (resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name)));
}

function coversResource(resources: readonly string[], resource: string): boolean {
  if (resources.includes(ALL) || resources.includes(resource)) return true;
  const [, subresource] = resource.split("/", 2);
  return subresource !== undefined && resources.includes(`*/${subresource}`);
}

function ruleOf({ verb, group, resource, name, url }: Right): PolicyRule {
  if (url !== undefined) return { verbs: [verb], nonResourceURLs: [url] };
  return {
    verbs: [verb],
    apiGroups: [group],
    resources: [resource],
    ...(name !== undefined && { resourceNames: [name] }),
  };
}

/** Rules as Kubernetes prints them: one line each, those for one resource joined, in order. */
export function rulesText(rules: readonly PolicyRule[]): string {
  return [...new Set(joined(rules).map(ruleText))].sort().join("\n");
}

/** Joins the verbs of rules that are alike otherwise. */
function joined(rules: readonly PolicyRule[]): PolicyRule[] {
  const byRest = new Map<string, PolicyRule>();
  for (const { verbs = [], ...rest } of rules) {
    const key = JSON.stringify(rest);
    byRest.set(key, { ...rest, verbs: [...byRest.get(key)?.verbs ?? [], ...verbs] });
  }
  return [...byRest.values()];
}

function ruleText(rule: PolicyRule): string {
  const parts = [
    ["APIGroups", rule.apiGroups],
    ["Resources", rule.resources],
    ["NonResourceURLs", rule.nonResourceURLs],
    ["ResourceNames", rule.resourceNames],
    ["Verbs", rule.verbs],
  ] as const;
  const texts = parts.flatMap(([name, words = []]) =>
    words.length === 0 ? [] : [`${name}:[${words.map((word) => JSON.stringify(word)).join(" ")}]`]
  );
  return `{${texts.join(", ")}}`;
}
