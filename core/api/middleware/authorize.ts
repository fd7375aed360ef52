import { ApiError } from "../../client/api_error.ts";
import type { ApiMiddleware, User } from "../api_context.ts";
import { parsePath, type ResourcePath } from "../parse_path.ts";
import { ADMIN } from "../pki.ts";
import { ANONYMOUS } from "./authenticate.ts";

/** Open to everyone: probes and `kubectl version` ask before they know who they are. */
const OPEN_PATHS = /^\/(?:healthz|livez|readyz)(?:\/[\w-]+)?$|^\/version\/?$/;

/** Lets the admin do everything and everyone ask for health and version. Others are told who they are. */
export function authorize(): ApiMiddleware {
  return async (c, next) => {
    refuseUnlessAllowed(c.get("user"), c.req.method, () => new URL(c.req.url));
    await next();
  };
}

/** Throws Unauthorized for nobody, Forbidden, in Kubernetes' words, for somebody else than the admin. */
export function refuseUnlessAllowed(user: User, method: string, urlOf: () => URL): void {
  if (user.groups.includes(ADMIN.organization)) return;
  const url = urlOf();
  const isRead = method === "GET" || method === "HEAD";
  if (isRead && OPEN_PATHS.test(url.pathname)) return;
  if (user.name === ANONYMOUS.name) throw new ApiError("Unauthorized", "Unauthorized");
  const path = parsePath(url.pathname);
  if (!path) {
    const verb = method === "GET" ? "get" : method.toLowerCase();
    throw new ApiError(
      "Forbidden",
      `forbidden: User "${user.name}" cannot ${verb} path "${url.pathname}"`,
    );
  }
  throw forbidden(user, verbOf(method, path, url.searchParams), path);
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
function verbOf(method: string, path: ResourcePath, query: URLSearchParams): string {
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
      return isTrue(query.get("watch")) ? "watch" : "list";
  }
}

function isTrue(text: string | null): boolean {
  return text !== null && text !== "0" && text.toLowerCase() !== "false";
}
