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

function keyOf(listener: Listener): string {
  const { protocol, name, address, port } = listener;
  return `${protocol}${isEncrypted(listener) ? " by TLS" : ""} ${name} ${address} ${port}`;
}

/** Whether its clients speak TLS to it. */
export function isEncrypted(listener: Listener): boolean {
  return listener.protocol === "HTTP" && listener.isEncrypted === true;
}

/**
 * The table in two: for the threads that speak no TLS, and for the one that does. Whoever is a guest of a listener goes with
 * it. `encrypted` is absent when there is nothing for it.
 */
export function dividedTable(table: RouteTable): { plain: RouteTable; encrypted?: RouteTable } {
  if (!table.listeners.some(isEncrypted)) return { plain: table };
  const ports = new Set(
    table.listeners.filter((each) => isEncrypted(each) && WILDCARDS.has(each.address))
      .map(({ port }) => port),
  );
  const goes = (listener: Listener) =>
    isEncrypted(listener) || (listener.protocol === "TCP" && ports.has(listener.port));
  const { true: encrypted = [], false: plain = [] } = Object.groupBy(
    table.listeners,
    (listener) => goes(listener) ? "true" : "false",
  );
  return {
    plain: { ...table, listeners: plain },
    encrypted: { ...table, listeners: encrypted },
  };
}

/** Where a connection arrives. */
export function addressKey(address: string, port: number): string {
  return `${address} ${port}`;
}
