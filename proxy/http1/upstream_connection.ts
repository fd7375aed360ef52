import { BodyFraming } from "../messages/body_framing.ts";
import { areAll } from "../messages/characters.ts";
import { type Head, NEED_MORE } from "../messages/head.ts";
import { ADDED_BYTES_MAX, dropListedFields, writeResponseHead } from "../messages/head_writer.ts";
import { DecodedAnswer } from "./decoded_answer.ts";
import { editedHead } from "./head_edit.ts";
import { HeldBytes } from "../messages/held_bytes.ts";
import { parseResponse } from "../messages/response_head.ts";
import type { ConnectFailure, Socket, UpstreamOwner } from "../engine/engine.ts";
import type { AnswerSink, Downstream, RawSink, UpstreamFailure } from "../protocol/downstream.ts";
import type { ConnectionPool, Upstream } from "../protocol/upstream.ts";

type State = "head" | "body" | "flushing" | "idle" | "tunnel" | "closed";

/** Room for a rewritten head of usual size and a small body, so that both go out in one write. */
const ANSWER_BYTES = 16 * 1024;
/** Interim answers (1xx) to one request: more are a flood. */
export const INTERIM_ANSWERS_MAX = 100;

/** A connection to an endpoint: reads answers and passes them to whoever has asked. One exchange at a time. */
export class UpstreamConnection implements UpstreamOwner, Upstream {
  state: State = "idle";
  downstream: Downstream | undefined;
  socket!: Socket;
  readonly #pool: ConnectionPool;
  /** Shared by all connections of the thread: used from parsing to writing of one head. */
  readonly #head: Head;
  readonly #body = new BodyFraming();
  readonly #held = new HeldBytes();
  #answer: Uint8Array | undefined;
  #decoded: DecodedAnswer | undefined;
  #isReused = false;
  #gotBytes = false;
  #closes = false;
  #interims = 0;
  /** For the head that is held. */
  #skippable: Uint8Array | undefined;

  constructor(pool: ConnectionPool, head: Head) {
    this.#pool = pool;
    this.#head = head;
    pool.opened(this);
  }

  /** Begins an exchange. The request is sent on `socket` afterwards. */
  ask(downstream: Downstream): void {
    this.downstream = downstream;
    this.state = "head";
    this.#gotBytes = false;
    this.#interims = 0;
  }

  peer(): Socket | undefined {
    return this.downstream?.socket;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    const { downstream } = this;
    if (downstream === undefined) return this.close(); // nobody has asked, so it is no answer
    this.#gotBytes = true;
    switch (this.state) {
      case "head":
        return this.#readHead(downstream, bytes, start, end);
      case "body":
        downstream.onProgress();
        return this.#readBody(downstream, bytes, start, end);
      case "tunnel":
        downstream.onProgress();
        if (!downstream.socket.send(bytes, start, end)) this.socket.pause();
        return;
      default:
        return this.close();
    }
  }

  onClose(how: "ended" | "broken"): void {
    const { downstream, state } = this;
    if (downstream === undefined || state === "flushing" || state === "idle") return this.close();
    if (state === "tunnel" && downstream.isRaw) return downstream.onTunnelEnded(how);
    if (state === "body" && this.#body.endsWithConnection && how === "ended") {
      this.#closes = true;
      return this.#finish(downstream, false);
    }
    if (state === "body") return this.#fail(downstream, { kind: "truncated" });
    this.#fail(
      downstream,
      this.#gotBytes
        ? { kind: "bad answer", problem: "it ended within the head" }
        : { kind: "no answer", isReused: this.#isReused },
    );
  }

  onConnected(): void {}

  onConnectFailed(failure: ConnectFailure): void {
    if (this.downstream === undefined) return this.close();
    this.#fail(this.downstream, { kind: "connect", failure });
  }

  onDrain(): void {
    this.downstream?.socket.resume();
  }

  onSent(): void {
    if (this.state === "flushing") this.#becomeIdle();
  }

  close(): void {
    if (this.state === "closed") return;
    const { downstream, state } = this;
    this.state = "closed";
    this.downstream = undefined;
    this.#pool.closed(this);
    this.socket.close();
    if (downstream === undefined) return;
    if (state === "tunnel" && downstream.isRaw) downstream.onTunnelEnded("broken");
    else if (state === "head") downstream.onFailed({ kind: "no answer", isReused: this.#isReused });
    else downstream.onFailed({ kind: "truncated" });
  }

  /** Closes it for a client that has gone or will be answered otherwise. */
  abandon(): void {
    this.downstream = undefined;
    this.close();
  }

  #fail(downstream: Downstream, failure: UpstreamFailure): void {
    this.abandon();
    downstream.onFailed(failure);
  }

  #readHead(downstream: Downstream, bytes: Uint8Array, start: number, end: number): void {
    const { headBytesMax } = downstream;
    if (this.#held.length > 0) {
      this.#held.add(bytes, start, end);
      const isSkippable = this.#skippable !== undefined &&
        areAll(this.#skippable, bytes, start, end);
      if (isSkippable && this.#held.length < headBytesMax) return; // parsing it again would tell nothing new
      bytes = this.#held.take();
      start = 0;
      end = bytes.length;
    }
    const head = this.#head;
    for (;;) {
      const limit = Math.min(end, start + headBytesMax);
      const headEnd = parseResponse(bytes, start, limit, head, downstream.isHeadRequest);
      if (headEnd === NEED_MORE && end - start < headBytesMax) {
        this.#skippable = head.skippable;
        return this.#held.add(bytes, start, end);
      }
      if (headEnd <= 0) {
        const problem = headEnd === NEED_MORE ? "its head is too long" : head.problem;
        return this.#fail(downstream, { kind: "bad answer", problem });
      }
      if (head.status === 101) return this.#upgrade(downstream, bytes, start, end);
      if (head.status >= 200) return this.#startAnswer(downstream, bytes, headEnd, end);
      const problem = this.#sendInterim(downstream, bytes, headEnd);
      if (problem !== undefined) return this.#fail(downstream, { kind: "bad answer", problem });
      start = headEnd;
      if (start === end) return;
    }
  }

  /** Forwards an interim answer (1xx); not to HTTP/1.0, which has none. Returns why it cannot. */
  #sendInterim(downstream: Downstream, bytes: Uint8Array, headEnd: number): string | undefined {
    const head = this.#head;
    if (++this.#interims > INTERIM_ANSWERS_MAX) return "too many interim answers";
    if (downstream.isRaw && downstream.minorVersion === 0) return undefined;
    if (!dropHopByHop(bytes, headEnd, head)) return "too many fields for one hop";
    if (!downstream.isRaw) {
      new DecodedAnswer(downstream).onHead(bytes, headEnd, head);
      return undefined;
    }
    if (head.droppedCount === 0) downstream.socket.send(bytes, head.start, headEnd);
    else { // not in the buffer of the answer, which may follow before this is out
      const interim = new Uint8Array(headEnd - head.start);
      downstream.socket.send(interim, 0, writeResponseHead(bytes, headEnd, head, false, interim));
    }
    return undefined;
  }

  #upgrade(downstream: Downstream, bytes: Uint8Array, start: number, end: number): void {
    if (!downstream.isRaw || !downstream.wantsUpgrade) {
      return this.#fail(downstream, {
        kind: "bad answer",
        problem: "an upgrade that nobody asked for",
      });
    }
    this.state = "tunnel";
    if (!downstream.socket.send(bytes, start, end)) this.socket.pause();
    downstream.onTunnel();
  }

  #startAnswer(downstream: Downstream, bytes: Uint8Array, headEnd: number, end: number): void {
    if (!downstream.isRaw) return this.#startDecoded(downstream, bytes, headEnd, end);
    const head = this.#head;
    this.#body.start(head.length, { keepsTrailers: downstream.takesTrailers });
    const bodyEnd = this.#body.feed(bytes, headEnd, end);
    if (bodyEnd < 0) {
      return this.#fail(downstream, { kind: "bad answer", problem: "bad chunks" });
    }
    if (!dropHopByHop(bytes, headEnd, head)) {
      return this.#fail(downstream, { kind: "bad answer", problem: "too many fields for one hop" });
    }
    this.state = "body";
    const untilClose = this.#body.endsWithConnection;
    this.#closes = head.closes || untilClose;
    const closes = downstream.onAnswer(head.status, untilClose);
    const isSent = this.#sendHead(downstream, bytes, headEnd, this.#body.sendEnd, closes);
    if (this.#body.isDone) this.#finish(downstream, bodyEnd === end);
    else if (!isSent) this.socket.pause();
  }

  /** The same for one who speaks another protocol. */
  #startDecoded(sink: AnswerSink, bytes: Uint8Array, headEnd: number, end: number): void {
    const head = this.#head;
    if (!dropHopByHop(bytes, headEnd, head)) {
      return this.#fail(sink, { kind: "bad answer", problem: "too many fields for one hop" });
    }
    const decoded = this.#decoded = new DecodedAnswer(sink);
    this.#body.start(head.length, { keepsTrailers: false, reader: decoded });
    this.state = "body";
    this.#closes = head.closes || this.#body.endsWithConnection;
    decoded.onHead(bytes, headEnd, head);
    this.#readDecoded(sink, decoded, bytes, headEnd, end);
  }

  #readDecoded(
    sink: AnswerSink,
    decoded: DecodedAnswer,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const bodyEnd = this.#body.feed(bytes, start, end);
    if (this.downstream !== sink) return; // the sink has abandoned it
    if (bodyEnd < 0) return this.#fail(sink, { kind: "truncated" });
    if (this.#body.isDone) {
      decoded.end();
      this.#finish(sink, bodyEnd === end);
    } else if (!decoded.takesMore) this.socket.pause();
  }

  /** Sends the head and what has come of the body, in one write if possible. */
  #sendHead(
    downstream: RawSink,
    bytes: Uint8Array,
    headEnd: number,
    bodyEnd: number,
    closes: boolean,
  ): boolean {
    const head = this.#head;
    const { answerEdit } = downstream;
    const isUnchanged = head.droppedCount === 0 && !closes && head.minorVersion === 1;
    if (isUnchanged && answerEdit === undefined) {
      return downstream.socket.send(bytes, head.start, bodyEnd);
    }
    let answer = this.#answer ??= new Uint8Array(ANSWER_BYTES);
    if (answer.length < headEnd - head.start + ADDED_BYTES_MAX) {
      answer = this.#answer = new Uint8Array(headEnd - head.start + ADDED_BYTES_MAX);
    }
    let length = writeResponseHead(bytes, headEnd, head, closes, answer);
    if (answerEdit !== undefined) {
      answer = editedHead(answer.subarray(0, length), { edit: answerEdit });
      length = answer.length;
    }
    const bodyLength = bodyEnd - headEnd;
    if (bodyLength <= answer.length - length) {
      answer.set(bytes.subarray(headEnd, bodyEnd), length);
      return downstream.socket.send(answer, 0, length + bodyLength);
    }
    downstream.socket.send(answer, 0, length);
    return bodyLength === 0 || downstream.socket.send(bytes, headEnd, bodyEnd);
  }

  #readBody(downstream: Downstream, bytes: Uint8Array, start: number, end: number): void {
    if (!downstream.isRaw) return this.#readDecoded(downstream, this.#decoded!, bytes, start, end);
    const bodyEnd = this.#body.feed(bytes, start, end);
    if (bodyEnd < 0) return this.#fail(downstream, { kind: "truncated" });
    const { sendEnd } = this.#body;
    const isSent = sendEnd === start || downstream.socket.send(bytes, start, sendEnd);
    if (this.#body.isDone) this.#finish(downstream, bodyEnd === end);
    else if (!isSent) this.socket.pause();
  }

  /** `isClean`: nothing came after the answer. */
  #finish(downstream: Downstream, isClean: boolean): void {
    this.downstream = undefined;
    this.state = "flushing";
    // An endpoint that answers before it has read the whole request is not used again.
    const isReusable = isClean && !this.#closes && downstream.isRequestComplete() &&
      !this.socket.isSending();
    if (!isReusable) this.close();
    else if (!downstream.socket.isSending()) this.#becomeIdle();
    downstream.onAnswered();
  }

  #becomeIdle(): void {
    this.state = "idle";
    this.#isReused = true;
    this.socket.resume();
    if (!this.#pool.keep(this)) this.close();
  }
}

/** Marks hop-by-hop fields as not to be handed on. False: too many of them. */
function dropHopByHop(bytes: Uint8Array, headEnd: number, head: Head): boolean {
  return (!head.listsFields && !head.hasStrayFraming) || dropListedFields(bytes, headEnd, head);
}
