import type { HeaderValue } from "../table/route_table.ts";
import type { UpstreamFailure } from "./downstream.ts";

/** What the proxy itself answers, in no protocol yet. */
export interface OwnAnswer {
  readonly status: number;
  readonly fields: readonly HeaderValue[];
  /** A sentence for people; `undefined`: there is no body, not even an empty one. */
  readonly body: string | undefined;
  /** Of the body; absent: plain text. */
  readonly contentType?: string;
  /** The request cannot be understood: nothing that follows it on its connection can be trusted. */
  readonly isRefusal?: true;
}

/** Why the proxy answers in place of an endpoint, in the words of RFC 9209 §2.3. */
export type ProxyError =
  | "connection_refused"
  | "connection_terminated"
  | "connection_timeout"
  | "destination_not_found"
  | "destination_unavailable"
  | "http_protocol_error"
  | "http_request_error"
  | "http_response_timeout"
  | "proxy_configuration_error";

/** Says what went wrong, in the body and in `Proxy-Status` (RFC 9209). */
export function problemAnswer(status: number, error: ProxyError, message: string): OwnAnswer {
  const fields = [{ name: "Proxy-Status", value: `coracle; error=${error}` }];
  return { status, fields, body: `${message}\n` };
}

export function refusal(status: number, problem: string): OwnAnswer {
  const answer = problemAnswer(
    status,
    "http_request_error",
    `Cannot read the request: ${problem}`,
  );
  return { ...answer, isRefusal: true };
}

export function redirectAnswer(status: number, location: string): OwnAnswer {
  const value = location.replace(/[^\x21-\x7e]/g, (c) => encodeURIComponent(c));
  return { status, fields: [{ name: "Location", value }], body: "" };
}

/** The answer to a preflight request, which is all in its fields. */
export function preflightAnswer(fields: readonly HeaderValue[]): OwnAnswer {
  return { status: 204, fields, body: undefined };
}

/** What the client is told when no endpoint answered (RFC 9209 §2.3). It learns nothing of who should have. */
export function answerToFailure(failure: UpstreamFailure): OwnAnswer {
  const message = (what: string) => `Cannot forward the request: the backend ${what}`;
  switch (failure.kind) {
    case "connect":
      return failure.failure === "timeout"
        ? problemAnswer(504, "connection_timeout", message("could not be reached in time"))
        : problemAnswer(
          502,
          "connection_refused",
          message(
            failure.failure === "refused" ? "refused the connection" : "cannot be reached",
          ),
        );
    case "no answer":
      return problemAnswer(
        502,
        "connection_terminated",
        message("closed the connection without an answer"),
      );
    case "bad answer":
      return problemAnswer(
        502,
        "http_protocol_error",
        message(`sent a bad answer: ${failure.problem}`),
      );
    case "truncated":
      return problemAnswer(
        502,
        "connection_terminated",
        message("closed the connection within its answer"),
      );
  }
}

/** No route of the listener fits. */
export const NO_ROUTE: OwnAnswer = problemAnswer(
  404,
  "destination_not_found",
  "Cannot forward the request: no route is for its host and path",
);

/**
 * The client has asked for another host by TLS than by HTTP, and they are not of one listener. It may ask again by another
 * connection: RFC 9110, section 15.5.20.
 */
export const MISDIRECTED: OwnAnswer = problemAnswer(
  421,
  "destination_not_found",
  "Cannot forward the request: this connection is for another host",
);

/** A route that names no backend, or none that exists. Which one, its status says. */
export const BROKEN_ROUTE: OwnAnswer = problemAnswer(
  500,
  "proxy_configuration_error",
  "Cannot forward the request: its route is not set up correctly",
);

/** A backend without a ready endpoint. */
export const NOBODY_READY: OwnAnswer = problemAnswer(
  503,
  "destination_unavailable",
  "Cannot forward the request: nobody can answer it at the moment",
);

/** A backend that has not answered within the limits of the route or the listener. */
export const LATE_ANSWER: OwnAnswer = problemAnswer(
  504,
  "http_response_timeout",
  "Cannot forward the request: the answer did not come in time",
);
