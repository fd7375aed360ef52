import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { faultOf, type Phase, type Sighting } from "./deadlines.ts";
import type { Place } from "./places.ts";

/** The part of a socket of `node:http` that its types do not have: what makes requests of its bytes. */
type HttpSocket = Socket & { parser?: { onIncoming: () => number } | null };
/** What `onIncoming` returns for an upgrade, after which no HTTP follows. */
const ENDS_PARSING = 2;

/** A request that is under way. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly sinceMs: number;
  /** When it was answered, although its body had not come to an end. */
  answeredMs?: number;
}

/** One connection of the front, from its first byte to its end. */
export class Connection implements Place, Sighting {
  readonly exchanges = new Set<Exchange>();
  phase: Phase;
  phaseSinceMs: number;
  user: string | undefined;
  unreadBytes = 0;
  unwantedBytes = 0;
  headSinceMs: number | undefined;
  bodySinceMs: number | undefined;
  unwantedSinceMs: number | undefined;
  stalledSinceMs: number | undefined;
  #bytesRead = 0;
  #pausedAtBytes: number | undefined;
  #unwantedAtBytes: number | undefined;
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

  /**
   * Of what has come in already, no request is made any more. Without it, a piece of 32 KB with requests that were sent
   * ahead becomes a thousand of them, although the socket is closed in the midst of it.
   */
  takeNoMoreRequests(): void {
    const { parser } = this.socket as HttpSocket;
    if (parser) parser.onIncoming = () => ENDS_PARSING;
  }

  /** What waits to be read by us or by the peer. */
  get waitingBytes(): number {
    return this.unreadBytes + this.socket.readableLength + this.socket.writableLength;
  }

  /** Looks at the socket. Returns why it has to be closed, if so. */
  faultAt(nowMs: number, handshakeMs: number): string | undefined {
    const { socket } = this;
    this.#lookAtInput(socket, nowMs);
    this.#lookAtOutput(socket, nowMs);
    return faultOf(this, nowMs, handshakeMs);
  }

  #lookAtInput(socket: Socket, nowMs: number): void {
    const { bytesRead } = socket;
    if (this.phase === "idle" && bytesRead !== this.#bytesRead) this.headSinceMs ??= nowMs;
    if (!socket.isPaused()) this.#pausedAtBytes = undefined;
    else this.#pausedAtBytes ??= bytesRead;
    this.unreadBytes = this.#pausedAtBytes === undefined ? 0 : bytesRead - this.#pausedAtBytes;
    this.bodySinceMs = this.unwantedSinceMs = undefined;
    for (const { incoming, sinceMs, answeredMs } of this.exchanges) {
      if (incoming.complete) continue;
      this.bodySinceMs ??= sinceMs; // the oldest comes first
      this.unwantedSinceMs ??= answeredMs;
    }
    if (this.unwantedSinceMs === undefined) this.#unwantedAtBytes = undefined;
    else this.#unwantedAtBytes ??= bytesRead;
    this.unwantedBytes = bytesRead - (this.#unwantedAtBytes ?? bytesRead);
  }

  #lookAtOutput({ bytesWritten, writableLength }: Socket, nowMs: number): void {
    const taken = (bytesWritten ?? 0) - writableLength;
    const isStalled = writableLength > 0 && taken === this.#bytesTaken;
    this.#bytesTaken = taken;
    if (!isStalled) this.stalledSinceMs = undefined;
    else this.stalledSinceMs ??= nowMs;
  }
}
