import type { RemoteNode } from "../../core/client/remote_streams/remote_call.ts";
import { tunnelPair } from "../../core/client/tunnel/tunnel_fixture.ts";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import type { Clock } from "../../core/lib/clock.ts";

export interface RemoteNodeFixture {
  node: RemoteNode;
  /** Breaks the tunnel. */
  cut(reason: string): void;
  /** Streams that are open at either end. */
  open(): number;
}

/** Tests of other waits advance the clock. */
const NEVER_MS = 24 * 3_600_000;

/** The node "edge" at the other end of a tunnel in memory, whose agent answers streams of these kinds. */
export function remoteNode(kinds: readonly StreamKind[], clock: Clock): RemoteNodeFixture {
  const { server, node } = tunnelPair({ clock, ofNode: kinds, deadMs: NEVER_MS });
  return {
    node: { name: "edge", clock, tunnel: server },
    cut: (reason) => [server, node].forEach((end) => end.close(reason)),
    open: () => server.streams + node.streams,
  };
}

/** Resolves when nothing is on its way. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}
