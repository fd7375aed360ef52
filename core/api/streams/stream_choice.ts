import { subresourceOf } from "../../objects/subresources/mod.ts";
import type { ServedKinds } from "../discovery/served_kinds.ts";
import type { ResourceRequest } from "../http/request_info.ts";
import { isUndeclared } from "../verbs/subresource_verbs.ts";
import type { Stream } from "./stream.ts";

/** The stream that a request asks for; `undefined`: there is none. */
export function streamOf(
  { kinds, streams }: { kinds: ServedKinds; streams: ReadonlyMap<string, Stream> },
  request: ResourceRequest,
): Stream | undefined {
  const { group, version, resource, subresource = "" } = request;
  const kind = kinds.find(group, version, resource);
  const stream = streams.get(subresource);
  if (!kind || !stream) return undefined;
  const isServed = stream.undeclaredOf === undefined
    ? subresourceOf(kind.resource, subresource) !== undefined
    : isUndeclared(stream.undeclaredOf, request);
  return isServed ? stream : undefined;
}
