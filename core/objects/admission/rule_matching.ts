import { namespaces } from "../../resources/core/namespaces.ts";
import type { RuleWithOperations } from "../../resources/admissionregistration/webhook_shape.ts";
import type { AnyResource, KubeObject, ServedVersion } from "../../resources/resource.ts";
import type { AdmissionAttributes } from "./admission_attributes.ts";

/** A group and version in which a kind is served. */
export interface GroupVersion {
  group: string;
  version: string;
}

type Request = Pick<AdmissionAttributes, "operation" | "resource" | "subresource" | "namespace">;

/** Whether a rule means a request that is made in `asked`. k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules */
export function matchesRule(
  { operations = [], apiGroups = [], apiVersions = [], resources = [], scope }: RuleWithOperations,
  request: Request,
  asked: GroupVersion,
): boolean {
  return hasWord(operations, request.operation) && hasWord(apiGroups, asked.group) &&
    hasWord(apiVersions, asked.version) && isInScope(scope, request) &&
    resources.some((text) => isResource(text, request));
}

/** Whether the rule may mean the request, in some version of the kind and some namespace. */
export function mayMatch(
  { operations = [], resources = [] }: RuleWithOperations,
  request: Omit<Request, "namespace">,
): boolean {
  return hasWord(operations, request.operation) &&
    resources.some((text) => isResource(text, request));
}

/** All the versions in which a kind is served, the stored one first. */
export function versionsOf(resource: AnyResource): readonly GroupVersion[] {
  return [resource, ...resource.servedVersions];
}

/**
 * The version in which a request is to be shown, by the first rule that means it: its own, or else, when equivalent ones
 * count, another one of the kind.
 */
export function matchedVersion(
  rules: readonly RuleWithOperations[],
  matchPolicy: string,
  request: Request & Pick<AdmissionAttributes, "served">,
): GroupVersion | undefined {
  const own = request.served ?? request.resource;
  if (rules.some((rule) => matchesRule(rule, request, own))) return own;
  if (matchPolicy !== "Equivalent") return undefined;
  for (const rule of rules) {
    const found = versionsOf(request.resource).find((version) =>
      matchesRule(rule, request, version)
    );
    if (found) return found;
  }
  return undefined;
}

function hasWord(words: readonly string[], word: string): boolean {
  return words.includes("*") || words.includes(word);
}

/** A namespace is no namespaced object. */
function isInScope(scope: string, { resource, namespace }: Request): boolean {
  if (scope === "*") return true;
  const isNamespaced = resource !== namespaces && namespace !== "";
  return (scope === "Namespaced") === isNamespaced;
}

function isResource(text: string, { resource, subresource }: Omit<Request, "namespace">): boolean {
  const slash = text.indexOf("/");
  const [wanted, part] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
  return (wanted === "*" || wanted === resource.plural) && (part === "*" || part === subresource);
}

/** The kind of the objects of a request that is seen in `version`. */
export function kindIn(
  { resource: { kind }, body }: Pick<AdmissionAttributes, "resource" | "body">,
  { group, version }: GroupVersion,
): GroupVersion & { kind: string } {
  const { group: ownGroup, version: ownVersion, kind: ownKind } = body ?? { group, version, kind };
  return { group: ownGroup, version: ownVersion, kind: ownKind };
}

/** Shows stored objects in a version of their kind. */
export function shownIn(
  { resource, body }: Pick<AdmissionAttributes, "resource" | "body">,
  version: GroupVersion,
): (object: KubeObject) => unknown {
  if (body) return (object) => object; // is not stored
  const served = servedIn({ resource }, version);
  return (object) => served ? served.fromStored(object) : object;
}

/** The conversions of a version; `undefined` for the stored one. */
export function servedIn(
  { resource }: Pick<AdmissionAttributes, "resource">,
  { group, version }: GroupVersion,
): ServedVersion<KubeObject> | undefined {
  return resource.servedVersions.find((one) => one.group === group && one.version === version);
}
