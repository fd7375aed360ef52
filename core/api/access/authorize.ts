import { ApiError } from "../../client/api_error.ts";
import { type FieldSelector, parseFieldSelector } from "../../schema/field_selectors.ts";
import { SelectorError } from "../../schema/selectors.ts";
import { nodeOf } from "./node_identity.ts";
import { type Attributes, isNodesRight, type RightsView } from "./node_rights.ts";
import type { ApiMiddleware, User } from "../http/api_context.ts";
import { parsePath, type ResourcePath } from "./parse_path.ts";
import { ADMIN } from "./pki.ts";
import { REVIEWS } from "./reviews.ts";
import { ANONYMOUS, AUTHENTICATED } from "./authenticate.ts";

/** Open to everyone: probes and `kubectl version` ask before they know who they are. */
const OPEN_PATHS = /^\/(?:healthz|livez|readyz)(?:\/[\w-]+)?$|^\/version\/?$/;

/** What a request aims at, as whoever answers it reads it. */
export interface Target {
  path: string;
  query: Readonly<Record<string, string>>;
}

/** Refuses what the user may not do. */
export function authorize(authorizer: Authorizer): ApiMiddleware {
  return async (c, next) => {
    const parts = () => ({ path: new URL(c.req.url).pathname, query: c.req.query() });
    authorizer.refuseUnlessAllowed(c.get("user"), c.req.method, parts);
    await next();
  };
}

/**
 * Who may do what: the admin everything, the agent of a node what it needs, whoever is known ask about himself, and
 * everyone ask for health and version. Of what a node creates, `node_restriction.ts` looks at the body.
 */
export class Authorizer {
  readonly #view: RightsView;

  constructor(view: RightsView) {
    this.#view = view;
  }

  /** Throws Unauthorized for nobody, Forbidden, in Kubernetes' words, for somebody who may not. */
  refuseUnlessAllowed(user: User, method: string, target: () => Target): void {
    if (user.groups.includes(ADMIN.organization)) return;
    const { path: pathname, query } = target();
    const verb = method === "GET" || method === "HEAD" ? "get" : method.toLowerCase();
    if (this.allowsPath(user, verb, pathname)) return;
    if (user.name === ANONYMOUS.name) throw new ApiError("Unauthorized", "Unauthorized");
    const path = parsePath(pathname);
    if (!path) {
      throw new ApiError(
        "Forbidden",
        `forbidden: User "${user.name}" cannot ${verb} path "${pathname}"`,
      );
    }
    const attributes = attributesOf(method, path, query);
    if (!this.allows(user, attributes)) throw forbidden(user, attributes.verb, path);
  }

  /** Whether the user may do something with objects. */
  allows(user: User, attributes: Attributes): boolean {
    if (user.groups.includes(ADMIN.organization)) return true;
    if (user.groups.includes(AUTHENTICATED) && isReview(attributes)) return true;
    const node = nodeOf(user);
    return node !== undefined && isNodesRight(node, attributes, this.#view);
  }

  /** Whether the user may do something with a path that names no objects. */
  allowsPath(user: User, verb: string, path: string): boolean {
    return user.groups.includes(ADMIN.organization) || (verb === "get" && OPEN_PATHS.test(path));
  }
}

function attributesOf(method: string, path: ResourcePath, query: Target["query"]): Attributes {
  const { group, plural: resource, subresource, namespace, name } = path;
  const verb = verbOf(method, path, query);
  const fields = fieldsOf(query["fieldSelector"] ?? "");
  return { verb, group, resource, subresource, namespace, name, fields };
}

/** Of a selector that cannot be read nothing is known; it is refused later, by whoever reads it for what it selects. */
function fieldsOf(text: string): FieldSelector {
  try {
    return parseFieldSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) return [];
    throw error;
  }
}

/** Questions about oneself: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles (system:basic-user) */
function isReview({ verb, group, resource, subresource, name }: Attributes): boolean {
  return verb === "create" && subresource === undefined && name === undefined &&
    REVIEWS.some((one) => one.group === group && one.plural === resource);
}

function forbidden(user: User, verb: string, path: ResourcePath): ApiError {
  const { group, plural, namespace, name, subresource } = path;
  const resource = subresource ? `${plural}/${subresource}` : plural;
  const named = name ? ` "${name}"` : "";
  const where = namespace ? `in the namespace "${namespace}"` : "at the cluster scope";
  return new ApiError(
    "Forbidden",
    `${group ? `${plural}.${group}` : plural}${named} is forbidden: User "${user.name}" cannot ` +
      `${verb} resource "${resource}" in API group "${group}" ${where}`,
    { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: plural },
  );
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb */
function verbOf(method: string, path: ResourcePath, query: Target["query"]): string {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return path.name ? "delete" : "deletecollection";
    default:
      if (path.isWatch) return "watch";
      if (path.name !== undefined) return "get";
      return isTrue(query["watch"]) ? "watch" : "list";
  }
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && text !== "0" && text.toLowerCase() !== "false";
}
