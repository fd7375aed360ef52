import type { User } from "../http/api_context.ts";
import type { Attributes } from "../http/request_info.ts";

/** What an authorizer decides. `reason`: for the user. */
export interface Decision {
  readonly outcome: "allow" | "deny" | "no opinion";
  readonly reason?: string;
}
export const ALLOW: Decision = { outcome: "allow" };
export const NO_OPINION: Decision = { outcome: "no opinion" };

/** What a user may do, in the words of SelfSubjectRulesReview. */
export interface Rules {
  readonly resourceRules: readonly {
    verbs: readonly string[];
    apiGroups: readonly string[];
    resources: readonly string[];
  }[];
  readonly nonResourceRules: readonly {
    verbs: readonly string[];
    nonResourceURLs: readonly string[];
  }[];
  /** Why the rules may be incomplete; absent: they are complete. */
  readonly evaluationError?: string;
}
export const NO_RULES: Rules = { resourceRules: [], nonResourceRules: [] };
export const ALL_RULES: Rules = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};

/**
 * Decides whether a user may do something, as Kubernetes' authorizers do. It is called for every request: it should
 * return a promise only when it has to wait.
 * https://kubernetes.io/docs/reference/access-authn-authz/authorization/
 */
export interface Authorizer {
  authorize(user: User, attributes: Attributes): Decision | Promise<Decision>;
  /** Everything that it allows the user in a namespace. */
  rulesFor(user: User, namespace: string): Rules;
}

/** Asks the authorizers in order: the first that allows or denies decides. */
export class AuthorizerChain implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  async authorize(user: User, attributes: Attributes): Promise<Decision> {
    const reasons: string[] = [];
    for (const authorizer of this.#authorizers) {
      const answer = authorizer.authorize(user, attributes);
      const decision = answer instanceof Promise ? await answer : answer;
      if (decision.outcome !== "no opinion") return decision;
      if (decision.reason) reasons.push(decision.reason);
    }
    return reasons.length === 0 ? NO_OPINION : { ...NO_OPINION, reason: reasons.join("\n") };
  }

  rulesFor(user: User, namespace: string): Rules {
    const all = this.#authorizers.map((authorizer) => authorizer.rulesFor(user, namespace));
    if (all.includes(ALL_RULES)) return ALL_RULES;
    const errors = all.flatMap(({ evaluationError }) => evaluationError ?? []);
    return {
      resourceRules: all.flatMap(({ resourceRules }) => resourceRules),
      nonResourceRules: all.flatMap(({ nonResourceRules }) => nonResourceRules),
      ...(errors.length > 0 && { evaluationError: errors.join("; ") }),
    };
  }
}
