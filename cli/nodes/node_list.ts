import { type Lease, leases } from "../../core/resources/coordination/leases.ts";
import { nodeColumns } from "../../core/resources/core/nodes/node_columns.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { msOf } from "../../core/lib/timestamp.ts";
import { ageOf, humanDuration } from "../../core/schema/durations.ts";
import { type Terminal, textTable } from "../../server/terminal.ts";

import type { NodeServer } from "./node_server.ts";

const LEASE_NAMESPACE = "kube-node-lease";
const HEADER = ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "LINK", "ROUND-TRIP", "LAST-SEEN"];
/** Of a node's Lease: how its agent reaches the server, and how long an answer takes, in milliseconds. */
const LINK = "coracle.dev/link";
const ROUND_TRIP = "coracle.dev/round-trip-ms";

/** Prints all nodes, and how each is connected. */
export async function listNodes(server: NodeServer, terminal: Terminal): Promise<void> {
  const all = await server.list(nodes);
  const renewed = await server.list(leases, { namespace: LEASE_NAMESPACE });
  if (all.length === 0) return terminal.err("No resources found\n");
  const leaseOf = new Map(renewed.map((lease) => [lease.metadata.name, lease]));
  const nowMs = server.nowMs();
  const rows = all.map((node) => rowOf(node, leaseOf.get(node.metadata.name), nowMs));
  terminal.out(textTable([HEADER, ...rows]));
}

/** The cells of a node. Pure. */
export function rowOf(node: Node, lease: Lease | undefined, nowMs: number): string[] {
  const shown = (column: string) =>
    String(nodeColumns.find(({ name }) => name === column)!.value(node, nowMs) ?? "");
  const { [LINK]: link = "-", [ROUND_TRIP]: roundTrip } = lease?.metadata.annotations ?? {};
  const seen = lease?.spec.renewTime;
  return [
    node.metadata.name,
    shown("Status"),
    shown("Roles"),
    ageOf(node.metadata.creationTimestamp, nowMs),
    shown("Version"),
    link,
    roundTrip === undefined ? "-" : `${roundTrip}ms`,
    seen === undefined ? "-" : `${humanDuration(Math.max(0, nowMs - msOf(seen)))} ago`,
  ];
}
