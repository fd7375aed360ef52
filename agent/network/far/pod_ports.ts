import type { View } from "../../../core/client/client.ts";
import type { StreamHead, StreamKind } from "../../../core/client/tunnel/tunnel.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import type { ByteEnd } from "../../../core/lib/mux/joins.ts";
import { DialError, dialTcp } from "../../../core/lib/tcp/connections.ts";
import { pods } from "../../../core/resources/core/pods/pods.ts";
import { podTargetIn } from "../../../core/traffic/far/pod_targets.ts";
import { connectTo } from "../../../core/traffic/far/far_connections.ts";
import type { PodTarget } from "../../../core/traffic/far/relaying.ts";
import { hostOf } from "../pod_connection.ts";
import type { PodNetwork } from "../pod_network.ts";

const CONNECT_MS = 5_000;

export interface PodPortOptions {
  nodeName: string;
  view: View;
  network: Pick<PodNetwork, "list">;
  clock: Clock;
}

/** Streams of kind `tcp`: connections from elsewhere to ports of pods of this node, and to nothing else. */
export function podPorts(options: PodPortOptions): StreamKind {
  return {
    kind: "tcp",
    answer: (stream, head, signal) => answerPort(stream, head, { ...options, signal }),
  };
}

async function answerPort(
  stream: ByteEnd,
  head: StreamHead,
  options: PodPortOptions & { signal: AbortSignal },
): Promise<void> {
  const target = podTargetIn(head);
  if (target === undefined) throw new Error("the head of the stream names no port of a pod");
  const { signal } = options;
  await connectTo(stream, () => dialPod(target, options, signal));
}

/**
 * Connects to a pod of this node, at the address that this node has given it: no address that anybody has written down is
 * believed. Rejects with a DialError, or why that is not allowed.
 */
export async function dialPod(
  { uid, address, node, port }: PodTarget,
  { network, view, nodeName, clock }: PodPortOptions,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const gone = () => new DialError("unreachable", `no pod has ${address} on node "${node}"`);
  if (node !== nodeName) throw gone();
  const own = (await network.list()).find(({ podUid, ip }) =>
    uid === undefined ? ip === address : podUid === uid
  );
  if (own !== undefined) {
    return await dialTcp({ hostname: own.ip, port }, { clock, ms: CONNECT_MS, signal });
  }
  const pod = view.by(pods, "node", nodeName).find(({ metadata }) => metadata.uid === uid);
  if (pod === undefined || !pod.spec.hostNetwork) throw gone();
  const hostname = hostOf(pod, { port, at: "address" });
  return await dialTcp({ hostname, port }, { clock, ms: CONNECT_MS, signal });
}
