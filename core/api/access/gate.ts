import { ApiError } from "../../client/api_error.ts";
import type { ApiMiddleware, User } from "../http/api_context.ts";
import { type RequestInfo, requestInfoOf } from "../http/request_info.ts";
import { isAdmin } from "./admin.ts";
import { ANONYMOUS, type Authenticator, type Identity } from "./authenticator.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { refuseImpersonation } from "./impersonation.ts";
import { markAuthenticated } from "./peer.ts";
import { refuseOnStandby, type Standby } from "./standby.ts";

/** The parts of a request that the gate needs. */
export interface RequestHead {
  readonly method: string;
  /** Absolute. Throws BadRequest when the target cannot be read. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly headerNames: Iterable<string>;
  /** Of the connection; `undefined` in tests. */
  readonly socket: object | undefined;
}

/** A request that has been authenticated and authorized. */
export interface Admitted extends Identity {
  info: RequestInfo;
}

interface GateOptions {
  authenticator: Authenticator;
  authorizer: Authorizer;
  /** Absent: no other server shares the store. */
  standby?: Standby;
}

/** Authenticates and authorizes every request, including upgrades to another protocol. */
export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Throws Unauthorized, Forbidden or ServiceUnavailable. */
  async admit(head: RequestHead): Promise<Admitted> {
    const { authenticator, authorizer, standby } = this.#options;
    const { user, isCurrent } = authenticator.identify(head.authorization, head.socket);
    // From now on the front does not close this connection in favour of strangers.
    if (user.name !== ANONYMOUS.name) {
      markAuthenticated(head.socket, isAdmin(user) ? undefined : user.name);
    }
    const info = requestInfoOf(head.method, head.url);
    refuseUnlessAllowed(await authorizer.authorize(user, info), user, info);
    refuseImpersonation(head.headerNames);
    if (standby) refuseOnStandby(standby, head.method, info);
    return { info, user, isCurrent };
  }
}

export function passGate(gate: Gate): ApiMiddleware {
  return async (c, next) => {
    const { incoming } = c.env ?? {};
    const { info, user, isCurrent } = await gate.admit({
      method: c.req.method,
      url: c.req.url,
      authorization: c.req.header("authorization"),
      headerNames: c.req.raw.headers.keys(),
      socket: incoming?.socket,
    });
    c.set("info", info);
    c.set("user", user);
    c.set("isCurrent", isCurrent);
    await next();
  };
}

/** Throws Unauthorized for an anonymous user, else Forbidden, in Kubernetes' words. */
function refuseUnlessAllowed({ outcome, reason }: Decision, user: User, info: RequestInfo): void {
  if (outcome === "allow") return;
  if (user.name === ANONYMOUS.name) throw new ApiError("Unauthorized", "Unauthorized");
  const why = reason ? `: ${reason}` : "";
  if (!info.isResource) {
    const { verb, path } = info;
    throw new ApiError(
      "Forbidden",
      `forbidden: User "${user.name}" cannot ${verb} path "${path}"${why}`,
    );
  }
  const { verb, group, resource, namespace, name, subresource } = info;
  const groupResource = group ? `${resource}.${group}` : resource;
  const about = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace "${namespace}"` : "at the cluster scope";
  throw new ApiError(
    "Forbidden",
    `${groupResource}${name ? ` "${name}"` : ""} is forbidden: User "${user.name}" cannot ` +
      `${verb} resource "${about}" in API group "${group}" ${where}${why}`,
    { ...(name && { name }), ...(group && { group }), kind: resource },
  );
}
