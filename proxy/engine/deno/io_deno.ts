import { AssertionError } from "../../../core/lib/assert.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import type { ConnectFailure, Socket, SocketOwner, UpstreamOwner } from "../engine.ts";
import type { InFlightCap, Turn } from "./in_flight_cap.ts";
import type { Endpoint } from "../../../core/traffic/backends.ts";

/** A client's connection as it was accepted. */
export type AcceptedConnection = Deno.TcpConn;

/** After a failure to accept, such as too many open files. */
const ACCEPT_RETRY_MS = 100;

/** A connection to an endpoint must stand after this long. */
const CONNECT_MS = 5_000;
const CLIENT_READ_BYTES = 16 * 1024;
const UPSTREAM_READ_BYTES = 64 * 1024;

const ALL_OUT = Infinity;
const NOTHING = new Uint8Array(0);

/**
 * Whose bytes are being worked on: a client's loop waits afterwards for what was sent to both sides, an endpoint's loop for
 * what was sent to the client. What is sent at other times nobody waits for.
 */
let reading: "client" | "upstream" | undefined;

/**
 * A socket on Deno's own connections. Each has one loop that reads into one buffer, hands the bytes to its owner, and waits
 * until what the owner sent to the other side is out before it reads again: that is the back-pressure, at no further cost.
 */
export class DenoSocket implements Socket {
  /** Resolves with how much of `#view` is out; `undefined`: all that was sent is. Never rejects. */
  #writing: Promise<number> | undefined;
  #view: Uint8Array = NOTHING;
  #connection: Deno.TcpConn | undefined;
  #isClosed = false;
  #isPaused = false;
  #resume: (() => void) | undefined;
  readonly #turn: Turn | undefined;
  readonly #cap: InFlightCap | undefined;
  readonly #onClosed: (() => void) | undefined;

  private constructor(client?: { connection: Deno.TcpConn; cap: InFlightCap; onClosed(): void }) {
    this.#connection = client?.connection;
    this.#cap = client?.cap;
    this.#turn = client?.cap.newTurn();
    this.#onClosed = client?.onClosed;
  }

  /** A client's connection: `start` gets the socket and returns its owner. Requests wait for their turn in `cap`. */
  static accepted(
    client: { connection: Deno.TcpConn; cap: InFlightCap; onClosed(): void },
    start: (socket: Socket) => ClientOwner,
  ): void {
    const socket = new DenoSocket(client);
    const { connection } = client;
    connection.setNoDelay(true);
    void socket.#readClient(connection, start(socket));
  }

  /** A connection to an endpoint, which may be sent to at once. */
  static connecting(endpoint: Endpoint, owner: UpstreamOwner, clock: Clock): Socket {
    const socket = new DenoSocket();
    void socket.#keepWriting(socket.#connect(endpoint, owner, clock));
    return socket;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isClosed) return true;
    const view = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    const writing = this.#writing;
    const isAwaited = reading === "client" || (reading === "upstream" && this.#cap !== undefined);
    if (writing === undefined && isAwaited) {
      this.#writing = this.#connection!.write(view).catch(broken);
      this.#view = view;
    } else {
      const begun = this.#view;
      this.#view = NOTHING;
      void this.#keepWriting(
        writing === undefined ? this.#write(view) : this.#writeAfter(writing, begun, view),
      );
    }
    return true;
  }

  isSending(): boolean {
    return this.#writing !== undefined;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#resume?.();
    this.#resume = undefined;
  }

  endSending(): void {
    void this.#endSending();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.exchangeEnded();
    this.#connection?.close();
    this.resume();
    this.#onClosed?.();
  }

  exchangeEnded(): void {
    if (this.#turn !== undefined) this.#cap!.giveBack(this.#turn);
  }

  async #readClient(connection: Deno.TcpConn, owner: ClientOwner): Promise<void> {
    const buffer = new Uint8Array(CLIENT_READ_BYTES);
    const cap = this.#cap!, turn = this.#turn!;
    let how: "ended" | "broken" = "ended";
    try {
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        if (owner.isBetweenRequests() && !cap.take(turn)) await cap.wait(turn);
        if (this.#isClosed) return;
        reading = "client";
        owner.onData(buffer, 0, count);
        reading = undefined;
        if (owner.isBetweenRequests()) cap.giveBack(turn); // a part of a head, or answered here
        // Written out, without a function of its own: an async call more per request shows in the numbers.
        for (let peer = socketOf(owner.peer()); peer !== undefined; peer = socketOf(owner.peer())) {
          const writing = peer.#writing;
          if (writing === undefined) break;
          const count = await writing;
          if (peer.#writing !== writing || count < peer.#view.length) await peer.#allOut();
          else peer.#writing = undefined;
        }
        if (this.#writing !== undefined && owner.peer() === undefined) await this.#allOut();
        if (this.#isPaused) await new Promise<void>((resume) => this.#resume = resume);
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (isFault(error)) throw error;
      how = "broken"; // reset by the client, or closed by us meanwhile
    }
    if (!this.#isClosed) owner.onClose(how);
  }

  async #readUpstream(connection: Deno.TcpConn, owner: UpstreamOwner): Promise<void> {
    const buffer = new Uint8Array(UPSTREAM_READ_BYTES);
    let how: "ended" | "broken" = "ended";
    try {
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        const peer = socketOf(owner.peer());
        reading = "upstream";
        owner.onData(buffer, 0, count);
        reading = undefined;
        if (peer !== undefined && peer.#writing !== undefined) {
          const writing = peer.#writing;
          const count = await writing;
          if (peer.#writing !== writing || count < peer.#view.length) await peer.#allOut();
          else peer.#writing = undefined;
        }
        owner.onSent();
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (isFault(error)) throw error;
      how = "broken"; // reset by the endpoint, or closed by us meanwhile
    }
    if (!this.#isClosed) owner.onClose(how);
  }

  /** Waits until all is out, or the connection is broken. */
  async #allOut(): Promise<void> {
    while (this.#writing !== undefined) {
      const writing = this.#writing;
      const count = await writing;
      if (this.#writing !== writing) continue; // more was sent: that takes care of the rest
      if (count >= this.#view.length) this.#writing = undefined;
      else {
        this.#writing = this.#write(this.#view.subarray(count));
        this.#view = NOTHING;
      }
    }
  }

  /** For what no loop waits for: forgets the write when it is done. */
  async #keepWriting(writing: Promise<number>): Promise<void> {
    this.#writing = writing;
    await writing;
    if (this.#writing === writing) this.#writing = undefined;
  }

  /** The slow way: something is being written already, or the connection does not stand yet. */
  async #writeAfter(before: Promise<number>, begun: Uint8Array, next: Uint8Array): Promise<number> {
    const count = await before;
    if (count < begun.length) await this.#write(begun.subarray(count));
    return await this.#write(next);
  }

  async #write(bytes: Uint8Array): Promise<number> {
    try {
      for (let count = 0; count < bytes.length && !this.#isClosed;) {
        count += await this.#connection!.write(bytes.subarray(count));
      }
    } catch {
      // it is broken: its reader will see it, and tell its owner
    }
    return ALL_OUT;
  }

  async #endSending(): Promise<void> {
    if (this.#writing !== undefined) await this.#allOut();
    if (this.#isClosed) return;
    await this.#connection?.closeWrite().catch(broken);
  }

  async #connect(endpoint: Endpoint, owner: UpstreamOwner, clock: Clock): Promise<number> {
    const late = new AbortController();
    const stopTimer = clock.after(CONNECT_MS, () => late.abort());
    try {
      const { address: hostname, port } = endpoint;
      const connection = await Deno.connect({ hostname, port, signal: late.signal });
      if (this.#isClosed) connection.close();
      else {
        connection.setNoDelay(true);
        this.#connection = connection;
        void this.#readUpstream(connection, owner);
      }
    } catch (error) {
      if (!this.#isClosed) owner.onConnectFailed(connectFailureOf(error, late.signal));
    } finally {
      stopTimer();
    }
    return ALL_OUT;
  }
}

/** The owner of a client's socket, as this engine's loop needs it. */
export interface ClientOwner extends SocketOwner {
  /** Whether what comes next is a new request, which must wait for its turn. */
  isBetweenRequests(): boolean;
  /** The other side, while there is one. */
  peer(): Socket | undefined;
}

function connectFailureOf(error: unknown, late: AbortSignal): ConnectFailure {
  if (late.aborted || error instanceof Deno.errors.TimedOut) return "timeout";
  return error instanceof Deno.errors.ConnectionRefused ? "refused" : "unreachable";
}

/** Nothing more can be sent. The reader of the connection will see it, and tell its owner. */
function broken(): number {
  return ALL_OUT;
}

/** Whether the program is wrong, not the world: the thread must end, and is started again. */
function isFault(error: unknown): boolean {
  return error instanceof AssertionError || error instanceof TypeError ||
    error instanceof RangeError || error instanceof ReferenceError;
}

/** All sockets of this engine are of its own making. */
function socketOf(socket: Socket | undefined): DenoSocket | undefined {
  return socket as DenoSocket | undefined;
}

/** Takes connections of all listeners, and knows how many are open. Who may have one, others decide. */
export class ConnectionGate {
  #open = 0;
  #onEmpty: (() => void) | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get open(): number {
    return this.#open;
  }

  /** Hands each new connection to `take`, with what to call when it is closed, until the listener is closed. */
  async accept(
    listener: Deno.TcpListener,
    take: (connection: AcceptedConnection, onClosed: () => void) => void,
  ): Promise<void> {
    for (;;) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        if (error instanceof Deno.errors.Interrupted) return;
        await this.#clock.sleep(ACCEPT_RETRY_MS);
        continue;
      }
      this.#open++;
      take(connection, () => this.#leave());
    }
  }

  /** Waits until all are closed, `maxMs` at most. */
  untilEmpty(maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stopTimer = this.#clock.after(maxMs, resolve);
      this.#onEmpty = () => {
        stopTimer();
        resolve();
      };
      if (this.#open === 0) this.#onEmpty();
    });
  }

  #leave(): void {
    this.#open--;
    if (this.#open === 0) this.#onEmpty?.();
  }
}

/** Why a port could not be opened, for people. */
export function listenProblem(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the port is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not of this machine";
  if (error instanceof Deno.errors.PermissionDenied) return "this user may not open the port";
  return error instanceof Error ? error.message : String(error);
}
