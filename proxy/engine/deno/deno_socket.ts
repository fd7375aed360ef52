import { AssertionError } from "../../../core/lib/assert.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import type {
  Accept,
  ClientOwner,
  ClientSocket,
  ConnectFailure,
  PeerAddress,
  Socket,
  SocketOwner,
  UpstreamOwner,
} from "../engine.ts";
import type { InFlightCap, Turn } from "./in_flight_cap.ts";

/** A connection to an endpoint must be established within this long. */
const CONNECT_MS = 5_000;
/** Size of the buffer for those who send requests, and for all others. */
const REQUEST_READ_BYTES = 16 * 1024;
const STREAM_READ_BYTES = 64 * 1024;

const ALL_OUT = Infinity;
const NOTHING = new Uint8Array(0);

/**
 * Whose bytes are being handled: a client's loop waits afterwards for what was sent to both sides, an endpoint's loop for
 * what was sent to the client. No loop waits for what is sent at other times.
 */
let reading: "client" | "upstream" | undefined;

/**
 * A socket on Deno's own connections. Each has one loop that reads into one buffer, hands the bytes to its owner, and waits
 * until what the owner sent to the other side is out before it reads again: that is the back-pressure, at no further cost.
 */
export class DenoSocket implements ClientSocket {
  /** Resolves with how much of `#view` is out; `undefined`: all that was sent is. Never rejects. */
  #writing: Promise<number> | undefined;
  #view: Uint8Array = NOTHING;
  #connection: Deno.TcpConn | undefined;
  #isClosed = false;
  #isPaused = false;
  #resume: (() => void) | undefined;
  readonly #turn: Turn | undefined;
  readonly #cap: InFlightCap | undefined;
  #owner: SocketOwner | undefined;
  /** The other side has sent its end: nobody reads any more, and only what is sent can find that the connection is broken. */
  #hasEnded = false;
  readonly #onWriteFailed = () => this.#writeFailed();

  private constructor(connection?: Deno.TcpConn, cap?: InFlightCap) {
    this.#connection = connection;
    this.#cap = cap;
    this.#turn = cap?.newTurn();
  }

  /** A client's connection, which `accept` gives an owner. Requests wait for their turn in `cap`. */
  static accepted(connection: Deno.TcpConn, cap: InFlightCap, accept: Accept): void {
    const socket = new DenoSocket(connection, cap);
    connection.setNoDelay(true);
    const owner = accept(socket);
    if (owner === undefined) return socket.close();
    socket.#owner = owner;
    void socket.#readClient(connection, owner);
  }

  /** A connection to an endpoint, which may be sent to at once. */
  static connecting(to: PeerAddress, owner: UpstreamOwner, clock: Clock): Socket {
    const socket = new DenoSocket();
    socket.#owner = owner;
    void socket.#keepWriting(socket.#connect(to, owner, clock));
    return socket;
  }

  get clientAddress(): string {
    return this.#connection!.remoteAddr.hostname;
  }
  get localAddress(): string {
    return this.#connection!.localAddr.hostname;
  }
  get localPort(): number {
    return this.#connection!.localAddr.port;
  }
  get isEncrypted(): boolean {
    return false;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isClosed) return true;
    const view = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    const writing = this.#writing;
    const isAwaited = reading === "client" || (reading === "upstream" && this.#cap !== undefined);
    if (writing === undefined && isAwaited) {
      this.#writing = this.#connection!.write(view).catch(this.#onWriteFailed);
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
  }

  keepAlive(): void {
    this.#connection?.setKeepAlive(true);
  }

  exchangeEnded(): void {
    if (this.#turn !== undefined) this.#cap!.release(this.#turn);
  }

  async #readClient(connection: Deno.TcpConn, owner: ClientOwner): Promise<void> {
    const buffer = new Uint8Array(
      owner.isBetweenRequests() ? REQUEST_READ_BYTES : STREAM_READ_BYTES,
    );
    const cap = this.#cap!, turn = this.#turn!;
    let how: "ended" | "broken" = "ended";
    try {
      if (this.#isPaused) await this.#resumed();
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        if (owner.isBetweenRequests() && !cap.claim(turn)) await cap.wait(turn);
        if (this.#isClosed) return;
        reading = "client";
        owner.onData(buffer, 0, count);
        reading = undefined;
        if (owner.isBetweenRequests()) cap.release(turn); // a part of a head, or answered here
        // Inlined: one more async call per request is measurable.
        for (let peer = socketOf(owner.peer()); peer !== undefined; peer = socketOf(owner.peer())) {
          const writing = peer.#writing;
          if (writing === undefined) break;
          const count = await writing;
          if (peer.#writing !== writing || count < peer.#view.length) await peer.#allOut();
          else peer.#writing = undefined;
        }
        if (this.#writing !== undefined && owner.peer() === undefined) await this.#allOut();
        if (this.#isPaused) await this.#resumed();
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (isFault(error)) throw error;
      how = "broken"; // reset by the client, or closed by us meanwhile
    }
    this.#hasEnded = true;
    if (!this.#isClosed) owner.onClose(how);
  }

  async #readUpstream(connection: Deno.TcpConn, owner: UpstreamOwner): Promise<void> {
    const buffer = new Uint8Array(STREAM_READ_BYTES);
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
        if (this.#isPaused) await this.#resumed();
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (isFault(error)) throw error;
      how = "broken"; // reset by the endpoint, or closed by us meanwhile
    }
    this.#hasEnded = true;
    if (!this.#isClosed) owner.onClose(how);
  }

  #resumed(): Promise<void> {
    return new Promise((resume) => this.#resume = resume);
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

  /** For writes that no loop waits for: forgets the write when it is done. */
  async #keepWriting(writing: Promise<number>): Promise<void> {
    this.#writing = writing;
    await writing;
    if (this.#writing === writing) this.#writing = undefined;
  }

  /** The slow way: something is being written already, or the connection is not established yet. */
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
      return this.#writeFailed();
    }
    return ALL_OUT;
  }

  /** Nothing more can be sent. The reader of the connection will see it, and tell its owner, unless it is at its end. */
  #writeFailed(): number {
    const isUnknown = this.#hasEnded && !this.#isClosed;
    this.#hasEnded = false; // it is told once
    if (isUnknown) this.#owner!.onClose("broken");
    return ALL_OUT;
  }

  async #endSending(): Promise<void> {
    if (this.#writing !== undefined) await this.#allOut();
    if (this.#isClosed) return;
    await this.#connection?.closeWrite().catch(this.#onWriteFailed);
  }

  async #connect(to: PeerAddress, owner: UpstreamOwner, clock: Clock): Promise<number> {
    const late = new AbortController();
    const stopTimer = clock.after(CONNECT_MS, () => late.abort());
    let connection: Deno.TcpConn;
    try {
      const { address: hostname, port } = to;
      connection = await Deno.connect({ hostname, port, signal: late.signal });
    } catch (error) {
      if (!this.#isClosed) owner.onConnectFailed(connectFailureOf(error, late.signal));
      return ALL_OUT;
    } finally {
      stopTimer();
    }
    if (this.#isClosed) connection.close();
    else {
      connection.setNoDelay(true);
      this.#connection = connection;
      owner.onConnected();
      void this.#readUpstream(connection, owner);
    }
    return ALL_OUT;
  }
}

function connectFailureOf(error: unknown, late: AbortSignal): ConnectFailure {
  if (late.aborted || error instanceof Deno.errors.TimedOut) return "timeout";
  return error instanceof Deno.errors.ConnectionRefused ? "refused" : "unreachable";
}

/** Whether it is a bug: then the thread must end, and is started again. */
function isFault(error: unknown): boolean {
  return error instanceof AssertionError || error instanceof TypeError ||
    error instanceof RangeError || error instanceof ReferenceError;
}

/** All sockets of this engine are of its own making; some have TLS above them. */
function socketOf(socket: Socket | undefined): DenoSocket | undefined {
  if (socket instanceof DenoSocket) return socket;
  const carrier = socket?.carrier;
  return carrier instanceof DenoSocket ? carrier : undefined; // what leads nowhere is never full
}
