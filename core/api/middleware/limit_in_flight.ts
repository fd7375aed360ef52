import { ApiError } from "../../client/api_error.ts";
import type { ApiMiddleware } from "../api_context.ts";

/** Writes under way at once: as kube-apiserver's `--max-mutating-requests-inflight`. */
export const WRITES_IN_FLIGHT_MAX = 200;

/** Asks writers to come back when too many are under way, so that their bodies stay bounded in sum. */
export function limitInFlight(writesMax: number = WRITES_IN_FLIGHT_MAX): ApiMiddleware {
  let writes = 0;
  return async (c, next) => {
    if (c.req.method === "GET" || c.req.method === "HEAD") return await next();
    if (writes >= writesMax) {
      throw new ApiError("TooManyRequests", "Too many requests, please try again later.", {
        retryAfterSeconds: 1,
      });
    }
    writes++;
    try {
      await next();
    } finally {
      writes--;
    }
  };
}
