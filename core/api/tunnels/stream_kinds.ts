import type { StreamKind } from "../../client/tunnel/tunnel.ts";
import { apiConnections } from "./api_connections.ts";
import type { TunnelGuest } from "./tunnels.ts";

/** What streams that agents open can use. */
export interface GuestParts {
  guest: TunnelGuest;
}

/** Every kind of stream that agents may open. A new one is one file and one line here. */
export const STREAM_KINDS: readonly ((parts: GuestParts) => StreamKind)[] = [
  ({ guest }) => apiConnections(guest),
];
