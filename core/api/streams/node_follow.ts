import { methodNotAllowed, nameOf, type ObjectRequest } from "../verbs/request.ts";
import type { Stream, StreamParts } from "./stream.ts";

/**
 * GET nodes/NAME/follow: all that the node follows, in one stream, see `core/client/feed/feed_lines.ts`. Kubernetes has a
 * watch for each kind and each Secret instead. The Node itself need not exist yet.
 */
export function nodeFollow({ feeds }: StreamParts): Stream {
  return {
    subresource: "follow",
    answer: (request) => Promise.resolve(follow(request, feeds)),
  };
}

function follow(request: ObjectRequest, feeds: StreamParts["feeds"]): Response {
  const { c } = request;
  if (c.req.method !== "GET") throw methodNotAllowed();
  const { name } = nameOf(request);
  return feeds.open(c, name);
}
