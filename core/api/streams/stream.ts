import type { NodeStreams } from "../../client/node_streams.ts";
import type { ObjectRequest } from "../verbs/request.ts";
import type { OpenStreams } from "./open_streams.ts";

/** A subresource whose answer is streamed from a node. */
export interface Stream {
  /** The last segment of the path, e.g. `log`. The kind declares it among its subresources. */
  subresource: string;
  answer(request: ObjectRequest): Promise<Response>;
}

/** What streams need. */
export interface StreamParts {
  nodeStreams: NodeStreams;
  open: OpenStreams;
}
