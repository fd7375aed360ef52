/** The subprotocol of the WebSocket that is a tunnel: RFC 6455, section 1.9. */
export const TUNNEL_PROTOCOL = "tunnel.coracle.dev/v1";

export const TUNNEL_HEADERS = {
  /** Of the request: how many ms the agent may be silent before the server considers the tunnel lost. */
  dead: "coracle-tunnel-dead-ms",
  /** Of the answer: over how many ms agents should spread their return. */
  spread: "coracle-tunnel-spread-ms",
  /** Of the answer: the server's time. */
  date: "date",
} as const;

/** How long an agent may be silent. */
export const DEAD_MS_MIN = 1_000;
export const DEAD_MS_MAX = 10 * 60_000;

/** Where the tunnel of a node is opened. */
export function tunnelPath(node: string): string {
  return `/api/v1/nodes/${encodeURIComponent(node)}/tunnel`;
}
