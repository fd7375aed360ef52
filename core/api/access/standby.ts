import { ApiError } from "../../client/api_error.ts";
import type { RequestInfo } from "../http/request_info.ts";

/** Why this one of several servers with one store cannot serve such a request now; `undefined`: it can. */
export type Standby = (request: "read" | "write") => string | undefined;

const RETRY_AFTER_SECONDS = 1;

/** Refuses requests for objects that another server has to serve; health, version and discovery stay available. */
export function refuseOnStandby(standby: Standby, method: string, info: RequestInfo): void {
  if (!info.isResource && info.path !== "/apply") return;
  const why = standby(method === "GET" || method === "HEAD" ? "read" : "write");
  if (why === undefined) return;
  throw new ApiError("ServiceUnavailable", why, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
