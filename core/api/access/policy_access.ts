import type { UserInfo } from "../../client/user_info.ts";
import type { AccessAnswer, AccessQuestion } from "../../schema/cel/functions/authorization.ts";
import type { Attributes } from "../http/request_info.ts";
import type { Authorizer } from "./authorizer.ts";

/** What the authorizers say to an expression of a policy, which cannot wait for an answer. */
export function policyAccess(
  authorizers: readonly Authorizer[],
): (user: UserInfo, question: AccessQuestion) => AccessAnswer {
  return (user, question) => {
    const attributes = attributesOf(question);
    for (const authorizer of authorizers) {
      const decision = authorizer.authorize(user, attributes);
      if (decision instanceof Promise) {
        decision.catch(() => {}); // nobody waits for it
        return { allowed: false, error: "the authorizer cannot be asked by an expression" };
      }
      const { outcome, reason } = decision;
      if (outcome !== "no opinion") {
        return { allowed: outcome === "allow", ...reason && { reason } };
      }
    }
    return { allowed: false };
  };
}

function attributesOf(question: AccessQuestion): Attributes {
  const { verb } = question;
  if ("path" in question) return { isResource: false, verb, path: question.path };
  const { group, resource, subresource, namespace, name, fieldSelector } = question;
  return {
    isResource: true,
    verb,
    group,
    resource,
    ...subresource && { subresource },
    ...namespace && { namespace },
    ...name && { name },
    fieldSelector,
  } as Attributes; // what is empty is absent
}
