import { parseJson } from "../../../lib/json/json_text.ts";
import { isJsonObject } from "../../../lib/json/json_value.ts";
import type { Authentication } from "../../../resources/argoproj/mod.ts";
import { basic, type OutgoingHeaders } from "../requests/redirects.ts";
import type { OutgoingAnswer } from "../requests/outgoing_requests.ts";
import type { ProviderParts } from "./provider.ts";

interface OauthOptions {
  isInsecure: boolean;
  timeoutMs: number;
  parts: Pick<ProviderParts, "send">;
}

const JSON_LIMITS = { depthMax: 20, valuesMax: 1_000 };
/** How much of a refusal is repeated. */
const REFUSAL_CHARS_MAX = 500;

/**
 * The header by which a client shows who it is: a token for its credentials (RFC 6749 §4.4), asked for anew each time.
 * The credentials are sent in a header at first, and in the body to a server that does not take them so. Rejects with the
 * words of golang.org/x/oauth2.
 */
export async function oauthHeaders(
  authentication: Authentication | undefined,
  options: OauthOptions,
  signal: AbortSignal,
): Promise<OutgoingHeaders> {
  const { tokenUrl, clientId, clientSecret, scopes = [] } = authentication?.oauth2 ?? {};
  if (!tokenUrl) return [];
  if (!clientId || !clientSecret) {
    throw new Error("missing mandatory parameter in metric for OAuth2 setup");
  }
  if (!URL.canParse(tokenUrl)) {
    throw new Error(`oauth2: cannot fetch token: "${tokenUrl}" is no URL`);
  }
  const asked = new URLSearchParams({ grant_type: "client_credentials" });
  if (scopes.length > 0) asked.set("scope", scopes.join(" "));
  const url = new URL(tokenUrl);
  const inHeader = basic(encodeURIComponent(clientId), encodeURIComponent(clientSecret));
  const first = await ask(url, asked, [["Authorization", inHeader]], options, signal);
  if (isToken(first)) return [["Authorization", tokenIn(first)]];
  asked.set("client_id", clientId);
  asked.set("client_secret", clientSecret);
  return [["Authorization", tokenIn(await ask(url, asked, [], options, signal))]];
}

async function ask(
  url: URL,
  form: URLSearchParams,
  headers: OutgoingHeaders,
  { parts, ...limits }: OauthOptions,
  signal: AbortSignal,
): Promise<OutgoingAnswer> {
  const type = ["Content-Type", "application/x-www-form-urlencoded"] as const;
  const body = form.toString();
  return await parts.send(
    { method: "POST", url, headers: [...headers, type], body, ...limits },
    signal,
  );
}

function isToken({ status }: OutgoingAnswer): boolean {
  return status >= 200 && status <= 299;
}

function tokenIn(answer: OutgoingAnswer): string {
  const text = new TextDecoder().decode(answer.body);
  if (!isToken(answer)) {
    const shown = text.slice(0, REFUSAL_CHARS_MAX);
    throw new Error(`oauth2: cannot fetch token: ${answer.status}\nResponse: ${shown}`);
  }
  const said = parseJson(text, JSON_LIMITS);
  const { access_token: token, token_type: type = "Bearer" } = isJsonObject(said) ? said : {};
  if (typeof token !== "string" || token === "" || typeof type !== "string") {
    throw new Error("oauth2: server response missing access_token");
  }
  return `${/^bearer$/i.test(type) ? "Bearer" : type} ${token}`;
}
