import { ApiError, type ErrorDetails, PathRefusal, type Reason } from "../../client/api_error.ts";
import type { Log } from "../../lib/log.ts";
import { ConflictError, ExpiredError } from "../../store/store.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: { continue?: string };
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: ErrorDetails;
  code: number;
}

/** A list whose pages are no longer kept; `continueToken` goes on with what is there now. */
export class ExpiredListError extends ApiError {
  constructor(message: string, readonly continueToken: string) {
    super("Expired", message);
  }
}

/** The only place that turns errors into answers. Unexpected ones are logged; the client gets only the request id. */
export function statusFor(error: unknown, requestId: string, log: Log): Status {
  const refusal = refusalFor(error);
  if (refusal) return failure(refusal);
  log.error("Cannot answer a request", { requestId, error, stack: stackOf(error) });
  return failure(
    new ApiError(
      "InternalError",
      `Internal error occurred: see the server's log for request ${requestId}`,
      {
        causes: [],
      },
    ),
  );
}

/** The Status of a refusal, also as the object of an ERROR event. */
export function failure(error: ApiError): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: error instanceof ExpiredListError ? { continue: error.continueToken } : {},
    status: "Failure",
    message: error.message,
    ...(error.shownReason && { reason: error.shownReason }),
    ...(hasDetails(error) ? { details: error.details } : {}),
    code: error.code,
  };
}

/** Kubernetes gives empty details for what is invalid as a whole. A path that is not served has empty details too; `kubectl debug` crashes when they are missing. */
function hasDetails(error: ApiError): boolean {
  const { reason, details } = error;
  return error instanceof PathRefusal || WITH_DETAILS.has(reason) ||
    Object.keys(details).length > 0;
}

const WITH_DETAILS: ReadonlySet<Reason> = new Set(["NotFound", "Invalid", "MethodNotAllowed"]);

/** The answer to a creation that shows no object. */
export function succeeded(code: number): Status {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code };
}

/** The answer to DELETE when the object is gone: the only Status without a code. */
export function deleted(details: ErrorDetails): Omit<Status, "code"> {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

/** `undefined` for a fault of the server. */
export function refusalFor(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof ExpiredError) return new ApiError("Expired", error.message);
  if (error instanceof ConflictError) {
    const [resource, , name] = error.key;
    return new ApiError(
      error.expected === 0 ? "AlreadyExists" : "Conflict",
      error.expected === 0
        ? `${resource} "${name}" already exists`
        : `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      { name, kind: resource },
    );
  }
  return undefined;
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
