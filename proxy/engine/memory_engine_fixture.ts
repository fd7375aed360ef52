import type { Clock } from "../../core/lib/clock.ts";
import type {
  Accept,
  ClientSocket,
  Engine,
  ListenAddress,
  OpenDatagrams,
  OpenListener,
  PeerAddress,
  Socket,
  SocketOwner,
  UpstreamOwner,
} from "./engine.ts";

/** More than this is not sent to a side that does not read. */
const BUFFER_BYTES = 64 * 1024;
const FIRST_FREE_PORT = 40_000;

interface Listener extends ListenAddress {
  accept: Accept;
}

/**
 * An engine whose network is memory: what it listens on, only it can connect to. Events come in microtasks, one after the
 * other, in the order of their causes.
 */
export class MemoryEngine implements Engine {
  readonly clock: Clock;
  readonly #listeners = new Set<Listener>();
  readonly #datagrams = new Map<string, (bytes: Uint8Array, from: PeerAddress) => void>();
  #nextPort = FIRST_FREE_PORT;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  listen(at: ListenAddress, accept: Accept): OpenListener {
    const port = at.port === 0 ? this.#nextPort++ : at.port;
    if (this.#listenerAt({ ...at, port })) throw new Error("the port is in use");
    const listener = { ...at, port, accept };
    this.#listeners.add(listener);
    return {
      port,
      close: () => {
        this.#listeners.delete(listener);
        return Promise.resolve();
      },
    };
  }

  connect(to: PeerAddress, owner: UpstreamOwner): Socket {
    const near = new MemorySocket("127.0.0.1", to), far = new MemorySocket("127.0.0.1", to);
    near.own(owner);
    queueMicrotask(() => {
      if (near.isClosed) return;
      const listener = this.#listenerAt(to);
      if (listener === undefined) return owner.onConnectFailed("refused");
      const farOwner = listener.accept(far);
      owner.onConnected();
      if (farOwner === undefined) far.close();
      else far.own(farOwner);
      near.join(far);
      far.join(near);
    });
    return near;
  }

  /** All addresses are those of one machine: a port of all addresses sends as `127.0.0.1`. */
  bind(
    at: PeerAddress,
    onDatagram: (bytes: Uint8Array, from: PeerAddress) => void,
  ): OpenDatagrams {
    const port = at.port === 0 ? this.#nextPort++ : at.port;
    const address = at.address === "0.0.0.0" ? "127.0.0.1" : at.address;
    const own = `${address} ${port}`;
    if (this.#datagrams.has(own)) throw new Error("the port is in use");
    this.#datagrams.set(own, onDatagram);
    return {
      port,
      send: (bytes, to) => {
        const copy = bytes.slice();
        queueMicrotask(() =>
          this.#datagrams.get(`${to.address} ${to.port}`)?.(copy, { address, port })
        );
      },
      close: () => {
        this.#datagrams.delete(own);
        return Promise.resolve();
      },
    };
  }

  #listenerAt({ address, port }: PeerAddress): Listener | undefined {
    return [...this.#listeners].find((listener) =>
      listener.port === port && (listener.address === address || listener.address === "0.0.0.0")
    );
  }
}

/** One end of a connection. Keeps what it was sent until the other end reads. */
class MemorySocket implements ClientSocket {
  readonly clientAddress: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly isEncrypted = false;
  isClosed = false;
  #owner: SocketOwner | undefined;
  #far: MemorySocket | undefined;
  #isPaused = false;
  #unsent: Uint8Array[] = [];
  #hasSentEnd = false;
  #hasEnded = false;
  #isFull = false;
  #isBroken = false;
  #isMoving = false;

  constructor(clientAddress: string, { address, port }: PeerAddress) {
    this.clientAddress = clientAddress;
    this.localAddress = address;
    this.localPort = port;
  }

  own(owner: SocketOwner): void {
    this.#owner = owner;
  }

  join(far: MemorySocket): void {
    this.#far = far;
    this.move();
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isClosed) return true;
    this.#unsent.push(bytes.slice(start, end));
    this.#isFull = this.#unsent.reduce((sum, { length }) => sum + length, 0) > BUFFER_BYTES;
    this.move();
    return !this.#isFull;
  }

  isSending(): boolean {
    return false; // it has copied what was sent
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#far?.move();
  }

  endSending(): void {
    this.#hasSentEnd = true;
    this.move();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#hasSentEnd = true;
    this.move();
    this.#far?.move();
  }

  keepAlive(): void {}
  exchangeEnded(): void {}

  /** Hands what was sent to the other end, soon. */
  move(): void {
    if (this.#far === undefined || this.#isMoving) return;
    this.#isMoving = true;
    queueMicrotask(() => {
      this.#isMoving = false;
      this.#moveOne(this.#far!);
    });
  }

  #moveOne(far: MemorySocket): void {
    if (far.isClosed) return this.#onFarClosed();
    if (far.#isPaused || far.#hasEnded) return;
    const next = this.#unsent.shift();
    if (next !== undefined) {
      far.#owner!.onData(next, 0, next.length);
      next.fill(0); // the bytes were the owner's only until it returned
      this.move();
    } else if (this.#hasSentEnd) {
      far.#hasEnded = true;
      far.#owner!.onClose("ended");
    }
    if (this.#isFull && this.#unsent.length === 0 && !this.isClosed) {
      this.#isFull = false;
      this.#owner!.onDrain();
    }
  }

  /** What is sent to who has gone finds no way. */
  #onFarClosed(): void {
    const isLost = this.#unsent.length > 0;
    this.#unsent = [];
    if (!isLost || !this.#hasEnded || this.isClosed || this.#isBroken) return;
    this.#isBroken = true;
    this.#owner!.onClose("broken");
  }
}
