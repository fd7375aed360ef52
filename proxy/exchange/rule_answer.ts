import type { Scheme } from "../messages/forwarded_fields.ts";
import type { Head } from "../messages/head.ts";
import { type OwnAnswer, preflightAnswer, redirectAnswer } from "../protocol/own_answer.ts";
import type { CorsOutcome } from "../routing/cors.ts";
import { locationOf } from "../routing/redirect.ts";
import type { LiveRoute } from "../routing/route_matcher.ts";

/** The answer that a rule gives by itself, without a backend; `undefined`: none. */
export function ruleAnswer(
  { route, rule: { rule: { answer, redirect } } }: LiveRoute,
  { cors, ...came }: {
    cors: CorsOutcome | undefined;
    /** Of the connection that the request came on. */
    scheme: Scheme;
    port: number;
  },
  bytes: Uint8Array,
  head: Head,
): OwnAnswer | undefined {
  if (cors && "preflight" in cors) return preflightAnswer(cors.preflight);
  if (answer !== undefined) return answer;
  if (redirect === undefined) return undefined;
  const location = locationOf(redirect, { prefix: route.match.path.value, ...came }, bytes, head);
  return redirectAnswer(redirect.statusCode, location);
}
