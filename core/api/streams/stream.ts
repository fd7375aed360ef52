import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ClusterStreams } from "../../client/nodes/routed_streams.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import type { ClusterUsage } from "../../usage/cluster_usage.ts";
import type { Objects } from "../../objects/objects.ts";
import type { User } from "../http/api_context.ts";
import type { ResourceRequest } from "../http/request_info.ts";
import type { NodeFeeds } from "../watch/feed/node_feeds.ts";
import type { ObjectRequest } from "../verbs/request.ts";
import type { Tunnels } from "../tunnels/tunnels.ts";
import type { OpenStreams } from "./open_streams.ts";

/** A subresource whose answer is streamed, e.g. from a node. */
export interface Stream {
  /** The last segment of the path, e.g. `log`. The kind declares it among its subresources. */
  subresource: string;
  /** The plural of the kind whose objects have it though the kind does not declare it: discovery does not show it then. */
  undeclaredOf?: string;
  /** Whether a path may follow: `proxy/a/b`. Such requests have bodies of any size, which are passed on. */
  takesPath?: true;
  /** Answers an ordinary request. Absent: there are only upgrades. */
  answer?(request: ObjectRequest): Promise<Response>;
  /**
   * Takes over the connection of a request for another protocol, answers it, and resolves when it needs the connection no
   * more. Throws an ApiError, before anything is written, to refuse. Absent: there are no upgrades.
   */
  upgrade?(request: UpgradeRequest): Promise<void>;
}

/** A request for another protocol. */
export interface Upgrade {
  incoming: IncomingMessage;
  socket: Duplex;
  /** The first bytes after the head of the request. */
  head: Uint8Array;
}

/** The same after authentication and authorization. */
export interface UpgradeRequest extends Upgrade {
  info: ResourceRequest;
  user: User;
  /** Whether the user's credential is still valid. */
  isCurrent: () => boolean;
  objects: Objects;
}

/** What streams need. */
export interface StreamParts {
  nodeStreams: ClusterStreams;
  open: OpenStreams;
  /** What nodes follow. */
  feeds: NodeFeeds;
  clock: Clock;
  random: Random;
  /** What nodes and pods use; absent: nobody knows. */
  usage?: ClusterUsage | undefined;
  /** The connections of nodes; absent: none are taken. */
  tunnels?: Tunnels | undefined;
}

export type StreamDefinition = (parts: StreamParts) => Stream;

/** By the names of their subresources. */
export function streamsOf(
  definitions: readonly StreamDefinition[],
  parts: StreamParts,
): ReadonlyMap<string, Stream> {
  return new Map(
    definitions.map((create) => create(parts)).map((stream) => [stream.subresource, stream]),
  );
}
