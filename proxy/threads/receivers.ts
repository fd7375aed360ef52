import type { LiveBackend } from "../backends/backends.ts";
import type { Deadlines } from "../connections/deadlines.ts";
import type { OpenConnections } from "../connections/open_connections.ts";
import { isInRanges } from "../connections/peers.ts";
import { type ConnectionSlots, peerOf } from "../connections/connection_slots.ts";
import type { ClientOwner, ClientSocket, Engine } from "../engine/engine.ts";
import type { HttpService } from "../exchange/http_service.ts";
import { ClientConnection } from "../http1/client_connection.ts";
import type { RouteMatcher } from "../routing/route_matcher.ts";
import type { HttpListener, Listener, TcpListener } from "../table/route_table.ts";
import { TcpConnection } from "../tcp/tcp_connection.ts";
import { TcpForward } from "../tcp/tcp_forward.ts";

/** What is done with the connections that are meant for a listener. */
export interface Receiver {
  use(definition: Listener): void;
  /** The owner of a new connection; `undefined`: there is no slot for it. */
  take(socket: ClientSocket): ClientOwner | undefined;
  /** Answers what is under way, and nothing after it. */
  drain?(): void;
  /** Cuts off what is under way. Absent for TCP: a connection may last as long as its endpoint, as with kube-proxy. */
  close?(): void;
}

/** Those that speak HTTP. `places`: of all such listeners. `open`: all connections of the thread. */
export function httpReceiver(
  { name }: HttpListener,
  { service, matcherOf, slots, open }: {
    service: HttpService;
    matcherOf: (definition: HttpListener) => RouteMatcher;
    slots: ConnectionSlots;
    open: OpenConnections;
  },
): Receiver {
  return {
    use: (next) => service.matcher = matcherOf(next as HttpListener), // the key holds the protocol
    take: (socket) => {
      const { clientAddress } = socket, peer = peerOf(clientAddress);
      const isTrusted = service.matcher.trusts(clientAddress);
      if (!slots.makeRoom(name, peer, { isTrusted })) return undefined;
      open.enter();
      const client = new ClientConnection(socket, service, () => {
        release();
        open.leave();
      });
      const release = slots.claim(name, peer, client);
      return client;
    },
    drain: () => service.drain(),
    close: () => service.close(),
  };
}

/** Those that are passed on as they are. `clients`: all such connections of the thread. */
export function tcpReceiver(
  first: TcpListener,
  { backendOf, engine, deadlines, slots, clients, open }: {
    /** Of the table that is in use. */
    backendOf: (definition: TcpListener) => LiveBackend;
    engine: Engine;
    deadlines: Deadlines;
    slots: ConnectionSlots;
    clients: Set<TcpConnection>;
    open: OpenConnections;
  },
): Receiver {
  const { name } = first;
  let backend = backendOf(first), { peers } = first;
  return {
    use: (next) => {
      backend = backendOf(next as TcpListener); // the key holds the protocol
      peers = (next as TcpListener).peers;
    },
    take: (client) => {
      const { clientAddress } = client, peer = peerOf(clientAddress);
      const isKnown = peers === undefined || isInRanges(peers, clientAddress);
      if (!isKnown || !slots.makeRoom(name, peer, { isTrusted: false })) return undefined;
      open.enter();
      const connection = new TcpConnection(client, deadlines, () => {
        clients.delete(connection);
        release();
        open.leave();
      });
      clients.add(connection);
      const release = slots.claim(name, peer, connection);
      return new TcpForward({ client, connection, backend: () => backend, engine }).client;
    },
  };
}
