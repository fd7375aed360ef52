import { ApiError } from "../../client/api_error.ts";
import { getQueryParam } from "hono/utils/url";
import { flag, type Query } from "./query_parameters.ts";
import { parseResourcePath, type ResourcePath } from "./resource_path.ts";

/**
 * What a user wants to do, with objects of a kind or with another path. Reviews ask about them, too.
 * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#review-your-request-attributes
 */
export type Attributes = ResourceAttributes | NonResourceAttributes;

export interface ResourceAttributes
  extends Pick<ResourcePath, "group" | "resource" | "subresource" | "namespace" | "name"> {
  isResource: true;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`; in reviews anything. */
  verb: string;
  /** As sent; `""` unless it is a `list`, `watch` or `deletecollection`. */
  fieldSelector: string;
}

export interface NonResourceAttributes {
  isResource: false;
  /** The method in lower case; `get` for HEAD, too. */
  verb: string;
  path: string;
}

/** A request for objects. */
export interface ResourceRequest extends ResourceAttributes, ResourcePath {}

/** What a request is about; worked out once per request. */
export type RequestInfo = ResourceRequest | NonResourceAttributes;

/** Reads method and absolute URL as Kubernetes does: apiserver `pkg/endpoints/request/requestinfo.go`. */
export function requestInfoOf(method: string, url: string): RequestInfo {
  const { pathname } = new URL(url);
  const path = parseResourcePath(pathname);
  if (!path) {
    const verb = method === "HEAD" ? "get" : method.toLowerCase();
    return { isResource: false, verb, path: pathname };
  }
  // Reads the query exactly as the handlers do: of several values of one name the first counts.
  const query: Query = (name) => getQueryParam(url, name) as string | undefined;
  const isOfCollection = path.name === undefined || path.isWatch;
  const fieldSelector = isOfCollection && query("fieldSelector") || "";
  return { isResource: true, verb: verbOf(method, path, query), fieldSelector, ...path };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb */
function verbOf(method: string, { name, isWatch }: ResourcePath, query: Query): string {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name ? "delete" : "deletecollection";
    default:
      if (isWatch) return "watch";
      if (name !== undefined) return "get";
      return flag(query, "watch") ? "watch" : "list";
  }
}

/** A target that begins with a slash is a path with a query, even if it begins with two. */
export function urlOfTarget(target: string): URL {
  const url = target.startsWith("/") ? URL.parse(`https://x${target}`) : URL.parse(target);
  if (url) return url;
  throw new ApiError("BadRequest", "the request target cannot be read as a path");
}
