import { ApiError } from "../../client/api_error.ts";
import type { RequestInfo } from "../http/request_info.ts";

/** Why this one of several servers with one store cannot serve such a request now; `undefined`: it can. */
export type Standby = (request: "read" | "write") => string | undefined;

const RETRY_AFTER_SECONDS = 1;
/** What is read of the store. All else that is asked for by GET is done by the owner: streams, tunnels, proxies, logs. */
const STORED: readonly string[] = ["", "status", "scale"];

/** Refuses requests for objects that another server has to serve; health, version and discovery stay available. */
export function refuseOnStandby(standby: Standby, method: string, info: RequestInfo): void {
  if (!info.isResource && info.path !== "/apply") return;
  const isStored = !info.isResource || STORED.includes(info.subresource ?? "");
  const isRead = isStored && (method === "GET" || method === "HEAD");
  const why = standby(isRead ? "read" : "write");
  if (why === undefined) return;
  throw new ApiError("ServiceUnavailable", why, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
