import { backendsOf, type Listener, type RouteTable } from "../table/route_table.ts";

/** All addresses of the machine. */
export const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/**
 * By what tells one from another; those that listen on all addresses first, for the others may become their guests. Where
 * nobody can answer a connection it is refused, as by kube-proxy, but for guests: nobody listens there.
 */
export function listenersByKey({ listeners, backends }: RouteTable): ReadonlyMap<string, Listener> {
  const hasEndpoints = (listener: Listener) =>
    listener.protocol === "HTTP" ||
    backendsOf(listener).some((backend) => backends[backend]!.endpoints.length > 0);
  const isWide = ({ address }: Listener) => WILDCARDS.has(address);
  const wide = listeners.filter((listener) => isWide(listener) && hasEndpoints(listener));
  const ports = new Set(wide.map(({ port }) => port));
  const narrow = listeners.filter((listener) => !isWide(listener));
  const isGuest = ({ protocol, port }: Listener) => protocol !== "UDP" && ports.has(port);
  return new Map([
    ...wide.map((listener) => [keyOf(listener), listener] as const),
    ...narrow.filter((listener) => isGuest(listener) || hasEndpoints(listener))
      .map((listener) =>
        [keyOf(listener) + (isGuest(listener) ? " guest" : ""), listener] as const
      ),
  ]);
}

function keyOf({ protocol, name, address, port }: Listener): string {
  return `${protocol} ${name} ${address} ${port}`;
}

/** Where a connection arrives. */
export function addressKey(address: string, port: number): string {
  return `${address} ${port}`;
}
