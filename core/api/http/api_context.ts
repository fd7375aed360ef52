import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import type { RequestInfo } from "./request_info.ts";

/** Who asks. Group `system:masters` may do everything. */
export interface User {
  name: string;
  groups: readonly string[];
}

/** What the middleware learned about a request, and what its answer must carry. */
export interface ApiEnv {
  /** Absent when the app is called without a socket, by `app.request()`. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    requestId: string;
    info: RequestInfo;
    user: User;
    /** Whether what the user has shown still counts: for answers that go on for long. */
    isCurrent: () => boolean;
    /** Reads the body whole, within the limit. Call it once. */
    readBody: () => Promise<Uint8Array>;
    /** Reads YAML when it is this request's turn: `bytes` are what it is read from. */
    readInTurn: <T>(bytes: { length: number }, read: () => Promise<T>) => Promise<T>;
    /** Each becomes a `Warning` header of the answer. */
    warnings: string[];
  };
}

export type ApiContext = Context<ApiEnv>;
export type ApiMiddleware = MiddlewareHandler<ApiEnv>;
