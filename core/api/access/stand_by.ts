import { ApiError } from "../../client/api_error.ts";
import type { ApiMiddleware } from "../http/api_context.ts";
import { parsePath } from "./parse_path.ts";

/** Why this server cannot do such a request at this moment; `undefined`: it can. */
export type Gate = (request: "read" | "write") => string | undefined;

const RETRY_AFTER_SECONDS = 1;

/** Refuses requests for objects that another server has to answer. Health, version and discovery stay open. */
export function standBy(gate: Gate): ApiMiddleware {
  return async (c, next) => {
    const { pathname } = new URL(c.req.url);
    if (pathname === "/apply" || parsePath(pathname)) {
      const isRead = c.req.method === "GET" || c.req.method === "HEAD";
      const why = gate(isRead ? "read" : "write");
      if (why !== undefined) {
        throw new ApiError("ServiceUnavailable", why, { retryAfterSeconds: RETRY_AFTER_SECONDS });
      }
    }
    await next();
  };
}
