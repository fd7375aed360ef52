import { ApiError } from "../../client/api_error.ts";
import type { VirtualKind } from "../discovery/discovery.ts";
import type { User } from "../http/api_context.ts";
import type { Attributes, ResourceAttributes } from "../http/request_info.ts";
import type { Authorizer } from "./authorizer.ts";

/** Questions of users about themselves, asked by POST: `kubectl auth can-i`, `kubectl auth whoami`. */
export const REVIEWS: readonly VirtualKind[] = [
  {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "SelfSubjectReview",
    plural: "selfsubjectreviews",
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    kind: "SelfSubjectAccessReview",
    plural: "selfsubjectaccessreviews",
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    kind: "SelfSubjectRulesReview",
    plural: "selfsubjectrulesreviews",
  },
];

/** Whether a request creates a review. */
export function isReview(
  { verb, group, resource, subresource, name }: ResourceAttributes,
): boolean {
  return verb === "create" && subresource === undefined && name === undefined &&
    REVIEWS.some((one) => one.group === group && one.plural === resource);
}

/**
 * The review with its answer as status. Throws BadRequest for one that asks nothing.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/
 */
export async function reviewed(
  { kind, group, version }: VirtualKind,
  draft: unknown,
  { user, authorizer }: { user: User; authorizer: Authorizer },
): Promise<unknown> {
  const { metadata = {}, spec } = (draft ?? {}) as { metadata?: unknown; spec?: unknown };
  const review = { kind, apiVersion: `${group}/${version}`, metadata };
  switch (kind) {
    case "SelfSubjectReview":
      return { ...review, status: { userInfo: { username: user.name, groups: user.groups } } };
    case "SelfSubjectAccessReview": {
      const attributes = attributesOf(spec as AccessSpec | undefined);
      return { ...review, spec, status: await accessOf(user, attributes, authorizer) };
    }
    default:
      return {
        ...review,
        spec: spec ?? {},
        status: rulesOf(user, spec as RulesSpec | undefined, authorizer),
      };
  }
}

interface AccessSpec {
  resourceAttributes?: Partial<
    Record<"verb" | "group" | "resource" | "subresource" | "namespace" | "name", string>
  >;
  nonResourceAttributes?: { verb?: string; path?: string };
}

interface RulesSpec {
  namespace?: string;
}

function attributesOf(
  { resourceAttributes: about, nonResourceAttributes: path }: AccessSpec = {},
): Attributes {
  if ((about === undefined) === (path === undefined)) {
    throw new ApiError(
      "BadRequest",
      "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    );
  }
  if (path) return { isResource: false, verb: path.verb ?? "", path: path.path ?? "" };
  return {
    isResource: true,
    verb: about?.verb ?? "",
    group: about?.group ?? "",
    resource: about?.resource ?? "",
    subresource: about?.subresource || undefined,
    namespace: about?.namespace || undefined,
    name: about?.name || undefined,
    fieldSelector: "",
  };
}

async function accessOf(
  user: User,
  attributes: Attributes,
  authorizer: Authorizer,
): Promise<unknown> {
  const { outcome, reason } = await authorizer.authorize(user, attributes);
  return {
    allowed: outcome === "allow",
    ...(outcome === "deny" && { denied: true }),
    ...(reason && { reason }),
  };
}

function rulesOf(user: User, { namespace = "" }: RulesSpec = {}, authorizer: Authorizer): unknown {
  const { resourceRules, nonResourceRules, evaluationError } = authorizer.rulesFor(user, namespace);
  return {
    resourceRules,
    nonResourceRules,
    incomplete: evaluationError !== undefined,
    ...(evaluationError && { evaluationError }),
  };
}
