import type { Openssl } from "../../core/lib/linux/openssl.ts";
import { TlsStream } from "../../core/lib/linux/tls_stream.ts";
import type { ClientOwner, ClientSocket, Socket } from "../engine/engine.ts";
import { HELLO_BYTES_MAX, readClientHello } from "./client_hello.ts";
import type { TlsContexts } from "./tls_contexts.ts";

/**
 * Bytes without application data that a client may send after its handshake: an incomplete record and some key updates.
 * Endless key updates, of 27 bytes each, would keep the thread busy.
 */
const SILENT_BYTES_MAX = 24 * 1024;
/** Bytes that a client may send before its handshake is done, a chain of certificates that nobody asked for included. */
const HANDSHAKE_BYTES_MAX = 32 * 1024;
/** Alerts of TLS 1.2 and 1.3 before any cipher is agreed on: RFC 8446, section 6. */
const UNRECOGNIZED_NAME = 112;
const DECODE_ERROR = 50;
/** What a client gets that speaks no TLS. */
const PLAIN_ANSWER = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n" +
  "Connection: close\r\n\r\nCannot read the request: this port speaks TLS\n";
const FIRST_LETTER = 0x41, LAST_LETTER = 0x5a;

/**
 * A client's connection that speaks TLS: for the engine the owner of the bytes that come, for the connection above it a
 * socket of plain ones. What the client is read of, how much waits, and when it ends, the two of them decide as ever.
 */
export class TlsSocket implements ClientSocket, ClientOwner {
  readonly isEncrypted = true;
  /** That the client has asked for, in small letters; `""`: none. */
  serverName = "";
  readonly #openssl: Openssl;
  readonly #contexts: TlsContexts;
  readonly #socket: ClientSocket;
  #owner!: ClientOwner;
  #session: TlsStream | undefined;
  /** What has come of a ClientHello. */
  #hello = new Uint8Array();
  #handshakeBytes = 0;
  /** The client has said that it sends nothing more. */
  #hasEnded = false;
  #isOver = false;

  constructor(socket: ClientSocket, openssl: Openssl, contexts: TlsContexts) {
    this.#socket = socket;
    this.#openssl = openssl;
    this.#contexts = contexts;
  }

  /** Whose connection it is. To be called before anything comes. */
  own(owner: ClientOwner): void {
    this.#owner = owner;
  }

  // For the connection above.

  get carrier(): Socket {
    return this.#socket;
  }
  get clientAddress(): string {
    return this.#socket.clientAddress;
  }
  get localAddress(): string {
    return this.#socket.localAddress;
  }
  get localPort(): number {
    return this.#socket.localPort;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    const session = this.#session;
    if (session === undefined || !session.isReady || end <= start) return true;
    session.write(bytes.subarray(start, end)); // when it fails the connection is at its end, and its reader sees it
    return this.#flush(session);
  }

  isSending(): boolean {
    return this.#socket.isSending();
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
  keepAlive(): void {
    this.#socket.keepAlive();
  }
  exchangeEnded(): void {
    this.#socket.exchangeEnded();
  }

  endSending(): void {
    this.#sayGoodbye();
    this.#socket.endSending();
  }

  close(): void {
    if (this.#isOver) return;
    this.#sayGoodbye();
    this.#isOver = true;
    this.#session?.free();
    this.#session = undefined;
    this.#socket.close();
  }

  /** Without it, the client could not tell an end from a connection that somebody cut. */
  #sayGoodbye(): void {
    const session = this.#session;
    if (session === undefined || !session.isReady) return;
    session.end();
    this.#flush(session);
  }

  // For the engine.

  isBetweenRequests(): boolean {
    return this.#owner.isBetweenRequests();
  }
  peer(): Socket | undefined {
    return this.#owner.peer();
  }
  onDrain(): void {
    this.#owner.onDrain();
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    if (this.#session === undefined) {
      this.#readHello(bytes, start, end);
    } else this.#feed(this.#session, bytes.subarray(start, end));
  }

  /** An end without the word for it may have been made by somebody on the way: nothing is taken for complete by it. */
  onClose(how: "ended" | "broken"): void {
    if (this.#isOver || (this.#hasEnded && how === "ended")) return;
    this.#owner.onClose("broken");
  }

  #readHello(bytes: Uint8Array, start: number, end: number): void {
    if (this.#hello.length + end - start > HELLO_BYTES_MAX) return this.#refuse(DECODE_ERROR);
    const hello = new Uint8Array(this.#hello.length + end - start);
    hello.set(this.#hello);
    hello.set(bytes.subarray(start, end), this.#hello.length);
    this.#hello = hello;
    const said = readClientHello(hello);
    if (said === "needs more") return;
    if (said === "unreadable") return this.#refuse(DECODE_ERROR);
    const context = this.#contexts.for(said.serverName);
    if (context === undefined) return this.#refuse(UNRECOGNIZED_NAME);
    this.serverName = said.serverName;
    this.#session = new TlsStream(this.#openssl, context);
    this.#hello = new Uint8Array();
    this.#feed(this.#session, hello);
  }

  /** Ends a connection that no session was made for. */
  #refuse(alert: number): void {
    const first = this.#hello[0] ?? 0;
    const isPlain = first >= FIRST_LETTER && first <= LAST_LETTER;
    const answer = isPlain
      ? new TextEncoder().encode(PLAIN_ANSWER)
      : Uint8Array.of(21, 3, 3, 0, 2, 2, alert); // a record: alert, TLS 1.2, two bytes: fatal, and why
    this.#socket.send(answer, 0, answer.length);
    this.#owner.onClose("broken");
  }

  /** Takes what came, and hands on all plain bytes of it at once. */
  #feed(session: TlsStream, bytes: Uint8Array): void {
    if (!session.isReady) this.#handshakeBytes += bytes.length;
    const plain = session.feed(bytes);
    this.#flush(session); // answers to a handshake, key updates, alerts
    const isTooMuch = session.isReady
      ? session.silentBytes > SILENT_BYTES_MAX
      : this.#handshakeBytes > HANDSHAKE_BYTES_MAX;
    if (plain.bytes.length > 0) this.#owner.onData(plain.bytes, 0, plain.bytes.length);
    if (this.#isOver || this.#hasEnded) return;
    if (isTooMuch || plain.state === "broken") return this.#owner.onClose("broken");
    if (plain.state === "open") return;
    this.#hasEnded = true;
    this.#owner.onClose("ended");
  }

  /** Sends what the session has to say. */
  #flush(session: TlsStream): boolean {
    let isTaken = true;
    for (let bytes = session.out(); bytes !== undefined; bytes = session.out()) {
      isTaken = this.#socket.send(bytes, 0, bytes.length) && isTaken;
    }
    return isTaken;
  }
}
