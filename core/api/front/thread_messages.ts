import type { KeyPair } from "../access/pki_certificates.ts";

/** Key pair of the server, and the CA of its clients. All in PEM. */
export type TlsFiles = KeyPair & { authority: string };

export interface StartThread {
  type: "start";
  /** Descriptors, which all threads of a process share. */
  listener: number;
  alarm: number;
  /** The thread's end of the trunk; absent: no connection becomes a tunnel. */
  trunk?: number;
  orders: SharedArrayBuffer;
  /** The memory of the fan-out ring. */
  ring: SharedArrayBuffer;
  tls: TlsFiles;
  handshakeMs: number;
  /** Connections at once, including handshakes and lingering ones. */
  relaysMax: number;
}

export type FromThread =
  | {
    type: "connection";
    /** Identifies it in the ring. */
    id: number;
    /** The server's end of the plain stream. Whoever receives this message owns it. */
    descriptor: number;
    address: string;
    port: number;
    /** See `Peer.certificate`. */
    certificate?: Uint8Array<ArrayBuffer>;
  }
  | { type: "certificate"; refused?: string }
  /** There is room in the ring again, which the writer waits for. */
  | { type: "room" }
  /** The thread has no more use for the bytes of these loans. */
  | { type: "returned"; loans: readonly number[] }
  /** Something went wrong; the thread continues. */
  | { type: "problem"; what: string }
  /** The thread has closed all its connections and ends. */
  | { type: "died"; reason: string }
  | { type: "stopped" };

/** Orders of the main thread, as bits in shared memory: messages do not reach a thread that waits in epoll. */
export const ORDER = {
  /** Stop accepting, close handshakes; end when all connections have ended. */
  stop: 1,
  /** Close all connections at once. */
  cut: 2,
  /** Use the certificate in the shared memory. */
  certificate: 4,
} as const;

const FILES_BYTES_MAX = 64 * 1024;
const HEADER_BYTES = 8;

/** The shared memory for orders. After giving one, ring the alarm. */
export class Orders {
  readonly memory: SharedArrayBuffer;
  /** The order bits, then the length of the files. */
  readonly #header: Int32Array;
  readonly #files: Uint8Array;

  constructor(memory = new SharedArrayBuffer(HEADER_BYTES + FILES_BYTES_MAX)) {
    this.memory = memory;
    this.#header = new Int32Array(memory, 0, 2);
    this.#files = new Uint8Array(memory, HEADER_BYTES);
  }

  give(order: number): void {
    Atomics.or(this.#header, 0, order);
  }

  /** All orders since the last call. */
  take(): number {
    return Atomics.exchange(this.#header, 0, 0);
  }

  /** To be set only when the thread has read the previous ones. Throws when they are too long. */
  set files(files: TlsFiles) {
    const bytes = new TextEncoder().encode(JSON.stringify(files));
    if (bytes.length > this.#files.length) {
      throw new Error(
        `Cannot use a certificate of more than ${FILES_BYTES_MAX} bytes with its chain and its key`,
      );
    }
    this.#files.set(bytes);
    Atomics.store(this.#header, 1, bytes.length);
  }

  get files(): TlsFiles {
    const bytes = this.#files.slice(0, Atomics.load(this.#header, 1));
    return JSON.parse(new TextDecoder().decode(bytes));
  }
}
