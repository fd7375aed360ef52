import type { Clock } from "../../core/lib/clock.ts";
import type { LiveBackend } from "../backends/backends.ts";
import type { Deadlines } from "../connections/deadlines.ts";
import { closeIfOpen, forwardTcp } from "../tcp/forward_tcp.ts";
import { ClientConnection } from "../http1/client_connection.ts";
import type { HttpService } from "../exchange/http_service.ts";
import type { InFlightCap } from "../engine/deno/in_flight_cap.ts";
import { type AcceptedConnection, DenoSocket } from "../engine/deno/io_deno.ts";
import { isOneOf } from "../connections/peers.ts";
import type { RouteMatcher } from "../routing/route_matcher.ts";
import type { HttpListener, Listener, TcpListener } from "../table/route_table.ts";
import { peerOf, type Places } from "../connections/places.ts";
import { TcpConnection } from "../tcp/tcp_connection.ts";

/** What is done with the connections that are meant for a listener. */
export interface Receiver {
  use(definition: Listener): void;
  /** `onClosed` is called when the connection is closed, also at once where there is no place for it. */
  take(connection: AcceptedConnection, onClosed: () => void): void;
  /** Answers what is under way, and nothing after it. */
  drain?(): void;
  /** Cuts off what is under way. Absent for TCP: a connection may last as long as its endpoint, as with kube-proxy. */
  close?(): void;
}

/** Those that speak HTTP. `places`: of all such listeners. */
export function httpReceiver(
  { name }: HttpListener,
  { service, matcherOf, cap, places }: {
    service: HttpService;
    matcherOf: (definition: HttpListener) => RouteMatcher;
    cap: InFlightCap;
    places: Places;
  },
): Receiver {
  return {
    use: (next) => service.matcher = matcherOf(next as HttpListener), // the key holds the protocol
    take: (connection, onClosed) => {
      const address = connection.remoteAddr.hostname, peer = peerOf(address);
      const isTrusted = service.matcher.trusts(address);
      if (!places.makeRoom(name, peer, { isTrusted })) return turnAway(connection, onClosed);
      let leave = () => {};
      const closed = () => {
        leave();
        onClosed();
      };
      DenoSocket.accepted({ connection, cap, onClosed: closed }, (socket) => {
        const client = new ClientConnection(socket, service, address);
        leave = places.take(name, peer, client);
        return client;
      });
    },
    drain: () => service.drain(),
    close: () => service.close(),
  };
}

/** Those that are passed on as they are. `open`: all such connections of the thread. */
export function tcpReceiver(
  first: TcpListener,
  { backendOf, clock, deadlines, places, open }: {
    /** Of the table that is in use. */
    backendOf: (definition: TcpListener) => LiveBackend;
    clock: Clock;
    deadlines: Deadlines;
    places: Places;
    open: Set<TcpConnection>;
  },
): Receiver {
  const { name } = first;
  let backend = backendOf(first), { peers } = first;
  return {
    use: (next) => {
      backend = backendOf(next as TcpListener); // the key holds the protocol
      peers = (next as TcpListener).peers;
    },
    take: (client, onClosed) => {
      const address = client.remoteAddr.hostname, peer = peerOf(address);
      const isKnown = peers === undefined || isOneOf(peers, address);
      if (!isKnown || !places.makeRoom(name, peer, { isTrusted: false })) {
        return turnAway(client, onClosed);
      }
      let leave = () => {};
      const end = { close: () => closeIfOpen(client) };
      const connection = new TcpConnection(end, deadlines, () => {
        open.delete(connection);
        leave();
        onClosed();
      });
      open.add(connection);
      leave = places.take(name, peer, connection);
      void forwardTcp({ client, connection, backend: () => backend, clock });
    },
  };
}

function turnAway(connection: AcceptedConnection, onClosed: () => void): void {
  closeIfOpen(connection);
  onClosed();
}
