import { ApiError } from "../../client/api_error.ts";
import type { ApiMiddleware } from "../http/api_context.ts";
import { isAdmin } from "./admin.ts";

/** Concurrent writes: as kube-apiserver's `--max-mutating-requests-inflight`. */
export const WRITES_IN_FLIGHT_MAX = 200;
/** Of one user who is not the admin: a node that sends bodies slowly must not keep others waiting. */
export const WRITES_IN_FLIGHT_PER_USER_MAX = 50;

/** Answers 429 when too many writes are in flight, which bounds the memory of their bodies. */
export function limitInFlight(
  writesMax: number = WRITES_IN_FLIGHT_MAX,
  perUserMax: number = WRITES_IN_FLIGHT_PER_USER_MAX,
): ApiMiddleware {
  let writes = 0;
  const byUser = new Map<string, number>();
  return async (c, next) => {
    if (c.req.method === "GET" || c.req.method === "HEAD") return await next();
    const user = c.get("user");
    const { name } = user;
    const own = byUser.get(name) ?? 0;
    if (writes >= writesMax || (own >= perUserMax && !isAdmin(user))) {
      throw new ApiError("TooManyRequests", "Too many requests, please try again later.", {
        retryAfterSeconds: 1,
      });
    }
    writes++;
    byUser.set(name, own + 1);
    try {
      await next();
    } finally {
      writes--;
      const left = byUser.get(name)! - 1;
      if (left > 0) byUser.set(name, left);
      else byUser.delete(name);
    }
  };
}
