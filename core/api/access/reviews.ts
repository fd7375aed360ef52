import { ApiError } from "../../client/api_error.ts";
import type { Attributes } from "./node_rights.ts";
import type { User } from "../http/api_context.ts";
import type { VirtualKind } from "../discovery/discovery.ts";
import { ADMIN } from "./pki.ts";

/** Questions about oneself, which are asked by creating them: `kubectl auth can-i`, `kubectl auth whoami`. */
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

/** What the answers are decided by. */
export interface ReviewRights {
  allows(user: User, attributes: Attributes): boolean;
  allowsPath(user: User, verb: string, path: string): boolean;
}

/**
 * The review with its answer. Throws BadRequest for one that asks nothing.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/
 */
export function reviewed(
  { kind, group, version }: VirtualKind,
  draft: unknown,
  { user, rights }: { user: User; rights: ReviewRights },
): unknown {
  const { metadata = {}, spec } = (draft ?? {}) as { metadata?: unknown; spec?: unknown };
  const review = { kind, apiVersion: `${group}/${version}`, metadata };
  switch (kind) {
    case "SelfSubjectReview":
      return { ...review, status: { userInfo: { username: user.name, groups: user.groups } } };
    case "SelfSubjectAccessReview":
      return { ...review, spec, status: accessOf(user, spec as AccessSpec | undefined, rights) };
    default:
      return { ...review, spec: spec ?? {}, status: rulesOf(user) };
  }
}

interface AccessSpec {
  resourceAttributes?: Partial<
    Record<"verb" | "group" | "resource" | "subresource" | "namespace" | "name", string>
  >;
  nonResourceAttributes?: { verb?: string; path?: string };
}

function accessOf(
  user: User,
  { resourceAttributes: about, nonResourceAttributes: path }: AccessSpec = {},
  rights: ReviewRights,
): unknown {
  if ((about === undefined) === (path === undefined)) {
    throw new ApiError(
      "BadRequest",
      "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    );
  }
  const allowed = path
    ? rights.allowsPath(user, path.verb ?? "", path.path ?? "")
    : rights.allows(user, {
      ...{ verb: about?.verb ?? "", group: about?.group ?? "", resource: about?.resource ?? "" },
      subresource: about?.subresource || undefined,
      namespace: about?.namespace || undefined,
      name: about?.name || undefined,
      fields: [],
    });
  return isAdmin(user) ? { allowed, reason: "the admin may do everything" } : { allowed };
}

function rulesOf(user: User): unknown {
  if (isAdmin(user)) {
    return {
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      incomplete: false,
    };
  }
  return {
    resourceRules: REVIEWS.map(({ group, plural }) => ({
      ...{ verbs: ["create"], apiGroups: [group], resources: [plural] },
    })),
    nonResourceRules: [{
      verbs: ["get"],
      nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version"],
    }],
    incomplete: true,
    evaluationError: "rights that depend on what an object says are not listed",
  };
}

function isAdmin({ groups }: User): boolean {
  return groups.includes(ADMIN.organization);
}
