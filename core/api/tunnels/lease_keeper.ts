import type { Client, View } from "../../client/client.ts";
import type { Clock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/error_message.ts";
import type { Log } from "../../lib/log.ts";
import { type Lease, leases } from "../../resources/coordination/leases.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import type { NodeTunnel, Tunnels } from "./tunnels.ts";

/** As the kubelet's: its `nodeLeaseDurationSeconds`. */
const LEASE_SECONDS = 40;
const LEASE_NAMESPACE = "kube-node-lease";
/** Pings that come faster renew nothing: a renewal costs as much as two pings, and a lease holds longer. */
const RENEW_MS_MIN = 14_000;

/** On the Lease of a node that has a tunnel: what is known of it. */
export const LINK = "coracle.dev/link";
export const ROUND_TRIP_MS = "coracle.dev/round-trip-ms";
export const REMOTE_ADDRESS = "coracle.dev/remote-address";

export interface LeaseKeeperOptions {
  tunnels: Tunnels;
  client: Client;
  view: Pick<View, "get">;
  clock: Clock;
  log: Log;
}

/** Renews the leases of nodes with their pings, so that these need not do it. Leases are volatile. Returns the stop. */
export function keepLeases(options: LeaseKeeperOptions): () => void {
  const { tunnels, clock, log } = options;
  const renewedMs = new Map<string, number>();
  const stopChanges = tunnels.onChange((node) => renewedMs.delete(node));
  const stopBeats = tunnels.onBeat((node) => {
    const tunnel = tunnels.get(node);
    const nowMs = clock.elapsed();
    if (!tunnel || nowMs - (renewedMs.get(node) ?? -Infinity) < RENEW_MS_MIN) return;
    renewedMs.set(node, nowMs);
    renew(tunnel, options).catch((error) => {
      log.debug("The lease of a node is not renewed", { node, reason: messageOf(error) });
    });
  });
  return () => {
    stopChanges();
    stopBeats();
  };
}

async function renew(
  tunnel: NodeTunnel,
  { client, view, clock }: LeaseKeeperOptions,
): Promise<void> {
  const name = { namespace: LEASE_NAMESPACE, name: tunnel.node };
  const lease = view.get(leases, name);
  const spec = {
    holderIdentity: tunnel.node,
    leaseDurationSeconds: LEASE_SECONDS,
    renewTime: new Date(clock.now()).toISOString().replace("Z", "000Z"),
  };
  if (lease) {
    const metadata = { ...lease.metadata, annotations: annotationsOf(tunnel, lease) };
    await client.update(leases, { ...lease, metadata, spec: { ...lease.spec, ...spec } });
    return;
  }
  const node = view.get(nodes, { name: tunnel.node });
  if (!node) return; // it is about to register
  const { uid } = node.metadata;
  const ownerReferences = [{ apiVersion: "v1", kind: "Node", name: tunnel.node, uid }];
  const metadata = { ...name, ownerReferences, annotations: annotationsOf(tunnel) };
  await client.create(leases, { metadata, spec });
}

function annotationsOf(
  { rttMs, remoteAddress }: NodeTunnel,
  lease?: Lease,
): Record<string, string> {
  return {
    ...lease?.metadata.annotations,
    [LINK]: "tunnel",
    [REMOTE_ADDRESS]: remoteAddress,
    ...(rttMs !== undefined && { [ROUND_TRIP_MS]: `${Math.round(rttMs)}` }),
  };
}
