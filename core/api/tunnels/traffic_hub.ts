import type { View } from "../../client/client.ts";
import type { StreamHead, StreamKind, Tunnel } from "../../client/tunnel/tunnel.ts";
import type { Clock } from "../../lib/clock.ts";
import { type ByteEnd, join, type Passed } from "../../lib/mux/joins.ts";
import { dialTcp, type TcpConnection } from "../../lib/tcp/connections.ts";
import { connectTo } from "../../traffic/far/far_connections.ts";
import { podOf, podTargetIn } from "../../traffic/far/pod_targets.ts";
import { dialReason, type PodTarget } from "../../traffic/far/relaying.ts";

const CONNECT_MS = 5_000;

export interface TrafficHubOptions {
  view: View;
  clock: Clock;
  /** The tunnel of a node, while it is connected. */
  tunnelOf(node: string): Pick<Tunnel, "open"> | undefined;
  /** The server's own node; absent: it runs no pods. */
  own?: {
    node: string;
    dial(target: PodTarget, signal: AbortSignal): Promise<TcpConnection>;
  };
  /** Where the API listens, for connections from this machine. */
  api: () => { hostname: string; port: number } | undefined;
}

/** What has gone between nodes through the server. */
export interface HubCounts extends Passed {
  open: number;
  opened: number;
  refused: number;
}

/**
 * Passes connections of nodes on to pods of other nodes. Only ports of pods are reached, by what the cluster knows of them:
 * which node a pod is on and which address it has. Whatever else is asked for, such as the server's own ports, addresses of
 * nodes or of clouds' metadata, is nobody's.
 */
export class TrafficHub {
  readonly counts: HubCounts = { open: 0, opened: 0, refused: 0, forth: 0, back: 0 };
  readonly #options: TrafficHubOptions;

  constructor(options: TrafficHubOptions) {
    this.#options = options;
  }

  /** Connections of nodes to pods elsewhere. */
  get pods(): StreamKind {
    const answer: StreamKind["answer"] = (...args) => this.#answerPod(...args);
    return { kind: "tcp", answer };
  }

  /** Connections of pods on other nodes to the API, which knows who they are by what they say inside. */
  get api(): StreamKind {
    return { kind: "apiserver", answer: (stream, _, signal) => this.#answerApi(stream, signal) };
  }

  async #answerPod(stream: ByteEnd, head: StreamHead, signal: AbortSignal): Promise<void> {
    const { own } = this.#options;
    await this.#counted(async () => {
      const target = this.#allowed(head);
      if (target.node === own?.node) {
        return await connectTo(stream, () => own.dial(target, signal), this.counts);
      }
      const tunnel = this.#options.tunnelOf(target.node);
      if (tunnel === undefined) throw unreachable(`node "${target.node}" is not connected`);
      await join(stream, tunnel.open({ ...target }), this.counts);
    });
  }

  async #answerApi(stream: ByteEnd, signal: AbortSignal): Promise<void> {
    const { clock, api } = this.#options;
    const place = api();
    await this.#counted(async () => {
      if (place === undefined) throw unreachable("the API does not answer yet");
      const dial = () => dialTcp(place, { clock, ms: CONNECT_MS, signal });
      await connectTo(stream, dial, this.counts);
    });
  }

  async #counted(act: () => Promise<void>): Promise<void> {
    this.counts.open++;
    this.counts.opened++;
    try {
      await act();
    } catch (error) {
      this.counts.refused++;
      throw error;
    } finally {
      this.counts.open--;
    }
  }

  /** The pod's uid goes along, so that its node connects to no other. */
  #allowed(head: StreamHead): PodTarget {
    const target = podTargetIn(head);
    if (target === undefined) throw unreachable("the head of the stream names no port of a pod");
    const { node, address } = target;
    const pod = podOf(this.#options.view, target);
    if (pod === undefined) throw unreachable(`no pod has ${address} on node "${node}"`);
    return { ...target, uid: pod.metadata.uid };
  }
}

function unreachable(message: string): Error {
  return new Error(dialReason("unreachable", message));
}
