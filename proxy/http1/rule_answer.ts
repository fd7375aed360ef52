import type { Rule } from "../table/route_table.ts";
import { type CorsOutcome, corsOutcome, corsRequestOf } from "../routing/cors.ts";
import type { Scheme } from "../messages/forwarded_fields.ts";
import type { Head } from "../messages/head.ts";
import { locationOf } from "./head_edit.ts";
import { type Manner, preflightAnswer, redirectAnswer } from "./own_answer.ts";

/** What the CORS filter of a rule makes of a request; `undefined`: it has none. */
export function corsOf(
  { cors }: Rule,
  bytes: Uint8Array,
  headEnd: number,
  head: Head,
): CorsOutcome | undefined {
  return cors && corsOutcome(cors, corsRequestOf(bytes, headEnd, head));
}

/** The answer that a rule gives by itself, without a backend; `undefined`: none. */
export function ruleAnswer(
  { rule: { redirect }, prefix, cors, scheme, port }: {
    rule: Rule;
    /** What the PathPrefix of the match is. */
    prefix: string;
    cors: CorsOutcome | undefined;
    /** Of the connection that the request came on. */
    scheme: Scheme;
    port: number;
  },
  bytes: Uint8Array,
  head: Head,
): ((manner: Manner) => Uint8Array) | undefined {
  if (cors && "preflight" in cors) return (manner) => preflightAnswer(cors.preflight, manner);
  if (redirect === undefined) return undefined;
  const location = locationOf(redirect, { prefix, scheme, port }, bytes, head);
  return (manner) => redirectAnswer(redirect.statusCode, location, manner);
}
