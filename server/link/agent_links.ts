import { tunnelChannels } from "../../agent/network/far/far_packets.ts";
import type { TunnelDialler } from "../../core/client/tunnel/tunnel_dialler.ts";
import { lostEnd } from "../../core/lib/mux/joins.ts";
import { dialReason } from "../../core/traffic/far/relaying.ts";
import type { FarLinks } from "./far_traffic.ts";

/** The one tunnel of an agent, which leads to the server and to all nodes that are connected to it. */
export function linksBy(dialler: Pick<TunnelDialler, "tunnel" | "state" | "onChange">): FarLinks {
  return {
    open: (target) =>
      dialler.tunnel?.open({ ...target }) ??
        lostEnd(dialReason("unreachable", "there is no connection to the server")),
    openPackets: tunnelChannels(() => dialler.tunnel),
    hasTunnelTo: () => dialler.tunnel !== undefined,
    toServer: () => dialler.tunnel ? "tunnel" : "none",
    areUsed: () => dialler.state !== "unsupported",
    onChange: (listener) => dialler.onChange(listener),
  };
}
