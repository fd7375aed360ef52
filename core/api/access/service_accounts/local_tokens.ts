import type { TokenSource } from "../../../client/token_source.ts";
import type { Objects } from "../../../objects/objects.ts";
import { nodeUser } from "../nodes/node_identity.ts";
import type { AccountTokens } from "./account_tokens.ts";
import { answeredTokenRequest } from "./token_request.ts";

/** Tokens for the agent in the server's own process: it is given what an agent elsewhere would be given. */
export function localTokens(
  objects: Objects,
  tokens: AccountTokens,
  nodeName: string,
): TokenSource {
  const context = { objects, tokens, user: nodeUser(nodeName) };
  return {
    requestToken: ({ namespace = "", name }, spec) =>
      Promise.try(() => {
        const draft = structuredClone({ spec });
        return answeredTokenRequest({ namespace, name }, draft, context).token;
      }),
  };
}
