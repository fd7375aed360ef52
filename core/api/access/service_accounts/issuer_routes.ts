import type { Hono } from "hono";
import { sendJson } from "../../http/answer.ts";
import type { ApiEnv } from "../../http/api_context.ts";
import type { AccountTokens } from "./account_tokens.ts";
import {
  CONFIGURATION_PATH,
  issuerConfiguration,
  KEYS_PATH,
  KEYS_TYPE,
  keySet,
} from "./issuer_documents.ts";

/** Documents by which others check the tokens of service accounts. */
export function addIssuer(app: Hono<ApiEnv>, { key }: AccountTokens): void {
  const cached = { "cache-control": "public, max-age=3600" };
  app.get(CONFIGURATION_PATH, (c) => {
    const configuration = issuerConfiguration(c.req.header("host") ?? "localhost");
    return sendJson(c, 200, configuration, "application/json", cached);
  });
  app.get(KEYS_PATH, (c) => sendJson(c, 200, keySet(key), KEYS_TYPE, cached));
}
