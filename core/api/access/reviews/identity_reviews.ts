import { badRequest } from "../../../client/refusals.ts";
import { timestamp } from "../../../lib/timestamp.ts";
import { list, object, string } from "../../../schema/schema.ts";
import type { User } from "../../http/api_context.ts";
import type { Review, ReviewContext } from "./review.ts";
import { askedOf } from "./review_draft.ts";

const GROUP = { group: "authentication.k8s.io", version: "v1" };
const SELF = { ...GROUP, kind: "SelfSubjectReview", plural: "selfsubjectreviews" };
const TOKEN = { ...GROUP, kind: "TokenReview", plural: "tokenreviews" };
/** Whom tokens are for that name nobody. */
const API_AUDIENCES = ["https://kubernetes.default.svc"];
/** What a token says that nobody knows; the words of Kubernetes. */
const UNKNOWN = "invalid bearer token";

const nothing = object("Nothing is asked but who I am.", {});
const tokenSpec = object("Whose is this token?", {
  token: string("The token."),
  audiences: list("Whom it should be for; the API server when empty.", string("Audience.")),
});

/** `kubectl auth whoami`. */
export const selfSubjectReviews: Review = {
  ...SELF,
  answer: (draft, { user, clock }) => {
    const { head } = askedOf(SELF, draft, nothing);
    const metadata = { creationTimestamp: timestamp(clock.now()) };
    return { ...head, metadata, status: { userInfo: userInfoOf(user) } };
  },
};

/** Asked by servers that get tokens of this cluster. */
export const tokenReviews: Review = {
  ...TOKEN,
  answer: (draft, context) => {
    const { head, sent, spec } = askedOf(TOKEN, draft, tokenSpec);
    if (!spec.token) throw badRequest("token is required for TokenReview in authentication");
    const audiences = spec.audiences?.length ? spec.audiences : API_AUDIENCES;
    return { ...head, spec: sent, status: statusOf(spec.token, audiences, context) };
  },
};

function statusOf(
  token: string,
  audiences: readonly string[],
  { authenticator }: ReviewContext,
): object {
  const verdict = authenticator.verdictOn(token, audiences);
  if (verdict && "user" in verdict) {
    const { user } = verdict;
    return { authenticated: true, user: userInfoOf(user), audiences: verdict.audiences };
  }
  const error = verdict ? `[${UNKNOWN}, ${verdict.refused}]` : UNKNOWN;
  return { user: {}, error };
}

/** The user as reviews show him. */
function userInfoOf({ name, uid, groups, extra }: User): object {
  return {
    username: name,
    ...(uid && { uid }),
    groups,
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  };
}
