import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Peer, type PeerFront, setPeer } from "../access/peer.ts";
import type { ByteConnection } from "../../client/tunnel/byte_connection.ts";
import type { Connections } from "./connections.ts";
import type { Exchanges } from "./exchanges.ts";
import type { FrontLimits } from "./places.ts";
import { HEAD_BYTES_MAX, KEEP_ALIVE_MS } from "./limits.ts";

/** Connections that others carry: served like those that the front accepts itself, with all their limits. */
export class InnerConnections {
  readonly #connections: Connections;
  readonly #exchanges: Exchanges;
  readonly #tunnelsMax: number;
  /** Made for the first one. */
  #server: Server | undefined;

  constructor(
    connections: Connections,
    exchanges: Exchanges,
    { tunnelsMax }: Pick<FrontLimits, "tunnelsMax">,
  ) {
    this.#tunnelsMax = tunnelsMax;
    this.#connections = connections;
    this.#exchanges = exchanges;
  }

  /** What a connection that this front has accepted may ask. */
  frontOf(carrier: object, peer: Peer, adopt?: () => ByteConnection): PeerFront {
    return {
      ...(adopt && { adopt }),
      tunnelsMax: this.#tunnelsMax,
      serve: this.#serverFor(peer),
      leave: () => this.#connections.leave(carrier),
    };
  }

  /** Apart, so that it keeps nothing of the carrier: a tunnel has it for as long as it lives. */
  #serverFor(peer: Peer): (inner: Duplex) => void {
    return (inner) => this.#serve(inner, peer);
  }

  #serve(inner: Duplex, { address, port, certificate }: Peer): void {
    const socket = inner as unknown as Socket; // of which no more is used than a Duplex and two counters
    this.#connections.add(socket, address, "head");
    setPeer(socket, { address, port, ...(certificate && { certificate }) });
    this.#server ??= this.#open();
    this.#server.emit("connection", socket);
  }

  #open(): Server {
    const server = createServer({ maxHeaderSize: HEAD_BYTES_MAX, keepAliveTimeout: KEEP_ALIVE_MS });
    // It does not listen itself, and would close each connection after its first answer if that showed.
    Object.defineProperty(server, "listening", { value: true });
    this.#exchanges.listenTo(server);
    return server;
  }
}
