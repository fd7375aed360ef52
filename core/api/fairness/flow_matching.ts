import type { FlowSchema } from "../../resources/flowcontrol/flow_schemas.ts";
import type {
  FlowPathRule,
  FlowResourceRule,
  FlowRule,
  FlowSubject,
} from "../../resources/flowcontrol/flow_schema_spec.ts";
import type { User } from "../http/api_context.ts";
import type {
  NonResourceAttributes,
  RequestInfo,
  ResourceAttributes,
} from "../http/request_info.ts";

// Which requests a FlowSchema means. Compiled once, so that matching makes no objects: every request is matched.
// Kubernetes: pkg/util/flowcontrol/rule.go of k8s.io/apiserver.

/** What to ask of a request. */
export type FlowMatcher = (user: User, info: RequestInfo) => boolean;
type Match<T> = (value: T) => boolean;

/** Whether one of the rules matches the request. */
export function flowMatcher({ spec }: Pick<FlowSchema, "spec">): FlowMatcher {
  const rules = (spec.rules ?? []).map(compiled);
  return (user, info) => {
    for (const { isSubject, isResource, isPath } of rules) {
      if (isSubject(user) && (info.isResource ? isResource(info) : isPath(info))) return true;
    }
    return false;
  };
}

function compiled({ subjects, resourceRules = [], nonResourceRules = [] }: FlowRule) {
  return {
    isSubject: subjectMatch(subjects),
    isResource: any(resourceRules.map(resourceMatch)),
    isPath: any(nonResourceRules.map(pathMatch)),
  };
}

function any<T>(matches: readonly Match<T>[]): Match<T> {
  if (matches.length === 1) return matches[0]!;
  return (value) => {
    for (const match of matches) if (match(value)) return true;
    return false;
  };
}

const ACCOUNTS = "system:serviceaccount:";

function subjectMatch(subjects: readonly FlowSubject[]): Match<User> {
  const users = new Set(subjects.flatMap(({ user }) => user?.name ?? []));
  const groups = new Set(subjects.flatMap(({ group }) => group?.name ?? []));
  const namespaces: string[] = [];
  for (const { serviceAccount } of subjects) {
    if (!serviceAccount) continue;
    const { namespace, name } = serviceAccount;
    if (name === "*") namespaces.push(`${ACCOUNTS}${namespace}:`);
    else users.add(`${ACCOUNTS}${namespace}:${name}`);
  }
  const isAnybody = users.has("*") || groups.has("*");
  return (user) => {
    if (isAnybody || users.has(user.name)) return true;
    if (groups.size > 0) {
      for (const group of user.groups) if (groups.has(group)) return true;
    }
    for (const prefix of namespaces) if (user.name.startsWith(prefix)) return true;
    return false;
  };
}

function resourceMatch(rule: FlowResourceRule): Match<ResourceAttributes> {
  const { verbs, apiGroups, resources, namespaces = [], clusterScope = false } = rule;
  const [isVerb, isGroup, isResource, isNamespace] = [
    words(verbs),
    words(apiGroups),
    words(resources),
    words(namespaces),
  ];
  return (info) =>
    isVerb(info.verb) && isGroup(info.group) &&
    isResource(info.subresource ? `${info.resource}/${info.subresource}` : info.resource) &&
    (info.namespace ? isNamespace(info.namespace) : clusterScope);
}

function pathMatch({ verbs, nonResourceURLs }: FlowPathRule): Match<NonResourceAttributes> {
  const [isVerb, isPath] = [words(verbs), words(nonResourceURLs)];
  const prefixes = nonResourceURLs.map((path) => path.replace(/\*$/, "").replace(/\/?$/, "/"));
  return ({ verb, path }) => {
    if (!isVerb(verb)) return false;
    if (isPath(path)) return true;
    for (const prefix of prefixes) if (path.startsWith(prefix)) return true;
    return false;
  };
}

function words(list: readonly string[]): Match<string> {
  if (list.length === 1 && list[0] === "*") return () => true;
  const all = new Set(list);
  return (word) => all.has(word);
}
