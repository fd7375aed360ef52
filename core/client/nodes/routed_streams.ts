import type { Duplex } from "node:stream";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { ApiError } from "../api_error.ts";
import type { ObjectName, View } from "../client.ts";
import type {
  AttachRequest,
  ExecRequest,
  LogOptions,
  NodeStreams,
  PodPort,
  SessionStart,
} from "../node_streams.ts";
import type { KubeletApi } from "./kubelet_api.ts";
import { UnreachableNode } from "./unreachable_node.ts";

export interface RoutedStreamsOptions {
  view: Pick<View, "get">;
  /** The agents that can be reached, by the names of their nodes: in this process, or through their tunnels. */
  nodes: { get(name: string): NodeStreams | undefined };
  /** The same agents, where others ask kubelets; absent: none can be asked. */
  kubelets?: { get(name: string): KubeletApi | undefined };
}

/** Streams of all nodes. The rest is absent where only one agent is meant. */
export type ClusterStreams = NodeStreams & Partial<Pick<RoutedStreams, "reach" | "kubeletOf">>;

/**
 * Asks the agent of a pod's node. One that cannot be reached is told as kube-apiserver tells it of a kubelet; connections
 * to ports reject with an {@linkcode UnreachableNode}, since what is said of them depends on who asks.
 */
export class RoutedStreams implements NodeStreams {
  readonly #options: RoutedStreamsOptions;

  constructor(options: RoutedStreamsOptions) {
    this.#options = options;
  }

  logs(name: ObjectName, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const pod = this.#podOf(name);
    const told = (error: unknown) => asked(`Get "${this.#logUrl(pod, options)}"`, error);
    try {
      return toldOf(this.#nodeOf(pod).logs(name, options, signal), told);
    } catch (error) {
      throw told(error);
    }
  }

  async exec(name: ObjectName, request: ExecRequest): Promise<SessionStart> {
    return await dialled(() => this.#nodeOf(this.#podOf(name)).exec(name, request));
  }

  async attach(name: ObjectName, request: AttachRequest): Promise<SessionStart> {
    return await dialled(() => this.#nodeOf(this.#podOf(name)).attach(name, request));
  }

  async connect(name: ObjectName, target: PodPort): Promise<Duplex> {
    return await this.#nodeOf(this.#podOf(name)).connect(name, target);
  }

  /** Throws an ApiError when the agent of the pod cannot be reached. */
  reach(name: ObjectName): void {
    try {
      this.#nodeOf(this.#podOf(name));
    } catch (error) {
      throw asked("error dialing backend", error);
    }
  }

  /** The agent of a node; `undefined`: it cannot be asked. */
  kubeletOf(node: string): KubeletApi | undefined {
    return this.#options.kubelets?.get(node);
  }

  #podOf(name: ObjectName): Pod {
    const pod = this.#options.view.get(pods, name);
    if (pod?.spec.nodeName !== undefined) return pod;
    throw new ApiError("BadRequest", `pod ${name.name} does not have a host assigned`);
  }

  #nodeOf({ spec: { nodeName = "" } }: Pod): NodeStreams {
    const node = this.#options.nodes.get(nodeName);
    if (node !== undefined) return node;
    throw UnreachableNode.notConnected(nodeName);
  }

  /** Where kube-apiserver would ask the kubelet for a log. */
  #logUrl({ metadata, spec: { nodeName = "" } }: Pod, { container, follow }: LogOptions): string {
    const host = addressOf(this.#options.view.get(nodes, { name: nodeName })) ?? nodeName;
    const path = `containerLogs/${metadata.namespace}/${metadata.name}/${container}`;
    return `https://${host}:10250/${path}${follow ? "?follow=true" : ""}`;
  }
}

/** Why an agent could not be asked, in front of what was tried; any other error as it is. */
function asked(what: string, error: unknown): unknown {
  if (!(error instanceof UnreachableNode)) return error;
  return new ApiError("InternalError", `${what}: ${error.message}`);
}

async function dialled<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asked("error dialing backend", error);
  }
}

async function* toldOf(
  log: AsyncIterable<Uint8Array>,
  told: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  let isOpen = false;
  try {
    for await (const piece of log) {
      isOpen = true;
      yield piece;
    }
  } catch (error) {
    throw isOpen && error instanceof UnreachableNode
      ? new ApiError("InternalError", error.message)
      : told(error);
  }
}

function addressOf(node: Node | undefined): string | undefined {
  const address = node?.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  return address?.includes(":") ? `[${address}]` : address;
}
