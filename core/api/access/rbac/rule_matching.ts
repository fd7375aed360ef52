import { parseFieldSelector } from "../../../schema/field_selectors.ts";
import { SelectorError } from "../../../schema/selectors.ts";
import type { PolicyRule } from "../../../resources/rbac/policy_rules.ts";
import type { Attributes, ResourceAttributes } from "../../http/request_info.ts";

const ALL = "*";

/** Whether a rule allows it. Source: k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go. */
export function allows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!includes(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource) return matchesUrl(rule.nonResourceURLs ?? [], attributes.path);
  return includes(rule.apiGroups, attributes.group) &&
    matchesResource(rule.resources ?? [], attributes) &&
    matchesName(rule.resourceNames ?? [], attributes);
}

function includes(words: readonly string[] = [], word: string): boolean {
  return words.includes(ALL) || words.includes(word);
}

function matchesResource(
  resources: readonly string[],
  { resource, subresource }: ResourceAttributes,
): boolean {
  const wanted = subresource === undefined ? resource : `${resource}/${subresource}`;
  return includes(resources, wanted) ||
    (subresource !== undefined && resources.includes(`*/${subresource}`));
}

function matchesName(names: readonly string[], attributes: ResourceAttributes): boolean {
  if (names.length === 0) return true;
  const name = attributes.name ?? selectedName(attributes.fieldSelector);
  return name !== undefined && names.includes(name);
}

/** The only name that a list or watch can show. Source: apiserver `pkg/endpoints/request/requestinfo.go`. */
function selectedName(fieldSelector: string): string | undefined {
  if (!fieldSelector) return undefined;
  try {
    return parseFieldSelector(fieldSelector)
      .find(({ field, operator }) => field === "metadata.name" && operator === "=")?.value;
  } catch (error) {
    if (error instanceof SelectorError) return undefined; // the request is refused for it later
    throw error;
  }
}

function matchesUrl(urls: readonly string[], path: string): boolean {
  return urls.some((url) => coversUrl(url, path));
}

/** Whether a path of a rule, which may end with `*`, stands for another one. */
export function coversUrl(url: string, other: string): boolean {
  return url === ALL || url === other ||
    (url.endsWith(ALL) && other.startsWith(url.replace(/\*+$/, "")));
}
