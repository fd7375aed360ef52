import type { View } from "../../client/client.ts";
import type { PolicyRule } from "../../resources/rbac/policy_rules.ts";
import type { User } from "../http/api_context.ts";
import type { Attributes } from "../http/request_info.ts";
import { ALLOW, type Authorizer, type Decision, NO_OPINION, type Rules } from "./authorizer.ts";
import { type Grant, grantsOf } from "./rbac/grants.ts";
import { FULL_AUTHORITY, missingRights } from "./rbac/rule_coverage.ts";
import { allows } from "./rbac/rule_matching.ts";

/**
 * Paths of Coracle's own that act on objects of any kind, or on who may do what: rights to the path alone are not enough
 * for them.
 */
const OWN_PATHS = /^\/(?:apply|credentials|node-reports|secrets|store|traffic-reports)(?:\/|$)/;

/**
 * Allows what Roles and ClusterRoles give by their bindings.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
export class RbacAuthorizer implements Authorizer {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  authorize(user: User, attributes: Attributes): Decision {
    const namespace = attributes.isResource ? attributes.namespace ?? "" : "";
    if (!attributes.isResource && OWN_PATHS.test(attributes.path)) return this.#fully(user);
    const missing: string[] = [];
    for (const grant of grantsOf(this.#view, user, namespace)) {
      if (!grant.rules) missing.push(missingText(grant));
      else if (grant.rules.some((rule) => allows(rule, attributes))) return allowedBy(grant);
    }
    return missing.length === 0 ? NO_OPINION : {
      ...NO_OPINION,
      reason: `RBAC: ${missing.length === 1 ? missing[0] : `[${missing.join(", ")}]`}`,
    };
  }

  rulesFor(user: User, namespace: string): Rules {
    const grants = [...grantsOf(this.#view, user, namespace)];
    const rules = grants.flatMap((grant) => grant.rules ?? []);
    const missing = grants.filter((grant) => !grant.rules).map(missingText);
    return {
      resourceRules: rules.filter(({ resources }) => resources?.length).map(resourceRule),
      nonResourceRules: rules.filter((rule) => rule.nonResourceURLs?.length).map(
        ({ verbs = [], nonResourceURLs = [] }) => ({ verbs, nonResourceURLs }),
      ),
      ...(missing.length > 0 && { evaluationError: missing.join(", ") }),
    };
  }

  /** The rules that a user has in a namespace; `""`: in the whole cluster. */
  heldBy(user: User, namespace: string): readonly PolicyRule[] {
    return [...grantsOf(this.#view, user, namespace)].flatMap(({ rules = [] }) => rules);
  }

  #fully(user: User): Decision {
    const missing = missingRights(this.heldBy(user, ""), FULL_AUTHORITY);
    return missing.length === 0 ? ALLOW : NO_OPINION;
  }
}

function allowedBy({ binding, role, subject }: Grant): Decision {
  const roleText = `${role.kind} ${JSON.stringify(role.name)}`;
  return { ...ALLOW, reason: `RBAC: allowed by ${binding} of ${roleText} to ${subject}` };
}

function missingText({ role: { kind, name } }: Grant): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io "${name}" not found`;
}

function resourceRule(rule: PolicyRule): Rules["resourceRules"][number] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames } = rule;
  return { verbs, apiGroups, resources, ...(resourceNames?.length && { resourceNames }) };
}
