import { dialPod, type PodPortOptions } from "../../agent/network/far/pod_ports.ts";
import { nodePackets } from "../../core/api/tunnels/node_packets.ts";
import { STREAM_KINDS } from "../../core/api/tunnels/stream_kinds.ts";
import { TrafficHub } from "../../core/api/tunnels/traffic_hub.ts";
import { Tunnels } from "../../core/api/tunnels/tunnels.ts";
import type { View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { lostEnd } from "../../core/lib/mux/joins.ts";
import type { NodeTunnels } from "../../core/controllers/nodes/remote_addresses.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { PacketSwitch } from "../../core/traffic/far/packet_switch.ts";
import { dialReason, type PodTarget } from "../../core/traffic/far/relaying.ts";
import type { FarLinks, Parts } from "./far_traffic.ts";

export interface ServerTunnelsOptions {
  view: View;
  nodeName: string;
  /** Of the server's own node; absent: it runs no pods. */
  network?: PodPortOptions["network"];
  /** Where the API listens; `undefined` before it does. */
  api: () => { host: string; port: number } | undefined;
}

/** The tunnels of all nodes, what goes through them between nodes, and how the server's own node uses them. */
export interface ServerTunnels {
  tunnels: Tunnels;
  hub: TrafficHub;
  links: FarLinks;
}

export function serverTunnels(
  { clock, log, parts }: { clock: Clock; log: Log; parts: Parts },
  { view, nodeName, network, api }: ServerTunnelsOptions,
): ServerTunnels {
  const packets = new PacketSwitch(view);
  parts.defer(packets.follow());
  const ports = network && { nodeName, view, network, clock };
  const dial = (target: PodTarget, signal: AbortSignal) => dialPod(target, ports!, signal);
  const hub = new TrafficHub({
    ...{ view, clock, ...(ports && { own: { node: nodeName, dial } }) },
    tunnelOf: (node) => tunnels.get(node),
    api: () => {
      const place = api();
      return place && { hostname: place.host, port: place.port };
    },
  });
  const tunnels: Tunnels = new Tunnels({
    ...{ clock, log, agents: () => view.list(nodes).length },
    kindsFor: (guest) => [
      ...STREAM_KINDS.map((create) => create({ guest })),
      ...[hub.pods, hub.api, nodePackets(guest.node, packets)],
    ],
  });
  return { tunnels, hub, links: linksOf(tunnels, packets, nodeName) };
}

/** Where tunnels come from, as controllers see it. */
export function tunnelSources(tunnels: Tunnels): NodeTunnels {
  return {
    remoteAddressOf: (node) => tunnels.get(node)?.remoteAddress,
    onChange: (listener) => tunnels.onChange(listener),
  };
}

function linksOf(tunnels: Tunnels, packets: PacketSwitch, nodeName: string): FarLinks {
  return {
    open(target) {
      const tunnel = target.kind === "tcp" ? tunnels.get(target.node) : undefined;
      return tunnel?.open({ ...target }) ??
        lostEnd(dialReason("unreachable", "the node is not connected"));
    },
    openPackets(receive) {
      const port = packets.connect(nodeName, (packet) => receive(Uint8Array.from(packet)));
      return { send: (packet) => port.take(packet), ended: new Promise(() => {}) };
    },
    hasTunnelTo: (node) => tunnels.get(node) !== undefined,
    toServer: () => "route",
    areUsed: () => true,
    onChange: (listener) => tunnels.onChange(listener),
  };
}
