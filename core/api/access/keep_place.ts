import type { IncomingMessage } from "node:http";
import type { ApiMiddleware } from "../http/api_context.ts";
import { recognize } from "./peer.ts";
import { ADMIN } from "./pki.ts";
import { ANONYMOUS } from "./authenticate.ts";

/** Keeps the place of a connection on which somebody has shown who he is: strangers do not take it from now on. */
export function keepPlace(): ApiMiddleware {
  return async (c, next) => {
    const socket = (c.env?.incoming as IncomingMessage | undefined)?.socket;
    const { name, groups } = c.get("user");
    if (name !== ANONYMOUS.name) {
      recognize(socket, groups.includes(ADMIN.organization) ? undefined : name);
    }
    await next();
  };
}
