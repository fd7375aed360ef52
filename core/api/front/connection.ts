import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type ConnectionState, type Phase, reasonToClose } from "./deadlines.ts";
import type { Place } from "./places.ts";

/** A socket of `node:http` with its parser, which the types leave out. */
type HttpSocket = Socket & { parser?: { onIncoming: () => number } | null };
/** What `onIncoming` returns for an upgrade, after which no HTTP follows. */
const ENDS_PARSING = 2;

/** A request in flight. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly sinceMs: number;
  /** When it was answered, if its body had not ended by then. */
  answeredMs?: number;
}

/** One client connection, from accept to close. */
export class Connection implements Place, ConnectionState {
  readonly exchanges = new Set<Exchange>();
  phase: Phase;
  phaseSinceMs: number;
  user: string | undefined;
  /** It carries others, and whoever has it ends it. */
  hasLeft = false;
  unreadBytes = 0;
  discardedBytes = 0;
  headSinceMs: number | undefined;
  bodySinceMs: number | undefined;
  discardingSinceMs: number | undefined;
  stalledSinceMs: number | undefined;
  #bytesRead = 0;
  #pausedAtBytes: number | undefined;
  #discardingAtBytes: number | undefined;
  #bytesTaken = 0;

  constructor(
    public socket: Socket,
    readonly address: string,
    phase: "handshake" | "head",
    nowMs: number,
  ) {
    this.phase = phase;
    this.phaseSinceMs = nowMs;
  }

  enter(phase: Phase, nowMs: number): void {
    if (this.phase === "closing") return;
    this.phase = phase;
    this.phaseSinceMs = nowMs;
    this.headSinceMs = undefined;
    if (phase === "idle") this.#bytesRead = this.socket.bytesRead;
  }

  /** It was upgraded: from now on it pauses and resumes as its peer's bytes are taken. */
  beginStream(nowMs: number): void {
    this.enter("stream", nowMs);
    this.socket.on("resume", () => this.#pausedAtBytes = undefined);
  }

  /**
   * Stops parsing what has already been received. Otherwise one read of 32 KB with pipelined requests becomes a thousand
   * request objects, even though the socket is closed while they are parsed.
   */
  takeNoMoreRequests(): void {
    const { parser } = this.socket as HttpSocket;
    if (parser) parser.onIncoming = () => ENDS_PARSING;
  }

  /** Bytes buffered in both directions. */
  get waitingBytes(): number {
    return this.unreadBytes + this.socket.readableLength + this.socket.writableLength;
  }

  /** Observes the socket. Returns why the connection must be closed, if it must. */
  reasonToCloseAt(nowMs: number, handshakeMs: number): string | undefined {
    const { socket } = this;
    this.#observeInput(socket, nowMs);
    this.#observeOutput(socket, nowMs);
    return reasonToClose(this, nowMs, handshakeMs);
  }

  #observeInput(socket: Socket, nowMs: number): void {
    const { bytesRead } = socket;
    if (this.phase === "idle" && bytesRead !== this.#bytesRead) this.headSinceMs ??= nowMs;
    if (!socket.isPaused()) this.#pausedAtBytes = undefined;
    else this.#pausedAtBytes ??= bytesRead;
    this.unreadBytes = this.#pausedAtBytes === undefined ? 0 : bytesRead - this.#pausedAtBytes;
    this.bodySinceMs = this.discardingSinceMs = undefined;
    for (const { incoming, sinceMs, answeredMs } of this.exchanges) {
      if (incoming.complete) continue;
      this.bodySinceMs ??= sinceMs; // the oldest comes first
      this.discardingSinceMs ??= answeredMs;
    }
    if (this.discardingSinceMs === undefined) this.#discardingAtBytes = undefined;
    else this.#discardingAtBytes ??= bytesRead;
    this.discardedBytes = bytesRead - (this.#discardingAtBytes ?? bytesRead);
  }

  #observeOutput({ bytesWritten, writableLength }: Socket, nowMs: number): void {
    const taken = (bytesWritten ?? 0) - writableLength;
    const isStalled = writableLength > 0 && taken === this.#bytesTaken;
    this.#bytesTaken = taken;
    if (!isStalled) this.stalledSinceMs = undefined;
    else this.stalledSinceMs ??= nowMs;
  }
}
