import { isInRanges } from "../connections/peers.ts";
import type { Listener, RouteTable } from "./route_table.ts";

/** The kernel, as far as it leads what is sent to addresses of services to other ports of these addresses. */
export interface PortLeader {
  /** The range of those addresses, as `10.43.0.0/16`. */
  readonly range: string;
  /** Makes ready for ports of services: resolves with the ports to listen on instead; what is not in it is as it is. */
  lead(ports: ReadonlySet<number>): Promise<ReadonlyMap<number, number>>;
}

/** The table with listeners at the ports that connections to services are led to. */
export async function ledTable(table: RouteTable, leader: PortLeader): Promise<RouteTable> {
  const isLed = ({ protocol, address }: Listener) =>
    protocol !== "HTTP" && isInRanges([leader.range], address);
  const ports = new Set(table.listeners.filter(isLed).map(({ port }) => port));
  const led = await leader.lead(ports);
  const listeners = table.listeners.map((listener) =>
    isLed(listener) ? { ...listener, port: led.get(listener.port) ?? listener.port } : listener
  );
  return { ...table, listeners };
}
