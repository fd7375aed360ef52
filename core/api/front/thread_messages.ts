import type { KeyPair } from "../access/pki_certificates.ts";

/** Key pair of the server, and the authority whose clients are welcome. All in PEM. */
export type TlsFiles = KeyPair & { authority: string };

export interface StartThread {
  type: "start";
  /** Descriptors, which all threads share. */
  listener: number;
  alarm: number;
  orders: SharedArrayBuffer;
  /** What is written to many connections at once. */
  ring: SharedArrayBuffer;
  tls: TlsFiles;
  handshakeMs: number;
  /** Connections at once, handshakes and farewells included. */
  relaysMax: number;
}

export type FromThread =
  | {
    type: "connection";
    /** Its name for the ring. */
    id: number;
    /** The server's end of a stream that carries what TLS carried. Whoever gets this message owns it. */
    descriptor: number;
    address: string;
    port: number;
    /** See `Peer.certificate`. */
    certificate?: Uint8Array<ArrayBuffer>;
  }
  | { type: "certificate"; refused?: string }
  /** There is room in the ring again, for which somebody waits. */
  | { type: "room" }
  /** Something went wrong, and the thread goes on. */
  | { type: "trouble"; what: string }
  /** The thread has closed all its connections and ends. */
  | { type: "died"; reason: string }
  | { type: "stopped" };

/** What the main thread orders. The thread waits for sockets, so that no message reaches it: these are bits in memory. */
export const ORDER = {
  /** Accept nothing more, end handshakes; end when all connections have ended. */
  stop: 1,
  /** Close all connections at once. */
  cut: 2,
  /** Use the certificate that stands in memory. */
  certificate: 4,
} as const;

const FILES_BYTES_MAX = 64 * 1024;
const HEADER_BYTES = 8;

/** The memory through which orders reach the thread. Whoever orders has to ring the alarm. */
export class Orders {
  readonly memory: SharedArrayBuffer;
  /** The bits, then the length of the files. */
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

  /** All that were given since they were last taken. */
  take(): number {
    return Atomics.exchange(this.#header, 0, 0);
  }

  /** Only while the thread has no earlier ones to read. Throws when they are too long. */
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
