import { badRequest } from "../../../client/refusals.ts";
import { object, string } from "../../../schema/schema.ts";
import type { Review } from "./review.ts";
import { askedOf } from "./review_draft.ts";

const KIND = {
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SelfSubjectRulesReview",
  plural: "selfsubjectrulesreviews",
};
const shape = object("What may I do?", { namespace: string("In which namespace.") });

/** `kubectl auth can-i --list`. */
export const selfSubjectRulesReviews: Review = {
  ...KIND,
  answer: (draft, { user, authorizer }) => {
    const { head, spec: { namespace } } = askedOf(KIND, draft, shape);
    if (!namespace) throw badRequest("no namespace on request");
    const rules = authorizer.rulesFor(user, namespace);
    const { resourceRules, nonResourceRules, evaluationError } = rules;
    const status = {
      resourceRules,
      nonResourceRules,
      incomplete: evaluationError !== undefined,
      ...(evaluationError && { evaluationError }),
    };
    // As in Kubernetes, the answer does not repeat the question.
    return { ...head, metadata: {}, spec: {}, status };
  },
};
