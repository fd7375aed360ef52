import type { NodeStreams } from "../../client/node_streams.ts";
import type { ObjectRequest } from "../verbs/request.ts";
import type { OpenStreams } from "./open_streams.ts";

/** A subresource whose answer comes from a node, for as long as somebody reads it. */
export interface Stream {
  /** The last segment of its path, e.g. `log`; its kind lists it among its subresources. */
  subresource: string;
  answer(request: ObjectRequest): Promise<Response>;
}

/** What streams are made with. */
export interface StreamParts {
  nodeStreams: NodeStreams;
  open: OpenStreams;
}
