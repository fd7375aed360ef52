import type { LiveBackend } from "../backends/backends.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import type { LiveSplit } from "../backends/split.ts";
import type {
  ClientOwner,
  ClientSocket,
  Engine,
  Socket,
  SocketOwner,
  UpstreamOwner,
} from "../engine/engine.ts";
import type { TcpConnection } from "./tcp_connection.ts";

const TRIES_MAX = 3;

export interface TcpForwardOptions {
  client: ClientSocket;
  /** What the client's connection is to those who close it. */
  connection: TcpConnection;
  /** Whose turn it is: a turn is taken once. */
  split: LiveSplit;
  /** The backend of that name in the table that is in use now. */
  current(backend: LiveBackend): LiveBackend;
  engine: Engine;
}

/**
 * Passes a connection on to an endpoint, bytes as they are, each direction to its own end. An endpoint that cannot be
 * reached is passed over for another one; when nobody answers, the client's connection is closed. What breaks on one side
 * is closed on both, so that the other learns of it.
 */
export class TcpForward {
  readonly client: TcpClient;
  readonly #options: TcpForwardOptions;
  #backend: LiveBackend;
  /** Claimed. */
  #endpoint: LiveEndpoint | undefined;
  #upstream: Socket | undefined;
  #isConnected = false;
  #tries = 0;

  constructor(options: TcpForwardOptions) {
    const { client, connection, split } = options;
    this.client = new TcpClient(client, connection);
    this.#options = options;
    this.#backend = split.next()!; // one of a Service always has a weight
    this.#backend.counts.requests++;
    connection.join({ close: () => this.#release() });
    client.keepAlive(); // else one that is gone without a word is here for days
    client.pause();
    this.#connect(undefined);
  }

  #connect(failed: LiveEndpoint | undefined): void {
    const { client, connection, engine } = this.#options;
    const endpoint = this.#tries++ < TRIES_MAX ? this.#claim(failed) : undefined;
    if (endpoint === undefined) {
      this.#backend.counts.failures++;
      return connection.close();
    }
    this.#endpoint = endpoint;
    const owner = new TcpUpstream(client, connection, {
      onConnected: () => this.#onConnected(endpoint),
      onConnectFailed: () => this.#onConnectFailed(endpoint),
    });
    this.#upstream = this.client.to = owner.from = engine.connect(endpoint.endpoint, owner);
  }

  #claim(failed: LiveEndpoint | undefined): LiveEndpoint | undefined {
    const { client: { clientAddress }, split, current, engine: { clock } } = this.#options;
    const nowMs = clock.elapsed();
    this.#backend = current(this.#backend);
    const endpoint = this.#backend.claimFor(clientAddress, nowMs, failed);
    const standIn = endpoint ? undefined : split.standInFor(this.#backend);
    if (standIn === undefined) return endpoint;
    this.#backend.counts.failures++; // else one that always fails would look healthy
    this.#backend = current(standIn);
    this.#backend.counts.requests++;
    return this.#backend.claimFor(clientAddress, nowMs, failed);
  }

  #onConnected(endpoint: LiveEndpoint): void {
    const { client, connection } = this.#options;
    this.#isConnected = true;
    this.#backend.began();
    endpoint.opened(connection);
    this.#upstream!.keepAlive();
    client.resume();
  }

  #onConnectFailed(endpoint: LiveEndpoint): void {
    endpoint.suspect(this.#options.engine.clock.elapsed());
    endpoint.release();
    this.#endpoint = undefined;
    this.#connect(endpoint);
  }

  #release(): void {
    this.#upstream?.close();
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    this.#endpoint = undefined;
    if (this.#isConnected) {
      this.#backend.ended();
      endpoint.closed(this.#options.connection);
    }
    endpoint.release();
  }
}

/** One side: what comes here goes to the other one. */
abstract class TcpSide implements SocketOwner {
  from: Socket | undefined;
  to: Socket | undefined;
  readonly #connection: TcpConnection;

  constructor(connection: TcpConnection) {
    this.#connection = connection;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.#connection.hasTraffic = true;
    if (!this.to!.send(bytes, start, end)) this.from!.pause();
  }

  onClose(how: "ended" | "broken"): void {
    if (how === "broken" || this.#connection.isHalfClosed) return this.#connection.close();
    this.#connection.isHalfClosed = true;
    this.to!.endSending();
  }

  onDrain(): void {
    this.to?.resume();
  }

  peer(): Socket | undefined {
    return this.to;
  }
}

class TcpClient extends TcpSide implements ClientOwner {
  constructor(client: Socket, connection: TcpConnection) {
    super(connection);
    this.from = client;
  }

  isBetweenRequests(): boolean {
    return false;
  }
}

class TcpUpstream extends TcpSide implements UpstreamOwner {
  readonly #connecting: Pick<UpstreamOwner, "onConnected" | "onConnectFailed">;

  constructor(
    client: Socket,
    connection: TcpConnection,
    connecting: Pick<UpstreamOwner, "onConnected" | "onConnectFailed">,
  ) {
    super(connection);
    this.to = client;
    this.#connecting = connecting;
  }

  onConnected(): void {
    this.#connecting.onConnected();
  }

  onConnectFailed(failure: Parameters<UpstreamOwner["onConnectFailed"]>[0]): void {
    this.#connecting.onConnectFailed(failure);
  }

  onSent(): void {}
}
