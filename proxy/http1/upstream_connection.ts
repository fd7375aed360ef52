import type { HeaderEdit } from "../table/route_table.ts";
import { BodyFraming } from "./body_framing.ts";
import { areAll } from "./characters.ts";
import { type Head, NEED_MORE } from "./head.ts";
import { ADDED_BYTES_MAX, dropNominated, writeResponseHead } from "./head_writer.ts";
import { editedHead } from "./head_edit.ts";
import { HeldBytes } from "./held_bytes.ts";
import { parseResponse } from "./response_head.ts";
import type { ConnectFailure, Socket, UpstreamOwner } from "./socket.ts";

/** Why an exchange with an endpoint ended without a whole answer. */
export type UpstreamFailure =
  | { kind: "connect"; failure: ConnectFailure }
  /** It closed before the first byte of an answer. */
  | { kind: "no answer" }
  /** What it sent is not an answer. */
  | { kind: "bad answer"; problem: string }
  /** It closed in the middle of an answer that the client has begun to get. */
  | { kind: "truncated" };

/** Who asked, and gets the answer. */
export interface Asker {
  readonly socket: Socket;
  readonly answersHead: boolean;
  readonly wantsUpgrade: boolean;
  readonly minorVersion: number;
  /** Whether it wants the trailers of the answer. */
  readonly takesTrailers: boolean;
  /** The longest head of an answer. */
  readonly headBytesMax: number;
  /** Whether the request has been read to its end. */
  hasAsked(): boolean;
  /**
   * An answer begins. `untilClose`: only the end of the connection will end it. Returns whether the asker's connection
   * ends with it, which the head must then say.
   */
  onAnswer(status: number, untilClose: boolean): boolean;
  /** Changes to make to the fields of the answer. */
  readonly answerEdit: HeaderEdit | undefined;
  /** More of the answer came. */
  onProgress(): void;
  /** The answer has been sent whole. The upstream connection is free, or closed. */
  onAnswered(): void;
  /** Bytes now pass both ways as they are. */
  onTunnel(): void;
  onTunnelEnded(how: "ended" | "broken"): void;
  onFailed(upstream: UpstreamConnection, failure: UpstreamFailure): void;
}

/** Where a connection belongs when nobody uses it. */
export interface Home {
  opened(connection: UpstreamConnection): void;
  keep(connection: UpstreamConnection): boolean;
  closed(connection: UpstreamConnection): void;
}

type State = "head" | "body" | "settling" | "idle" | "tunnel" | "closed";

/** Room for a rewritten head of usual size and a small body, so that both go out in one write. */
const ANSWER_BYTES = 16 * 1024;
/** Interim answers (1xx) to one request: what comes above is a flood. */
export const INTERIM_ANSWERS_MAX = 100;

/** A connection to an endpoint: reads answers and passes them to whoever asked. One exchange at a time. */
export class UpstreamConnection implements UpstreamOwner {
  state: State = "idle";
  asker: Asker | undefined;
  /** Whether it has answered before: then it may be stale. */
  isReused = false;
  socket!: Socket;
  readonly #home: Home;
  /** Shared by all connections of the thread: used from parsing to writing of one head. */
  readonly #head: Head;
  readonly #body = new BodyFraming();
  readonly #held = new HeldBytes();
  #answer: Uint8Array | undefined;
  #gotBytes = false;
  #closes = false;
  #interims = 0;
  /** Bytes that would leave the head that is held unfinished. */
  #open: Uint8Array | undefined;

  constructor(home: Home, head: Head) {
    this.#home = home;
    this.#head = head;
    home.opened(this);
  }

  /** Begins an exchange. The request is sent on `socket` afterwards. */
  ask(asker: Asker): void {
    this.asker = asker;
    this.state = "head";
    this.#gotBytes = false;
    this.#interims = 0;
  }

  peer(): Socket | undefined {
    return this.asker?.socket;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    const { asker } = this;
    if (asker === undefined) return this.close(); // nobody has asked: whatever it is, it is not an answer
    this.#gotBytes = true;
    switch (this.state) {
      case "head":
        return this.#readHead(asker, bytes, start, end);
      case "body":
        asker.onProgress();
        return this.#readBody(asker, bytes, start, end);
      case "tunnel":
        asker.onProgress();
        if (!asker.socket.send(bytes, start, end)) this.socket.pause();
        return;
      default:
        return this.close();
    }
  }

  onClose(how: "ended" | "broken"): void {
    const { asker, state } = this;
    if (asker === undefined || state === "settling" || state === "idle") return this.close();
    if (state === "tunnel") return asker.onTunnelEnded(how);
    if (state === "body" && this.#body.endsWithConnection && how === "ended") {
      this.#closes = true;
      return this.#finish(asker, false);
    }
    if (state === "body") return this.#fail(asker, { kind: "truncated" });
    this.#fail(
      asker,
      this.#gotBytes
        ? { kind: "bad answer", problem: "it ended within the head" }
        : { kind: "no answer" },
    );
  }

  onConnectFailed(failure: ConnectFailure): void {
    if (this.asker === undefined) return this.close();
    this.#fail(this.asker, { kind: "connect", failure });
  }

  onDrain(): void {
    this.asker?.socket.resume();
  }

  onSent(): void {
    if (this.state === "settling") this.#settle();
  }

  close(): void {
    if (this.state === "closed") return;
    const { asker, state } = this;
    this.state = "closed";
    this.asker = undefined;
    this.#home.closed(this);
    this.socket.close();
    if (asker === undefined) return;
    if (state === "tunnel") asker.onTunnelEnded("broken");
    else asker.onFailed(this, { kind: state === "head" ? "no answer" : "truncated" });
  }

  /** Lets go of the asker, who has gone or will be answered otherwise, and closes. */
  abandon(): void {
    this.asker = undefined;
    this.close();
  }

  #fail(asker: Asker, failure: UpstreamFailure): void {
    this.abandon();
    asker.onFailed(this, failure);
  }

  #readHead(asker: Asker, bytes: Uint8Array, start: number, end: number): void {
    const { headBytesMax } = asker;
    if (this.#held.length > 0) {
      this.#held.add(bytes, start, end);
      const isOpen = this.#open !== undefined && areAll(this.#open, bytes, start, end);
      if (isOpen && this.#held.length < headBytesMax) return; // reading it all again would tell nothing new
      bytes = this.#held.take();
      start = 0;
      end = bytes.length;
    }
    const head = this.#head;
    for (;;) {
      const limit = Math.min(end, start + headBytesMax);
      const headEnd = parseResponse(bytes, start, limit, head, asker.answersHead);
      if (headEnd === NEED_MORE && end - start < headBytesMax) {
        this.#open = head.open;
        return this.#held.add(bytes, start, end);
      }
      if (headEnd <= 0) {
        const problem = headEnd === NEED_MORE ? "its head is too long" : head.problem;
        return this.#fail(asker, { kind: "bad answer", problem });
      }
      if (head.status === 101) return this.#upgrade(asker, bytes, start, end);
      if (head.status >= 200) return this.#startAnswer(asker, bytes, headEnd, end);
      const problem = this.#sendInterim(asker, bytes, headEnd);
      if (problem !== undefined) return this.#fail(asker, { kind: "bad answer", problem });
      start = headEnd;
      if (start === end) return;
    }
  }

  /** Hands on an interim answer (1xx). HTTP/1.0 knows none. Returns why it cannot be. */
  #sendInterim(asker: Asker, bytes: Uint8Array, headEnd: number): string | undefined {
    const head = this.#head;
    if (++this.#interims > INTERIM_ANSWERS_MAX) return "too many interim answers";
    if (asker.minorVersion === 0) return undefined;
    if (!dropHop(bytes, headEnd, head)) return "too many fields for one hop";
    if (head.droppedCount === 0) asker.socket.send(bytes, head.start, headEnd);
    else { // not in the buffer of the answer, which may follow before this is out
      const interim = new Uint8Array(headEnd - head.start);
      asker.socket.send(interim, 0, writeResponseHead(bytes, headEnd, head, false, interim));
    }
    return undefined;
  }

  #upgrade(asker: Asker, bytes: Uint8Array, start: number, end: number): void {
    if (!asker.wantsUpgrade) {
      return this.#fail(asker, { kind: "bad answer", problem: "an upgrade that nobody asked for" });
    }
    this.state = "tunnel";
    if (!asker.socket.send(bytes, start, end)) this.socket.pause();
    asker.onTunnel();
  }

  #startAnswer(asker: Asker, bytes: Uint8Array, headEnd: number, end: number): void {
    const head = this.#head;
    this.#body.start(head.length, { keepsTrailers: asker.takesTrailers });
    const bodyEnd = this.#body.feed(bytes, headEnd, end);
    if (bodyEnd < 0) {
      return this.#fail(asker, { kind: "bad answer", problem: "bad chunks" });
    }
    if (!dropHop(bytes, headEnd, head)) {
      return this.#fail(asker, { kind: "bad answer", problem: "too many fields for one hop" });
    }
    this.state = "body";
    const untilClose = this.#body.endsWithConnection;
    this.#closes = head.closes || untilClose;
    const askerCloses = asker.onAnswer(head.status, untilClose);
    const isSent = this.#sendHead(asker, bytes, headEnd, this.#body.sendEnd, askerCloses);
    if (this.#body.isDone) this.#finish(asker, bodyEnd === end);
    else if (!isSent) this.socket.pause();
  }

  /** Sends the head and what has come of the body, in one write if it can be. */
  #sendHead(
    asker: Asker,
    bytes: Uint8Array,
    headEnd: number,
    bodyEnd: number,
    askerCloses: boolean,
  ): boolean {
    const head = this.#head;
    const { answerEdit } = asker;
    const isAsItCame = head.droppedCount === 0 && !askerCloses && head.minorVersion === 1;
    if (isAsItCame && answerEdit === undefined) {
      return asker.socket.send(bytes, head.start, bodyEnd);
    }
    let answer = this.#answer ??= new Uint8Array(ANSWER_BYTES);
    if (answer.length < headEnd - head.start + ADDED_BYTES_MAX) {
      answer = this.#answer = new Uint8Array(headEnd - head.start + ADDED_BYTES_MAX);
    }
    let length = writeResponseHead(bytes, headEnd, head, askerCloses, answer);
    if (answerEdit !== undefined) {
      answer = editedHead(answer.subarray(0, length), { edit: answerEdit });
      length = answer.length;
    }
    const bodyLength = bodyEnd - headEnd;
    if (bodyLength <= answer.length - length) {
      answer.set(bytes.subarray(headEnd, bodyEnd), length);
      return asker.socket.send(answer, 0, length + bodyLength);
    }
    asker.socket.send(answer, 0, length);
    return bodyLength === 0 || asker.socket.send(bytes, headEnd, bodyEnd);
  }

  #readBody(asker: Asker, bytes: Uint8Array, start: number, end: number): void {
    const bodyEnd = this.#body.feed(bytes, start, end);
    if (bodyEnd < 0) return this.#fail(asker, { kind: "truncated" });
    const { sendEnd } = this.#body;
    const isSent = sendEnd === start || asker.socket.send(bytes, start, sendEnd);
    if (this.#body.isDone) this.#finish(asker, bodyEnd === end);
    else if (!isSent) this.socket.pause();
  }

  /** `isClean`: nothing came after the answer. */
  #finish(asker: Asker, isClean: boolean): void {
    this.asker = undefined;
    this.state = "settling";
    // A request that is still on its way out while its answer is complete was not read: not to be trusted further.
    const isReusable = isClean && !this.#closes && asker.hasAsked() && !this.socket.isSending();
    if (!isReusable) this.close();
    else if (!asker.socket.isSending()) this.#settle();
    asker.onAnswered();
  }

  #settle(): void {
    this.state = "idle";
    this.isReused = true;
    this.socket.resume();
    if (!this.#home.keep(this)) this.close();
  }
}

/** Marks what is not to be handed on. False: too much of it. */
function dropHop(bytes: Uint8Array, headEnd: number, head: Head): boolean {
  return (!head.nominates && !head.framesNothing) || dropNominated(bytes, headEnd, head);
}
