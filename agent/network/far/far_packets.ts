import type { View } from "../../../core/client/client.ts";
import type { Tunnel } from "../../../core/client/tunnel/tunnel.ts";
import { PacketSender, packetsIn } from "../../../core/lib/mux/packets.ts";
import { Wake } from "../../../core/lib/wake.ts";
import { nodes } from "../../../core/resources/core/nodes/nodes.ts";
import { neighboursOf, type Reach } from "../../../core/traffic/reach.ts";
import type { NodeRoutes } from "../node_routes.ts";
import type { PacketLink } from "./packet_link.ts";

type Packet = Uint8Array<ArrayBuffer>;

/** The way that packets take to other nodes, and come from there. */
export interface PacketChannel {
  /** The bytes may change when it returns. */
  send(packet: Uint8Array): void;
  /** Resolves when nothing goes through it any more. */
  readonly ended: Promise<unknown>;
}

export interface FarPacketsOptions {
  nodeName: string;
  view: View;
  routes: Pick<NodeRoutes, "letIn" | "onRouted">;
  link: Pick<PacketLink, "use" | "ranges" | "receive" | "close">;
  /** Whom the node reaches now. */
  reach: () => Reach;
  /** Calls `listener` when tunnels have come or gone. Returns the stop. */
  onLinks(listener: () => void): () => void;
  /** Opens the way for packets; `undefined`: there is none for now. */
  open(receive: (packet: Packet) => void): PacketChannel | undefined;
}

/** Keeps the device for packets at what is far, and who may come in by it. */
export class FarPackets {
  readonly #options: FarPacketsOptions;
  readonly #wake = new Wake();
  readonly #listeners = new Set<() => void>();
  #channel: PacketChannel | undefined;

  constructor(options: FarPacketsOptions) {
    this.#options = options;
  }

  /** The ranges of far pods to which packets are carried. */
  get ranges(): readonly string[] {
    return this.#options.link.ranges;
  }

  /** Calls `listener` when {@linkcode ranges} have changed. Returns the stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Until the signal aborts; then the device is gone. */
  async run(signal: AbortSignal): Promise<void> {
    const { view, routes, onLinks, link } = this.#options;
    const wake = () => this.#wake.set();
    const stops = [view.subscribe(nodes, wake), routes.onRouted(wake), onLinks(wake)];
    try {
      while (!signal.aborted) {
        this.#wake.clear();
        await this.#follow();
        await this.#wake.wait(signal);
      }
    } finally {
      for (const stop of stops) stop();
      routes.letIn([]);
      await link.close();
    }
  }

  async #follow(): Promise<void> {
    const { view, nodeName, reach, link, routes } = this.#options;
    const now = reach(), before = link.ranges.join();
    const far = neighboursOf(view.list(nodes), nodeName).flatMap(({ name, cidr }) =>
      cidr !== undefined && now.wayTo(name) === "tunnel" ? [cidr] : []
    );
    const channel = far.length === 0 ? undefined : this.#channel ?? this.#open();
    await link.use(far, channel && ((packet) => channel.send(packet)));
    if (link.ranges.join() === before) return;
    routes.letIn(link.ranges);
    for (const listener of this.#listeners) listener();
  }

  #open(): PacketChannel | undefined {
    const { open, link } = this.#options;
    const channel = open((packet) => link.receive(packet));
    this.#channel = channel;
    void channel?.ended.then(() => {
      if (this.#channel === channel) this.#channel = undefined;
      this.#wake.set();
    });
    return channel;
  }
}

/** Ways for packets through the tunnel that a node has now; one for each tunnel, since some servers take none. */
export function tunnelChannels(tunnelNow: () => Tunnel | undefined): FarPacketsOptions["open"] {
  const tried = new WeakSet<Tunnel>();
  return (receive) => {
    const tunnel = tunnelNow();
    if (tunnel === undefined || tried.has(tunnel)) return undefined;
    tried.add(tunnel);
    const stream = tunnel.open({ kind: "packets" });
    const sender = new PacketSender((bytes) => stream.write(bytes));
    const receiving = async () => {
      for await (const packet of packetsIn(stream.bytes)) receive(packet);
    };
    return { send: (packet) => sender.send(packet), ended: receiving().catch(() => {}) };
  };
}
