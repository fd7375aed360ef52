import type { Random } from "../../lib/random.ts";
import type { ApiMiddleware } from "./api_context.ts";

/** What a client may choose as the id of its request. */
const CLIENT_ID = /^[\w.-]{1,64}$/;

/** Gives every request an id, the client's `Audit-ID` if it has one; it appears in the answer and in the log. */
export function requestId(random: Random): ApiMiddleware {
  return async (c, next) => {
    const own = c.req.header("audit-id");
    c.set("requestId", own !== undefined && CLIENT_ID.test(own) ? own : random.uuid());
    c.set("warnings", []);
    await next();
  };
}
