import type { Cause } from "../schema/check.ts";

/** The reasons that Kubernetes uses, with their HTTP codes (apimachinery `meta/v1/types.go`, StatusReason). */
export const CODE_OF_REASON = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  NotImplemented: 501,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;
export type Reason = keyof typeof CODE_OF_REASON;

export interface ErrorDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: readonly Cause[];
  retryAfterSeconds?: number;
}

/** A refusal: the caller's fault (or the server's own 5xx), with the words that Kubernetes would use. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly reason: Reason,
    message: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message);
  }
  /** Of the answer. */
  get code(): number {
    return CODE_OF_REASON[this.reason];
  }
  /** As the answer says it; `undefined`: it says none. */
  get shownReason(): string | undefined {
    return this.reason;
  }
}

/** A refusal with a code and a reason that are not among Kubernetes' own, such as a webhook chooses, or with no reason. */
export class OtherRefusal extends ApiError {
  constructor(
    message: string,
    readonly answer: { readonly code: number; readonly reason?: string },
    details: ErrorDetails = {},
  ) {
    super(answer.code < 500 ? "BadRequest" : "InternalError", message, details);
  }
  override get code(): number {
    return this.answer.code;
  }
  override get shownReason(): string | undefined {
    return this.answer.reason;
  }
}

/** A refusal by the path, before anybody looks at the object: its details are empty, not absent. */
export class PathRefusal extends ApiError {}

/** Whether `error` is a refusal for the given reason. */
export function isRefusal(error: unknown, reason: Reason): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}

/**
 * The refusal in a `Status` of the API, from an answer or an ERROR event. `undefined` when `value` is not a Status, or has an
 * unknown reason.
 */
export function apiErrorOf(value: unknown): ApiError | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, reason, message, details } = value as Record<string, unknown>;
  if (kind !== "Status" || typeof reason !== "string" || !isReason(reason)) return undefined;
  const words = typeof message === "string" ? message : reason;
  const isDetailed = typeof details === "object" && details !== null;
  return new ApiError(reason, words, isDetailed ? details as ErrorDetails : {});
}

function isReason(text: string): text is Reason {
  return Object.hasOwn(CODE_OF_REASON, text);
}
