import { ApiError } from "../../client/api_error.ts";
import type { ApiContext, ApiMiddleware, AuditRecord, User } from "../http/api_context.ts";
import { type Attributes, type RequestInfo, requestInfoOf } from "../http/request_info.ts";
import { isAdmin } from "./admin.ts";
import { ANONYMOUS, type Authenticator, type Identity } from "./authenticator.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { impersonated, impersonationOf, rightsFor } from "./impersonation.ts";
import { markAuthenticated } from "./peer.ts";
import { refuseOnStandby, type Standby } from "./standby.ts";

/** The parts of a request that the gate needs. */
export interface RequestHead {
  readonly method: string;
  /** Absolute. Throws BadRequest when the target cannot be read. */
  readonly url: string;
  readonly authorization: string | undefined;
  /** All of them: names and values in turn, as they came. */
  readonly headers: readonly string[];
  /** Of the connection; `undefined` in tests. */
  readonly socket: object | undefined;
}

/** A request that has been authenticated and authorized. */
export interface Admitted extends Identity {
  info: RequestInfo;
  /** Who has sent the request, when it is done as somebody else. */
  sender?: User;
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

  /** Throws Unauthorized, Forbidden or ServiceUnavailable. `audit`: is told of the way there. */
  async admit(head: RequestHead, audit?: AuditRecord): Promise<Admitted> {
    const { authenticator, authorizer, standby } = this.#options;
    const { user: sender, isCurrent } = authenticator.identify(head.authorization, head.socket);
    // From now on the front does not close this connection in favour of strangers.
    if (sender.name !== ANONYMOUS.name) {
      markAuthenticated(head.socket, isAdmin(sender) ? undefined : sender.name);
    }
    const info = requestInfoOf(head.method, head.url);
    audit?.identified(sender, info);
    const user = await this.#actor(sender, head);
    if (user !== sender) audit?.impersonated(user);
    const decision = await authorizer.authorize(user, info);
    if (audit) annotateDecision(audit, decision);
    refuseUnlessAllowed(decision, user, info);
    if (standby) refuseOnStandby(standby, head.method, info);
    return { info, user, isCurrent, ...(user !== sender && { sender }) };
  }

  /** Whom the request is done as. Throws Forbidden when the sender may not be him. */
  async #actor(sender: User, { headers }: RequestHead): Promise<User> {
    const wanted = impersonationOf(headers);
    if (!wanted) return sender;
    const { authorizer } = this.#options;
    for (const right of rightsFor(wanted)) {
      refuseUnlessAllowed(await authorizer.authorize(sender, right), sender, right);
    }
    return impersonated(wanted);
  }
}

export function passGate(gate: Gate): ApiMiddleware {
  return async (c, next) => {
    const { incoming, insider } = c.env ?? {};
    const { info, user, isCurrent } = insider ? inside(c, insider) : await gate.admit({
      method: c.req.method,
      url: c.req.url,
      authorization: c.req.header("authorization"),
      headers: incoming?.rawHeaders ?? [...c.req.raw.headers].flat(),
      socket: incoming?.socket,
    }, c.get("audit"));
    c.set("info", info);
    c.set("user", user);
    c.set("isCurrent", isCurrent);
    await next();
  };
}

function inside(c: ApiContext, user: User): Admitted {
  const info = requestInfoOf(c.req.method, c.req.url);
  c.get("audit")?.identified(user, info);
  return { info, user, isCurrent: () => true };
}

function annotateDecision(audit: AuditRecord, { outcome, reason = "" }: Decision): void {
  audit.annotate("authorization.k8s.io/decision", outcome === "allow" ? "allow" : "forbid");
  audit.annotate("authorization.k8s.io/reason", reason);
}

/** Throws Unauthorized for an anonymous user, else Forbidden, in Kubernetes' words. */
function refuseUnlessAllowed({ outcome, reason }: Decision, user: User, info: Attributes): void {
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
