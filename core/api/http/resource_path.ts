import { subresourcesOf } from "../../objects/subresources/mod.ts";
import { namespaces } from "../../resources/core/namespaces.ts";

/** What a path of the Kubernetes API names. */
export interface ResourcePath {
  /** `""` for the core group, under `/api`. */
  group: string;
  version: string;
  /** Plural of the kind, e.g. `pods`. */
  resource: string;
  /** `undefined`: all namespaces, or a kind that has none. */
  namespace: string | undefined;
  /** `undefined`: a collection, or an object that is being created. */
  name: string | undefined;
  subresource: string | undefined;
  /** What follows the subresource, e.g. the path behind `pods/x/proxy/`. */
  rest: readonly string[];
  /** The old form `/api/v1/watch/…`. */
  isWatch: boolean;
}

/** Subresources of the namespace object itself: `/namespaces/NAME/status` is not a kind called `status`. */
const SUBRESOURCES_OF_NAMESPACE: readonly string[] = subresourcesOf(namespaces).map(({ name }) =>
  name
);

/**
 * Reads a path as Kubernetes' RequestInfo does (apiserver `pkg/endpoints/request/requestinfo.go`).
 * `undefined` for paths that name no resource: discovery, health, and what nobody serves.
 */
export function parseResourcePath(pathname: string): ResourcePath | undefined {
  const segments = decodedSegments(pathname);
  if (!segments) return undefined;
  const isCore = segments[0] === "api";
  if (!isCore && segments[0] !== "apis") return undefined;
  const [group, version] = isCore ? ["", segments[1]] : [segments[1], segments[2]];
  const rest = segments.slice(isCore ? 2 : 3);
  if (group === undefined || version === undefined || rest.length === 0) return undefined;
  const isWatch = rest[0] === "watch" && rest.length > 1;
  return { group, version, isWatch, ...namesIn(isWatch ? rest.slice(1) : rest) };
}

type Names = Omit<ResourcePath, "group" | "version" | "isWatch">;

function namesIn(segments: readonly string[]): Names {
  const [first, namespace, third] = segments;
  const isOfNamespace = segments.length === 3 && SUBRESOURCES_OF_NAMESPACE.includes(third!);
  return first === "namespaces" && segments.length > 2 && !isOfNamespace
    ? { namespace, ...objectIn(segments.slice(2)) }
    : { namespace: undefined, ...objectIn(segments) };
}

function objectIn(
  [resource, name, subresource, ...rest]: readonly string[],
): Omit<Names, "namespace"> {
  return { resource: resource!, name, subresource, rest };
}

/** `undefined` for a segment that is no percent-encoded UTF-8, or is empty in what names an object. */
function decodedSegments(pathname: string): string[] | undefined {
  const segments = pathname.replace(/^\//, "").replace(/\/$/, "").split("/");
  const proxied = proxiedFrom(segments);
  try {
    const named = segments.slice(0, proxied);
    const decoded = pathname.includes("%") ? named.map(decodeURIComponent) : named;
    // What is proxied is the business of who answers it.
    return decoded.includes("") ? undefined : [...decoded, ...segments.slice(proxied)];
  } catch {
    return undefined; // A stray percent sign.
  }
}

/** Where the path behind the subresource `proxy` begins; if there is none, the end. */
function proxiedFrom(segments: readonly string[]): number {
  if (segments[0] !== "api") return segments.length;
  const at = segments[2] === "namespaces" && segments.length > 6 ? 6 : 4;
  return segments[at] === "proxy" ? at + 1 : segments.length;
}
