import { once } from "node:events";
import { duplexOf } from "../../lib/mux/duplex.ts";
import type { StreamKind } from "../../client/tunnel/tunnel.ts";
import type { TunnelGuest } from "./tunnels.ts";

/** Streams that carry HTTP/1.1 to the API: connections of the peer that has opened the tunnel, with its identity. */
export function apiConnections({ peer }: Pick<TunnelGuest, "peer">): StreamKind {
  return {
    kind: "api",
    async answer(stream) {
      const connection = duplexOf(stream);
      peer.serve!(connection);
      await once(connection, "close").catch(() => {}); // it was reset, which the front has seen, too
    },
  };
}
