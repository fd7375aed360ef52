import { ApiError, CODE_OF_REASON, type Reason } from "../api_error.ts";
import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { messageOf } from "../../lib/error_message.ts";

/** No message of an error is longer. */
const MESSAGE_CHARACTERS_MAX = 4_096;
/** Reasons that an agent may give. Others would make clients do things, such as to ask for a password. */
const REASONS: ReadonlySet<Reason> = new Set([
  "BadRequest",
  "Forbidden",
  "NotFound",
  "MethodNotAllowed",
  "TooManyRequests",
  "InternalError",
  "NotImplemented",
  "ServiceUnavailable",
]);

/** An error as a message: a refusal with its reason, anything else in its own words. */
export function refusalMessage(error: unknown): object {
  const message = messageOf(error);
  return error instanceof ApiError ? { refused: error.reason, message } : { message };
}

/** An answer that grants what was asked. Throws what the agent has refused with. */
export function grantOf(answer: unknown): JsonObject {
  if (!isJsonObject(answer)) throw new Error("the agent has ended the stream without an answer");
  if (answer["granted"] === true) return answer;
  const { refused, message } = answer;
  const words = wordsOf(message);
  if (typeof refused !== "string") throw new Error(words);
  throw new ApiError(isReason(refused) ? refused : "InternalError", words);
}

/** Words of an agent, without what would move the cursor of a terminal. */
export function wordsOf(message: unknown): string {
  const text = typeof message === "string" ? message : "the agent does not say why";
  // deno-lint-ignore no-control-regex -- these are what it looks for
  return text.slice(0, MESSAGE_CHARACTERS_MAX).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\ufffd");
}

function isReason(text: string): text is Reason {
  return Object.hasOwn(CODE_OF_REASON, text) && REASONS.has(text as Reason);
}
