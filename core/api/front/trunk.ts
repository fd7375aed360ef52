import type { Socket } from "node:net";
import type { ByteConnection } from "../../client/tunnel/byte_connection.ts";
import {
  FROM_THREAD,
  TO_THREAD,
  TRUNK_DATA_BYTES_MAX,
  TRUNK_HEAD_BYTES,
  trunkHead,
  u32,
  writeTrunkHead,
} from "./trunk_frames.ts";
import { concat } from "../../lib/bytes.ts";

/** What one connection may have written that its peer has not taken. */
const UNTAKEN_BYTES_MAX = 256 * 1024;
/** What waits for the reader of one connection before nothing more is read of its peer. */
const UNREAD_BYTES_MAX = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** The server's end of the stream that carries all connections that are tunnels: see `trunk_frames.ts`. */
export class Trunk {
  readonly #socket: Socket;
  readonly #connections = new Map<number, TrunkConnection>();
  #rest: Uint8Array = NOTHING;
  #outgoing: Uint8Array[] = [];
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    socket.once("close", () => this.close());
    socket.on("error", () => this.close()); // the thread has died
  }

  /** The bytes of a connection from now on. `left`: is called when nobody needs the socket that had them. */
  adopt(id: number, left: () => void): ByteConnection {
    const connection = new TrunkConnection(this, id, left);
    if (this.#isClosed) connection.leave();
    else {
      this.#connections.set(id, connection);
      this.send(TO_THREAD.adopt, id);
    }
    return connection;
  }

  /** Ends all connections. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    for (const connection of [...this.#connections.values()]) connection.leave();
    this.#connections.clear();
  }

  send(type: number, connection: number, payload: Uint8Array = NOTHING): void {
    if (this.#isClosed) return;
    const head = new Uint8Array(TRUNK_HEAD_BYTES);
    writeTrunkHead(head, 0, { type, length: payload.length, connection });
    this.#outgoing.push(head, payload);
    if (this.#outgoing.length === 2) queueMicrotask(() => this.#flush());
  }

  /** Everything of one moment is one write. */
  #flush(): void {
    const parts = this.#outgoing;
    this.#outgoing = [];
    if (!this.#isClosed) this.#socket.write(concat(parts));
  }

  #take(bytes: Uint8Array): void {
    const all = this.#rest.length === 0 ? bytes : concat([this.#rest, bytes]);
    let at = 0;
    while (all.length - at >= TRUNK_HEAD_BYTES) {
      const { type, length, connection } = trunkHead(all, at);
      const from = at + TRUNK_HEAD_BYTES;
      if (all.length - from < length) break;
      this.#told(type, connection, all.subarray(from, from + length));
      at = from + length;
    }
    this.#rest = at === all.length ? NOTHING : all.slice(at);
  }

  #told(type: number, id: number, payload: Uint8Array): void {
    const connection = this.#connections.get(id);
    switch (type) {
      case FROM_THREAD.data:
        return connection?.take(payload);
      case FROM_THREAD.adopted:
        return connection?.adopted();
      case FROM_THREAD.drained:
        return connection?.drained(u32(payload, 0));
      case FROM_THREAD.closed:
        this.#connections.delete(id);
        return connection?.leave();
    }
  }
}

/** One of them. */
class TrunkConnection implements ByteConnection {
  readonly #trunk: Trunk;
  readonly #id: number;
  #left: (() => void) | undefined;
  #parts: Uint8Array[] = [];
  #unread = 0;
  #untaken = 0;
  #isPaused = false;
  #state: "open" | "ended" | "gone" = "open";
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(trunk: Trunk, id: number, left: () => void) {
    this.#trunk = trunk;
    this.#id = id;
    this.#left = left;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const part = this.#parts.shift();
      if (part) {
        this.#unread -= part.length;
        if (this.#isPaused && this.#unread <= UNREAD_BYTES_MAX / 4) this.#pause(false);
        return part;
      }
      if (this.#state !== "open") return undefined;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
      this.#wakeReader = undefined;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#state !== "open") throw new Error("the connection is closed");
    this.#untaken += bytes.length;
    for (let at = 0; at < bytes.length; at += TRUNK_DATA_BYTES_MAX) {
      const part = bytes.subarray(at, at + TRUNK_DATA_BYTES_MAX);
      this.#trunk.send(TO_THREAD.data, this.#id, part);
    }
    while (this.#untaken > UNTAKEN_BYTES_MAX && this.#state === "open") {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
      this.#wakeWriter = undefined;
    }
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#trunk.send(TO_THREAD.close, this.#id);
    this.#state = "ended";
    this.#parts = [];
    this.#wake();
  }

  adopted(): void {
    this.#left?.();
    this.#left = undefined;
  }

  take(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#parts.push(bytes);
    this.#unread += bytes.length;
    if (!this.#isPaused && this.#unread > UNREAD_BYTES_MAX) this.#pause(true);
    this.#wakeReader?.();
  }

  drained(bytes: number): void {
    this.#untaken -= bytes;
    this.#wakeWriter?.();
  }

  leave(): void {
    this.adopted();
    this.#state = "gone";
    this.#wake();
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#trunk.send(isPaused ? TO_THREAD.pause : TO_THREAD.resume, this.#id);
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}
