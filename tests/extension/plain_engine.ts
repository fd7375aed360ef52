import { SystemClock } from "../../core/lib/clock.ts";
import type {
  Accept,
  ClientSocket,
  Engine,
  ListenAddress,
  OpenListener,
  PeerAddress,
  Socket,
  SocketOwner,
  UpstreamOwner,
} from "../../proxy/engine/engine.ts";
import { PROXY_PERMISSIONS, type ProxyEngine } from "../../proxy/threads/engines.ts";
import { serveThread } from "../../proxy/threads/thread_worker.ts";

/** What waits to be sent; a side that has more is read no further. */
const BUFFER_BYTES = 256 * 1024;

/** A proxy engine that copies what it sends. It can pretend that its clients speak TLS, to be told from the built-in one. */
export class PlainEngine implements Engine {
  readonly clock = new SystemClock();
  readonly #isEncrypted: boolean;

  constructor({ isEncrypted = false }: { isEncrypted?: boolean } = {}) {
    this.#isEncrypted = isEncrypted;
  }

  listen({ address: hostname, port }: ListenAddress, accept: Accept): OpenListener {
    let listener: Deno.TcpListener;
    try {
      listener = Deno.listen({ hostname, port });
    } catch (error) {
      const isTaken = error instanceof Deno.errors.AddrInUse;
      throw isTaken ? new Error("the port is in use") : error;
    }
    const accepting = (async () => {
      for await (const connection of listener) {
        const socket = new PlainSocket(this.#isEncrypted, connection);
        const owner = accept(socket);
        if (owner === undefined) socket.close();
        else void socket.read(owner);
      }
    })();
    let isOpen = true;
    return {
      port: listener.addr.port,
      close: () => {
        if (isOpen) listener.close();
        isOpen = false;
        return accepting;
      },
    };
  }

  connect({ address: hostname, port }: PeerAddress, owner: UpstreamOwner): Socket {
    const socket = new PlainSocket(false);
    Deno.connect({ hostname, port }).then(
      (connection) => {
        if (!socket.join(connection)) return connection.close();
        owner.onConnected();
        void socket.read(owner);
      },
      () => socket.isClosed || owner.onConnectFailed("refused"),
    );
    return socket;
  }
}

class PlainSocket implements ClientSocket {
  isClosed = false;
  #connection: Deno.TcpConn | undefined;
  #owner: SocketOwner | undefined;
  #unsent: (Uint8Array | "end")[] = [];
  #isWriting = false;
  #isFull = false;
  #hasEnded = false;
  #resumed = Promise.withResolvers<void>();

  constructor(readonly isEncrypted: boolean, connection?: Deno.TcpConn) {
    this.#connection = connection;
    this.#resumed.resolve();
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

  /** False: it was closed meanwhile. */
  join(connection: Deno.TcpConn): boolean {
    if (this.isClosed) return false;
    this.#connection = connection;
    void this.#write();
    return true;
  }

  async read(owner: SocketOwner): Promise<void> {
    this.#owner = owner;
    const buffer = new Uint8Array(64 * 1024);
    let how: "ended" | "broken" = "ended";
    for (;;) {
      await this.#resumed.promise;
      const count = await this.#connection!.read(buffer).catch(() => "broken" as const);
      if (count === "broken") how = "broken";
      if (this.isClosed || count === null || count === "broken") break;
      await this.#resumed.promise;
      owner.onData(buffer, 0, count);
    }
    this.#hasEnded = true;
    if (!this.isClosed) owner.onClose(how);
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isClosed) return true;
    this.#unsent.push(bytes.slice(start, end));
    void this.#write();
    this.#isFull = this.#unsent.reduce((sum, { length }) => sum + length, 0) > BUFFER_BYTES;
    return !this.#isFull;
  }
  isSending(): boolean {
    return false;
  }
  pause(): void {
    this.#resumed = Promise.withResolvers();
  }
  resume(): void {
    this.#resumed.resolve();
  }
  endSending(): void {
    this.#unsent.push("end");
    void this.#write();
  }
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.resume();
    if (!this.#isWriting) this.#connection?.close();
  }
  keepAlive(): void {}
  exchangeEnded(): void {}

  async #write(): Promise<void> {
    if (this.#isWriting || this.#connection === undefined) return;
    this.#isWriting = true;
    try {
      while (this.#unsent.length > 0) await this.#writeFirst(this.#connection);
    } catch {
      this.#unsent = [];
      if (this.#hasEnded && !this.isClosed) this.#owner!.onClose("broken");
    }
    this.#isWriting = false;
    if (this.isClosed) return this.#connection.close();
    if (this.#isFull) this.#owner!.onDrain();
    this.#isFull = false;
  }

  async #writeFirst(connection: Deno.TcpConn): Promise<void> {
    const first = this.#unsent[0]!;
    if (first === "end") await connection.closeWrite();
    else {for (let done = 0; done < first.length;) {
        done += await connection.write(first.subarray(done));
      }}
    this.#unsent.shift();
  }
}

/** The entry in the list. */
export const plainEngine: ProxyEngine = {
  name: "plain",
  startThread: () =>
    new Worker(import.meta.url, { type: "module", deno: { permissions: PROXY_PERMISSIONS } }),
};

if (import.meta.main) serveThread(new PlainEngine({ isEncrypted: true }));
