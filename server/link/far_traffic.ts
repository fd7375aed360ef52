import { FarPackets, type FarPacketsOptions } from "../../agent/network/far/far_packets.ts";
import { PacketLink } from "../../agent/network/far/packet_link.ts";
import { type FarOpener, Relay } from "../../agent/network/far/relay.ts";
import type { NodeRoutes } from "../../agent/network/node_routes.ts";
import type { View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { neighboursOf, type Reach, reachOf, ROUTED, type Way } from "../../core/traffic/reach.ts";
import type { RelayAddress } from "../../core/traffic/far/relaying.ts";
import type { ReachSource } from "../../proxy/threads/run_proxy.ts";

/** What a node knows of the tunnels. */
export interface FarLinks {
  /** Opens a connection to somebody whom a tunnel leads to. */
  open: FarOpener;
  /** Opens the way for packets to other nodes. */
  openPackets: FarPacketsOptions["open"];
  /** Whether a tunnel leads to a node now. */
  hasTunnelTo(node: string): boolean;
  /** `route`: it is on this machine. */
  toServer(): Way;
  /** Whether there are tunnels at all: a server of an older version has none, and all nodes need routes to each other. */
  areUsed(): boolean;
  /** Calls `listener` when any of this has changed. Returns the stop. */
  onChange(listener: () => void): () => void;
}

export interface FarTrafficOptions {
  nodeName: string;
  view: View;
  /** Routes to other nodes; absent where pods have addresses that are valid on this machine only. */
  routes?: NodeRoutes;
  links: FarLinks;
  clock: Clock;
  log: Log;
}

/** How this node gets to pods of nodes to which it has no route: what its proxy asks, and where it connects to. */
export class FarTraffic implements ReachSource {
  readonly #options: FarTrafficOptions;
  readonly #packets: FarPackets | undefined;
  #relay: Relay | undefined;

  constructor(options: FarTrafficOptions) {
    this.#options = options;
    this.#packets = options.routes && this.#packetsBy(options.routes);
  }

  /** Where the proxy's threads connect to for pods that are far. Opened by the first call. */
  get relay(): RelayAddress {
    const { links, clock } = this.#options;
    this.#relay ??= new Relay({ open: links.open, clock });
    return this.#relay.address;
  }

  now(): Reach {
    const { view, nodeName, routes, links } = this.#options;
    if (!links.areUsed()) return ROUTED;
    return reachOf({
      neighbours: neighboursOf(view.list(nodes), nodeName),
      routed: routes?.routed ?? new Set(),
      carried: new Set(this.#packets?.ranges),
      hasTunnelTo: (node) => links.hasTunnelTo(node),
      toServer: links.toServer(),
    });
  }

  onChange(listener: () => void): () => void {
    const { links, routes } = this.#options;
    const stops = [links, this.#packets].map((source) => source?.onChange(listener));
    stops.push(routes?.onRouted(listener));
    return () => stops.forEach((stop) => stop?.());
  }

  /** Keeps the way for packets, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#packets) return await this.#packets.run(signal);
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }

  close(): void {
    this.#relay?.close();
  }

  #packetsBy(routes: NodeRoutes): FarPackets {
    const { view, nodeName, links, clock, log } = this.#options;
    const device = routes.packetDevice;
    const route = (ranges: readonly string[]) => routes.routeByDevice(device, ranges);
    return new FarPackets({
      ...{ nodeName, view, routes, open: links.openPackets },
      link: new PacketLink({ device, route, clock, log }),
      reach: () => this.now(),
      onLinks: (listener) => links.onChange(listener),
    });
  }
}

/** What is closed when the process stops. */
export interface Parts {
  defer(close: () => void): void;
}

/** Wires the proxy of a node with the tunnels, where it knows how to use them. To be called before the proxy starts. */
export function farTrafficBy(
  { clock, log, parts }: { clock: Clock; log: Log; parts: Parts },
  links: FarLinks,
  { nodeName, view, platform: { proxy, routes } }: {
    nodeName: string;
    view: View;
    platform: { proxy?: { useRelay?(relay: RelayAddress): void }; routes?: NodeRoutes };
  },
): FarTraffic | undefined {
  if (proxy?.useRelay === undefined) return undefined;
  const far = new FarTraffic({ nodeName, view, links, clock, log, ...(routes && { routes }) });
  proxy.useRelay(far.relay);
  parts.defer(() => far.close());
  return far;
}
