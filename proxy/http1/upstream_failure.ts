import type { OwnAnswer } from "./own_answer.ts";
import type { UpstreamFailure } from "./upstream_connection.ts";

/** What the client is told when no endpoint of `backend` answered (RFC 9209 §2.3). */
export function answerToFailure(failure: UpstreamFailure, backend: string): OwnAnswer {
  const message = (what: string) => `Cannot forward the request: "${backend}" ${what}`;
  switch (failure.kind) {
    case "connect":
      return failure.failure === "timeout"
        ? {
          status: 504,
          error: "connection_timeout",
          message: message("could not be reached in time"),
        }
        : {
          status: 502,
          error: "connection_refused",
          message: message(
            failure.failure === "refused" ? "refused the connection" : "cannot be reached",
          ),
        };
    case "no answer":
      return {
        status: 502,
        error: "connection_terminated",
        message: message("closed the connection without an answer"),
      };
    case "bad answer":
      return {
        status: 502,
        error: "http_protocol_error",
        message: message(`sent a bad answer: ${failure.problem}`),
      };
    case "truncated":
      return {
        status: 502,
        error: "connection_terminated",
        message: message("closed the connection within its answer"),
      };
  }
}
