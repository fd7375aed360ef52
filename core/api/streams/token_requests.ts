import type { AccountTokens } from "../access/service_accounts/account_tokens.ts";
import { answeredTokenRequest } from "../access/service_accounts/token_request.ts";
import { plainFormatFor } from "../http/accept.ts";
import { sendAsAccepted } from "../http/answer.ts";
import { objectOf } from "../http/request_body.ts";
import type { Stream } from "./stream.ts";
import { methodNotAllowed, nameOf, type ObjectRequest } from "../verbs/request.ts";

/** POST ACCOUNT/token: a token of a service account, which is signed, not stored. */
export function tokenRequests(tokens: AccountTokens): Stream {
  return { subresource: "token", answer: (request) => answer(request, tokens) };
}

async function answer(request: ObjectRequest, tokens: AccountTokens): Promise<Response> {
  const { c, objects } = request;
  if (c.req.method !== "POST") throw methodNotAllowed();
  const { namespace = "", name } = nameOf(request);
  plainFormatFor(c.req.header("accept"));
  const context = { objects, tokens, user: c.get("user") };
  const { answer } = answeredTokenRequest({ namespace, name }, await objectOf(c), context);
  return sendAsAccepted(c, 201, answer);
}
