import type { AccountTokens } from "../access/service_accounts/account_tokens.ts";
import { askAboutSent } from "../../objects/asked_requests.ts";
import { answeredTokenRequest, TOKEN_REQUEST } from "../access/service_accounts/token_request.ts";
import { plainFormatFor } from "../http/accept.ts";
import { sendAsAccepted } from "../http/answer.ts";
import { objectOf } from "../http/request_body.ts";
import type { Stream } from "./stream.ts";
import { methodNotAllowed, nameOf, type ObjectRequest, warn } from "../verbs/request.ts";
import { senderOf } from "../verbs/write_query.ts";

/** POST ACCOUNT/token: a token of a service account, which is signed, not stored. */
export function tokenRequests(tokens: AccountTokens): Stream {
  return { subresource: "token", answer: (request) => answer(request, tokens) };
}

async function answer(request: ObjectRequest, tokens: AccountTokens): Promise<Response> {
  const { c, kind, objects } = request;
  if (c.req.method !== "POST") throw methodNotAllowed();
  const { namespace = "", name } = nameOf(request);
  plainFormatFor(c.req.header("accept"));
  const context = { objects, tokens, user: c.get("user") };
  const account = { namespace, name };
  const part = { resource: kind.resource, name: account, subresource: "token" };
  const sender = senderOf(c.get("user"), c.get("audit"));
  const asked = { ...part, body: TOKEN_REQUEST };
  const { sent, warnings } = await askAboutSent(objects, asked, await objectOf(c), sender);
  warn(c, warnings);
  const { answer } = answeredTokenRequest(account, sent, context);
  return sendAsAccepted(c, 201, answer);
}
