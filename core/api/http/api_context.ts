import type { HttpBindings } from "@hono/node-server";
import type { UserInfo } from "../../client/user_info.ts";
import type { Annotate } from "../../client/write_options.ts";
import type { Context, MiddlewareHandler } from "hono";
import type { RequestInfo } from "./request_info.ts";

/** Who sends a request. Group `system:masters` may do everything. */
export type User = UserInfo;

/** Takes what the audit log tells of a request. */
export interface AuditRecord {
  /** Who has sent the request; he may do it as somebody else. */
  identified(sender: User, info: RequestInfo): void;
  impersonated(user: User): void;
  /** The first value of a key counts. For the gate and for admission. */
  annotate: Annotate;
  /** The whole body of the request. */
  read(bytes: Uint8Array): void;
}

/** What the middleware has found out about a request, and what its answer must contain. */
export interface ApiEnv {
  /**
   * Absent when the app is called without a socket, by `app.request()`. `insider`: a part of the server that asks it in
   * its own process; it needs no credential.
   */
  Bindings: Partial<HttpBindings> & { insider?: User };
  Variables: {
    requestId: string;
    info: RequestInfo;
    user: User;
    /** Whether the user's credential is still valid: for long-lived answers. */
    isCurrent: () => boolean;
    /** Reads the whole body, up to the limit. Call it once. */
    readBody: () => Promise<Uint8Array>;
    /** Calls `read` when few enough other requests parse YAML. `bytes`: the YAML. */
    readInTurn: <T>(bytes: { length: number }, read: () => Promise<T>) => Promise<T>;
    /** Each becomes a `Warning` header of the answer. */
    warnings: string[];
    /** Say which flow the request belongs to. */
    flowHeaders: Readonly<Record<string, string>>;
    /** Absent: there is no audit log. */
    audit?: AuditRecord;
  };
}

export type ApiContext = Context<ApiEnv>;
export type ApiMiddleware = MiddlewareHandler<ApiEnv>;
