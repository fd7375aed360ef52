import type { User } from "./api_context.ts";
import type { VirtualKind } from "./discovery.ts";

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

/**
 * The review with its answer. Only the admin comes as far as to ask, and he may do everything.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/
 */
export function reviewed(
  { kind, group, version }: VirtualKind,
  draft: unknown,
  user: User,
): unknown {
  const { metadata = {}, spec } = (draft ?? {}) as { metadata?: unknown; spec?: unknown };
  const review = { kind, apiVersion: `${group}/${version}`, metadata };
  switch (kind) {
    case "SelfSubjectReview":
      return { ...review, status: { userInfo: { username: user.name, groups: user.groups } } };
    case "SelfSubjectAccessReview":
      return { ...review, spec, status: { allowed: true, reason: "the admin may do everything" } };
    default:
      return { ...review, spec: spec ?? {}, status: ALL_RULES };
  }
}

const ALL_RULES = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  incomplete: false,
};
