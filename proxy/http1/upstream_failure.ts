import type { OwnAnswer } from "./own_answer.ts";
import type { UpstreamFailure } from "../protocol/upstream.ts";

/** What the client is told when no endpoint answered (RFC 9209 §2.3). It learns nothing of who should have. */
export function answerToFailure(failure: UpstreamFailure): OwnAnswer {
  const message = (what: string) => `Cannot forward the request: the backend ${what}`;
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

/** No route of the listener fits. */
export const NO_ROUTE: OwnAnswer = {
  status: 404,
  error: "destination_not_found",
  message: "Cannot forward the request: no route is for its host and path",
};

/** A route that names no backend, or none that exists. Which one, its status says. */
export const BROKEN_ROUTE: OwnAnswer = {
  status: 500,
  error: "proxy_configuration_error",
  message: "Cannot forward the request: its route is not set up correctly",
};

/** A backend without a ready endpoint. */
export const NOBODY_READY: OwnAnswer = {
  status: 503,
  error: "destination_unavailable",
  message: "Cannot forward the request: nobody can answer it at the moment",
};

/** A backend that has not answered within the limits of the route or the listener. */
export const LATE_ANSWER: OwnAnswer = {
  status: 504,
  error: "http_response_timeout",
  message: "Cannot forward the request: the answer did not come in time",
};
