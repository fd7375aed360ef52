import type { LiveBackend } from "../backends/backends.ts";
import type { LiveSplit } from "../backends/split.ts";
import type { Deadlines } from "../connections/deadlines.ts";
import type { OpenConnections } from "../connections/open_connections.ts";
import { isInRanges } from "../connections/peers.ts";
import { type ConnectionSlots, peerOf } from "../connections/connection_slots.ts";
import type { ClientOwner, ClientSocket, Engine, OpenListener } from "../engine/engine.ts";
import type { HttpService } from "../exchange/http_service.ts";
import { ClientConnection } from "../http1/client_connection.ts";
import type { RouteMatcher } from "../routing/route_matcher.ts";
import type {
  HttpListener,
  Lead,
  Listener,
  ServiceListener,
  TcpListener,
  UdpListener,
} from "../table/route_table.ts";
import { TcpConnection } from "../tcp/tcp_connection.ts";
import { TcpForward } from "../tcp/tcp_forward.ts";
import { UdpForward } from "../udp/udp_forward.ts";

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

export interface HttpParts {
  service: HttpService;
  matcherOf: (definition: HttpListener) => RouteMatcher;
  /** Of all such listeners. */
  slots: ConnectionSlots;
  /** All connections of the thread. */
  open: OpenConnections;
}

/** Those that speak HTTP. */
export function httpReceiver(
  { name }: HttpListener,
  { service, matcherOf, slots, open }: HttpParts,
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

/** The backends that take turns for what a listener leads to, as they were when its definition came into use. */
type SplitOf = (lead: Lead) => LiveSplit;

/** Whom each client is led to. `undefined`: it may not be here. */
export function leadChoice(
  { peers, outside, ...lead }: ServiceListener,
  splitOf: SplitOf,
): (client: string) => LiveSplit | undefined {
  const all = splitOf(lead), others = outside && splitOf(outside);
  return (client) => {
    if (peers !== undefined && !isInRanges(peers, client)) return undefined;
    return others === undefined || isInRanges(outside!.inside, client) ? all : others;
  };
}

/** Connections that are passed on as they are. `clients`: all such connections of the thread. */
export function tcpReceiver(
  first: TcpListener,
  { splitOf, current, engine, deadlines, slots, clients, open }: {
    splitOf: SplitOf;
    /** The backend of that name in the table that is in use now. */
    current(backend: LiveBackend): LiveBackend;
    engine: Engine;
    deadlines: Deadlines;
    slots: ConnectionSlots;
    clients: Set<TcpConnection>;
    open: OpenConnections;
  },
): Receiver {
  const { name } = first;
  let choice = leadChoice(first, splitOf);
  return {
    use: (next) => choice = leadChoice(next as TcpListener, splitOf), // the key holds the protocol
    take: (client) => {
      const { clientAddress } = client, peer = peerOf(clientAddress);
      const split = choice(clientAddress);
      if (split === undefined || !slots.makeRoom(name, peer, { isTrusted: false })) {
        return undefined;
      }
      open.enter();
      const connection = new TcpConnection(client, deadlines, () => {
        clients.delete(connection);
        release();
        open.leave();
      });
      clients.add(connection);
      const release = slots.claim(name, peer, connection);
      return new TcpForward({ client, connection, split, current, engine }).client;
    },
  };
}

/** Datagrams that are passed on. Throws when the port cannot be opened. */
export function udpReceiver(
  first: UdpListener,
  { splitOf, engine, deadlines }: {
    splitOf: SplitOf;
    engine: Engine;
    deadlines: Deadlines;
  },
): { receiver: Receiver; socket: OpenListener } {
  const bind = engine.bind?.bind(engine);
  if (bind === undefined) throw new Error("this engine has no datagrams");
  let choice = leadChoice(first, splitOf);
  const socket = new UdpForward({
    at: first,
    backendFor: (client) => choice(client)?.next(),
    engine: { clock: engine.clock, bind },
    deadlines,
  });
  const receiver: Receiver = {
    use: (next) => choice = leadChoice(next as UdpListener, splitOf), // the key holds the protocol
    take: () => undefined,
  };
  return { receiver, socket };
}
