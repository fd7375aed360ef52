import { ApiError } from "../../client/api_error.ts";
import { DuplexConnection } from "../../client/tunnel/duplex_connection.ts";
import {
  DEAD_MS_MAX,
  DEAD_MS_MIN,
  TUNNEL_HEADERS,
  TUNNEL_PROTOCOL,
} from "../../client/tunnel/handshake.ts";
import { WebSocketPipe } from "../../client/tunnel/web_socket_pipe.ts";
import type { TunnelGuest, Tunnels } from "../tunnels/tunnels.ts";
import { nodeOf } from "../access/nodes/node_identity.ts";
import { type Peer, peerOf } from "../access/peer.ts";
import { upgradeHeadOf } from "./upgrades/upgrade_head.ts";
import type { Stream, StreamDefinition, StreamParts, UpgradeRequest } from "./stream.ts";
import { chosenSubprotocol, isWebSocket, webSocketAnswer } from "./websocket/handshake.ts";

type TunnelPeer = Peer & Required<Pick<Peer, "front">>;

/** When an agent for which there is no room is to ask again, at the soonest. */
const RETRY_SECONDS = 30;

/**
 * The one connection of a node: a WebSocket that carries many streams in both directions. Only the agent of the node may
 * open it. Not of Kubernetes, whose API server dials the kubelets.
 */
export const nodeTunnel: StreamDefinition = ({ tunnels, clock }: StreamParts): Stream => ({
  subresource: "tunnel",
  undeclaredOf: "nodes",
  async upgrade(request) {
    if (!tunnels) throw new ApiError("NotImplemented", "this server takes no tunnels");
    const { incoming, socket, head } = request;
    const { node, peer } = guestOf(request);
    refuseBeyond(peer.front.tunnelsMax, tunnels, node);
    const upgradeHead = upgradeHeadOf(incoming);
    if (!isWebSocket(upgradeHead)) throw new ApiError("BadRequest", "a tunnel is a WebSocket");
    const protocol = chosenSubprotocol(upgradeHead, [TUNNEL_PROTOCOL]);
    const answer = webSocketAnswer(upgradeHead, protocol, {
      [TUNNEL_HEADERS.date]: new Date(clock.now()).toUTCString(),
      [TUNNEL_HEADERS.spread]: `${Math.round(tunnels.spreadMs)}`,
    });
    peer.front.leave();
    const connection = head.length === 0 && peer.front.adopt?.() ||
      new DuplexConnection(socket, head);
    void connection.write(new TextEncoder().encode(answer)).catch(() => {}); // gone already
    const guest = {
      node,
      userAgent: upgradeHead.headers["user-agent"] ?? "",
      remoteAddress: peer.address,
      deadMs: deadMsOf(upgradeHead.headers[TUNNEL_HEADERS.dead]),
      isCurrent: request.isCurrent,
      peer: withoutCarrier(peer),
    };
    const ended = tunnels.take(guest, new WebSocketPipe(connection, "server"));
    // What has come of the request must not be kept for as long as the tunnel lives.
    if (connection instanceof DuplexConnection) await ended;
  },
});

/** Throws Forbidden, or ServiceUnavailable with when to come back. */
function guestOf(
  { info: { name }, user, incoming }: UpgradeRequest,
): { node: string; peer: TunnelPeer } {
  if (name === undefined || nodeOf(user) !== name) {
    throw new ApiError(
      "Forbidden",
      `nodes "${
        name ?? ""
      }" is forbidden: User "${user.name}" cannot open its tunnel: only "system:node:${name}" can`,
    );
  }
  const peer = peerOf(incoming.socket);
  if (!peer?.front) throw new ApiError("NotImplemented", "a tunnel cannot be opened in a tunnel");
  return { node: name, peer: { ...peer, front: peer.front } };
}

/** The peer, as the tunnel needs it: its socket is not kept. */
function withoutCarrier({ front: { serve }, ...peer }: TunnelPeer): TunnelGuest["peer"] {
  return { ...peer, serve };
}

/** Throws ServiceUnavailable when one more would be too many. */
function refuseBeyond(tunnelsMax: number, tunnels: Tunnels, node: string): void {
  if (tunnels.size < tunnelsMax || tunnels.get(node)) return;
  throw new ApiError(
    "ServiceUnavailable",
    `this server has the tunnels of ${tunnels.size} nodes, which are as many as it can; raise its limit of open files ` +
      "(ulimit -Hn, or LimitNOFILE= of systemd)",
    { retryAfterSeconds: Math.ceil(tunnels.spreadMs / 1000) + RETRY_SECONDS },
  );
}

/** How long the agent may be silent, as it says itself. */
function deadMsOf(header: string | undefined): number {
  const ms = Number(header);
  return Number.isFinite(ms) ? Math.min(DEAD_MS_MAX, Math.max(DEAD_MS_MIN, ms)) : DEAD_MS_MAX;
}
