import type { Deadline } from "../connections/deadlines.ts";
import type { ClientOwner, ClientSocket, Socket } from "../engine/engine.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { HttpService } from "../exchange/http_service.ts";
import { BodyFraming } from "../messages/body_framing.ts";
import { areAll } from "../messages/characters.ts";
import {
  forwardedLines,
  type Scheme,
  trustedForwardedLines,
} from "../messages/forwarded_fields.ts";
import { type Head, NEED_MORE, TOO_LONG } from "../messages/head.ts";
import { dropListedFields, hasMoreToDrop } from "../messages/head_writer.ts";
import { HeldBytes } from "../messages/held_bytes.ts";
import { parseRequest } from "../messages/request_head.ts";
import type { RawSink, UpstreamFailure } from "../protocol/downstream.ts";
import { LATE_ANSWER, type OwnAnswer, refusal } from "../protocol/own_answer.ts";
import type { Upstream } from "../protocol/upstream.ts";
import type { HeaderEdit } from "../table/route_table.ts";
import { answerBytes } from "./answer_bytes.ts";
import { KeptRequest } from "./kept_request.ts";
import { MirroredRequest } from "./mirrored_request.ts";
import {
  FIRST_BYTE_MS,
  HALF_TUNNEL_IDLE_MS,
  HEAD_MS,
  IDLE_MS,
  LINGER_MS,
  LINGER_MS_MAX,
  TUNNEL_IDLE_MS,
} from "./time_limits.ts";

type State = "idle" | "sending" | "waiting" | "tunnel" | "lingering" | "closed";

/**
 * A client's connection: reads requests, has each answered by the endpoint whose turn it is, or answers itself. One
 * exchange at a time; what is pipelined waits. RFC 9112.
 */
export class ClientConnection implements ClientOwner, RawSink, Deadline {
  state: State = "idle";
  upstream: Upstream | undefined;
  deadlineMs: number;
  readonly isRaw = true;
  isHeadRequest = false;
  wantsUpgrade = false;
  minorVersion = 1;
  takesTrailers = false;
  readonly #service: HttpService;
  readonly #onClosed: () => void;
  readonly #address: string;
  readonly #scheme: Scheme;
  readonly #forwarded: Uint8Array;
  #skippable: Uint8Array | undefined; // for the head that is held
  readonly #body = new BodyFraming();
  readonly #held = new HeldBytes();
  readonly #exchange: Exchange;
  readonly #request = new KeptRequest();
  /** A copy of the request that is being read. */
  #mirrored: MirroredRequest | undefined;
  #closes = false;
  #idleSinceMs: number;
  /** The time of the last event: read once per event, since reading the clock is expensive. */
  #nowMs = 0;

  constructor(readonly socket: ClientSocket, service: HttpService, onClosed: () => void) {
    const { clientAddress, isEncrypted } = socket;
    this.#service = service;
    this.#onClosed = onClosed;
    this.#address = clientAddress;
    this.#scheme = isEncrypted ? "https" : "http";
    this.#forwarded = forwardedLines(clientAddress, this.#scheme);
    this.#exchange = new Exchange(service, this.#scheme);
    this.#idleSinceMs = service.deadlines.now();
    this.deadlineMs = this.#idleSinceMs + FIRST_BYTE_MS;
    service.deadlines.add(this);
    service.opened(this);
  }

  isBetweenRequests(): boolean {
    return this.state === "idle";
  }

  /** Counts as idle while it sends a head: who never completes one keeps no slot. */
  get idleSinceMs(): number | undefined {
    return this.state === "idle" || this.state === "lingering" ? this.#idleSinceMs : undefined;
  }

  get headBytesMax(): number {
    return this.#exchange.headBytesMax;
  }
  get answerEdit(): HeaderEdit | undefined {
    return this.#exchange.answerEdit;
  }

  peer(): Socket | undefined {
    return this.upstream?.socket;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    switch (this.state) {
      case "idle":
        return this.#readRequests(bytes, start, end);
      case "sending":
        return this.#readBody(bytes, start, end);
      case "waiting":
        return this.#hold(bytes, start, end);
      case "tunnel":
        this.onProgress();
        if (!this.upstream!.socket.send(bytes, start, end)) this.socket.pause();
    }
  }

  onClose(how: "ended" | "broken"): void {
    if (this.state !== "tunnel" || how === "broken") return this.close();
    this.upstream!.socket.endSending();
    this.#exchange.stallMs = HALF_TUNNEL_IDLE_MS;
    this.onProgress();
  }

  onDrain(): void {
    this.upstream?.socket.resume();
  }

  onDeadline(nowMs: number): void {
    switch (this.state) {
      case "idle":
        return this.#held.length === 0 ? this.close() : this.#refuse(408, "no whole head in time");
      case "sending":
      case "waiting":
        return this.#onTimeout();
      case "lingering":
        if (nowMs - this.#exchange.startedMs > LINGER_MS_MAX || !this.socket.isSending()) {
          return this.close();
        }
        return this.#service.deadlines.set(this, nowMs + LINGER_MS);
      default:
        return this.close();
    }
  }

  /** Takes no new request: closes now, or after the answer that is on its way. */
  drain(): void {
    if (this.state === "idle") this.close();
    else this.#closes = true;
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#dropUpstream();
    this.#exchange.release(this.#service.deadlines.now());
    this.#service.deadlines.remove(this);
    this.socket.exchangeEnded();
    this.socket.close();
    this.#service.closed(this);
    this.#onClosed();
  }

  // Called by the connection to the endpoint.

  isRequestComplete(): boolean {
    return this.state !== "sending";
  }

  onAnswer(status: number, untilClose: boolean): boolean {
    this.#exchange.status = status;
    if (untilClose || this.state === "sending") this.#closes = true;
    this.onProgress();
    return this.#closes;
  }

  onProgress(): void {
    this.#nowMs = this.#service.deadlines.now();
    this.#wait();
  }

  onAnswered(): void {
    this.upstream = undefined;
    this.#exchange.release(this.#nowMs);
    if (this.#closes) return this.#linger();
    this.state = "idle";
    this.#readOn();
  }

  onTunnel(): void {
    this.state = "tunnel";
    this.#exchange.status = 101;
    this.#exchange.stallMs = TUNNEL_IDLE_MS;
    this.#exchange.deadlineMs = Infinity;
    this.onProgress();
    this.socket.exchangeEnded();
    if (this.#held.length > 0) {
      const held = this.#held.take();
      this.onData(held, 0, held.length);
    }
    this.socket.resume();
  }

  onTunnelEnded(how: "ended" | "broken"): void {
    this.#dropUpstream();
    if (how === "broken") return this.close();
    this.#exchange.release(this.#service.deadlines.now());
    this.#linger();
  }

  onFailed(failure: UpstreamFailure): void {
    this.upstream = undefined;
    if (this.#exchange.status !== 0) return this.close(); // the client has got a part: only a broken connection tells it that the answer is incomplete
    const again = this.#exchange.again(failure, this.#request.isWhole);
    if (again !== undefined) return this.#ask(again);
    this.#answerSelf(this.#exchange.answer);
    if (this.state === "idle") this.#readOn();
  }

  // Requests.

  #readRequests(bytes: Uint8Array, start: number, end: number): void {
    const wasPartial = this.#held.length > 0;
    if (wasPartial) {
      this.#held.add(bytes, start, end);
      const isSkippable = this.#skippable !== undefined &&
        areAll(this.#skippable, bytes, start, end);
      if (isSkippable && this.#held.length < this.#service.matcher.headBytesMax) return; // parsing it again would tell nothing new
      bytes = this.#held.take();
      start = 0;
      end = bytes.length;
    }
    let at = start;
    while (this.state === "idle" && at < end) {
      const next = this.#readRequest(bytes, at, end);
      if (next === at) break;
      at = next;
    }
    if (at === end || this.state === "lingering" || this.state === "closed") return;
    if (this.state !== "idle") return this.#hold(bytes, at, end);
    this.#held.add(bytes, at, end);
    const { deadlines } = this.#service;
    if (!wasPartial || at > start) deadlines.set(this, deadlines.now() + HEAD_MS);
  }

  /** Returns the offset after what it has taken: `start` when the head is not whole. */
  #readRequest(bytes: Uint8Array, start: number, end: number): number {
    const { requestHead: head, matcher: { headBytesMax } } = this.#service;
    const limit = Math.min(end, start + headBytesMax);
    const headEnd = parseRequest(bytes, start, limit, head);
    if (headEnd === NEED_MORE && end - start < headBytesMax) {
      this.#skippable = head.skippable;
      return start;
    }
    if (headEnd <= 0) {
      if (headEnd === NEED_MORE) this.#refuse(431, TOO_LONG);
      else this.#refuse(-headEnd, head.problem);
      return end;
    }
    this.#body.start(head.length, { keepsTrailers: false }); // no backend can have asked for them
    const bodyEnd = this.#body.feed(bytes, headEnd, end);
    if (bodyEnd < 0) this.#refuse(400, "bad chunks");
    else if (hasMoreToDrop(head) && !dropListedFields(bytes, headEnd, head)) {
      this.#refuse(431, "too many fields that are not for the next hop");
    } else this.#serve(bytes, head, headEnd, this.#body.sendEnd);
    return bodyEnd < 0 ? end : bodyEnd;
  }

  #serve(bytes: Uint8Array, head: Head, headEnd: number, bodyEnd: number): void {
    const service = this.#service, exchange = this.#exchange;
    this.#closes = head.closes || head.minorVersion === 0 || service.isDraining;
    this.isHeadRequest = head.isHead;
    this.wantsUpgrade = head.upgrades;
    this.minorVersion = head.minorVersion;
    this.takesTrailers = head.takesTrailers;
    this.#nowMs = service.deadlines.now();
    const endpoint = exchange.begin(bytes, headEnd, head, this.#nowMs, this.socket.serverName);
    if (endpoint === undefined) return this.#answerSelf(exchange.answer);
    const forwarded = exchange.host!.trusts(this.#address)
      ? trustedForwardedLines(bytes, head, this.#address, this.#scheme)
      : this.#forwarded;
    this.#request.write(exchange.route!, bytes, head, headEnd, bodyEnd, forwarded);
    this.state = this.#body.isDone ? "waiting" : "sending";
    this.#wait();
    this.#ask(endpoint.takeIdle() ?? service.connect(endpoint));
    if (exchange.route!.rule.mirrors.length > 0) this.#beginMirror();
  }

  #beginMirror(): void {
    this.#mirrored = undefined;
    const targets = this.#exchange.mirrorTargets(), { isHeadRequest } = this;
    if (targets.length === 0 || this.wantsUpgrade) return;
    this.#mirrored = new MirroredRequest(this.#service, { targets, isHeadRequest });
    this.#mirror(this.#request.bytes, 0, this.#request.length);
  }

  /** Adds to the copy, and sends it when the request has been read. */
  #mirror(bytes: Uint8Array, start: number, end: number): void {
    this.#mirrored?.add(bytes, start, end);
    if (!this.#body.isDone) return;
    this.#mirrored?.send();
    this.#mirrored = undefined;
  }

  #ask(upstream: Upstream): void {
    this.upstream = upstream;
    upstream.ask(this);
    const { bytes, length } = this.#request;
    if (!upstream.socket.send(bytes, 0, length)) this.socket.pause();
  }

  #readBody(bytes: Uint8Array, start: number, end: number): void {
    const bodyEnd = this.#body.feed(bytes, start, end);
    if (bodyEnd < 0) {
      this.#dropUpstream();
      return this.#exchange.status === 0 ? this.#refuse(400, "bad chunks") : this.close();
    }
    this.#request.isWhole = false;
    if (this.#body.isDone) this.state = "waiting";
    this.onProgress();
    if (bodyEnd < end) this.#hold(bytes, bodyEnd, end);
    const { sendEnd } = this.#body;
    if (sendEnd > start && !this.upstream!.socket.send(bytes, start, sendEnd)) this.socket.pause();
    this.#mirror(bytes, start, Math.max(start, sendEnd));
  }

  /** Keeps what came too early, and stops reading. */
  #hold(bytes: Uint8Array, start: number, end: number): void {
    this.#held.add(bytes, start, end);
    this.socket.pause();
  }

  /** After an answer: the next request, which may be here already. */
  #readOn(): void {
    this.socket.exchangeEnded();
    this.#idleSinceMs = this.#nowMs;
    this.#service.deadlines.set(this, this.#nowMs + IDLE_MS);
    if (this.#held.length > 0) {
      const held = this.#held.take();
      this.#readRequests(held, 0, held.length);
    }
    if (this.#held.length === 0 || this.state === "idle") this.socket.resume();
  }

  // Answers of our own.

  #onTimeout(): void {
    if (this.#exchange.status !== 0) return this.close();
    const isClientLate = this.state === "sending";
    this.#dropUpstream();
    if (isClientLate) return this.#refuse(408, "the body did not come in time");
    this.#answerSelf(LATE_ANSWER);
    if (this.state === "idle") this.#readOn();
  }

  #answerSelf(answer: OwnAnswer): void {
    if (answer.isRefusal) {
      this.#service.counts.refused++;
      this.#closes = true;
      this.isHeadRequest = false;
    }
    this.#exchange.release(this.#service.deadlines.now(), answer.status);
    const closes = this.#closes || !this.#body.isDone;
    const bytes = answerBytes(answer, { isHeadRequest: this.isHeadRequest, closes });
    this.socket.send(bytes, 0, bytes.length);
    if (closes) this.#linger();
    else this.state = "idle";
  }

  /** The request cannot be understood, or took too long. */
  #refuse(status: number, problem: string): void {
    this.#answerSelf(refusal(status, problem));
  }

  #linger(): void {
    const { deadlines } = this.#service;
    this.state = "lingering";
    this.#held.clear();
    this.#exchange.startedMs = deadlines.now();
    deadlines.set(this, this.#exchange.startedMs + LINGER_MS);
    this.socket.exchangeEnded();
    this.socket.endSending();
    this.socket.resume();
  }

  #wait(): void {
    const { deadlineMs, stallMs } = this.#exchange;
    this.#service.deadlines.set(this, Math.min(deadlineMs, this.#nowMs + stallMs));
  }

  #dropUpstream(): void {
    const { upstream } = this;
    this.upstream = undefined;
    upstream?.abandon();
  }
}
