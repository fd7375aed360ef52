import type { Duplex } from "node:stream";
import { pods } from "../resources/core/pods/pods.ts";
import { ApiError } from "./api_error.ts";
import type { ObjectName, View } from "./client.ts";
import type {
  AttachRequest,
  ExecRequest,
  LogOptions,
  NodeStreams,
  PodPort,
  SessionStart,
} from "./node_streams.ts";

export interface RoutedStreamsOptions {
  view: Pick<View, "get">;
  /** The agents that can be reached, by the names of their nodes. */
  nodes: ReadonlyMap<string, NodeStreams>;
}

/** Asks the agent of a pod's node. Throws at once when it cannot be reached. */
export class RoutedStreams implements NodeStreams {
  readonly #options: RoutedStreamsOptions;

  constructor(options: RoutedStreamsOptions) {
    this.#options = options;
  }

  logs(name: ObjectName, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#nodeOf(name, "logs").logs(name, options, signal);
  }

  async exec(name: ObjectName, request: ExecRequest): Promise<SessionStart> {
    return await this.#nodeOf(name, "commands").exec(name, request);
  }

  async attach(name: ObjectName, request: AttachRequest): Promise<SessionStart> {
    return await this.#nodeOf(name, "streams").attach(name, request);
  }

  async connect(name: ObjectName, target: PodPort): Promise<Duplex> {
    return await this.#nodeOf(name, "ports").connect(name, target);
  }

  #nodeOf(name: ObjectName, what: string): NodeStreams {
    const { view, nodes } = this.#options;
    const nodeName = view.get(pods, name)?.spec.nodeName;
    if (nodeName === undefined) {
      throw new ApiError("BadRequest", `pod ${name.name} does not have a host assigned`);
    }
    const node = nodes.get(nodeName);
    if (node !== undefined) return node;
    throw new ApiError(
      "NotImplemented",
      `${what} of pod "${name.name}" are not served: it runs on node "${nodeName}", to which this server has no connection yet; use that machine`,
    );
  }
}
