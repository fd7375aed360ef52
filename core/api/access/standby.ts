import { ApiError } from "../../client/api_error.ts";
import type { RequestInfo } from "../http/request_info.ts";

/** Of servers that share a store: why this one cannot do such a request at this moment; `undefined`: it can. */
export type Standby = (request: "read" | "write") => string | undefined;

const RETRY_AFTER_SECONDS = 1;

/** Refuses requests for objects that another server has to answer. Health, version and discovery stay open. */
export function refuseOnStandby(standby: Standby, method: string, info: RequestInfo): void {
  if (!info.isResource && info.path !== "/apply") return;
  const why = standby(method === "GET" || method === "HEAD" ? "read" : "write");
  if (why === undefined) return;
  throw new ApiError("ServiceUnavailable", why, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
