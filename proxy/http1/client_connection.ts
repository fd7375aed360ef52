import { countAnswer } from "../backend_stats.ts";
import type { LiveBackend } from "../backends.ts";
import type { Deadline } from "../deadlines.ts";
import type { HttpService } from "../http_service.ts";
import type { LiveRoute } from "../route_matcher.ts";
import type { HeaderEdit } from "../route_table.ts";
import { BodyFraming } from "./body_framing.ts";
import { ascii, textOf } from "./characters.ts";
import { Exchange, STALL_MS } from "./exchange.ts";
import { type Head, HEAD_BYTES_MAX, NEED_MORE } from "./head.ts";
import { locationOf } from "./head_edit.ts";
import { dropNominated } from "./head_writer.ts";
import { HeldBytes } from "./held_bytes.ts";
import { type OwnAnswer, ownAnswer, redirectAnswer } from "./own_answer.ts";
import { parseRequest } from "./request_head.ts";
import type { Socket, SocketOwner } from "./socket.ts";
import type { Asker, UpstreamConnection, UpstreamFailure } from "./upstream_connection.ts";
import { answerToFailure } from "./upstream_failure.ts";

/** A client may keep a connection without a request this long. */
export const IDLE_MS = 75_000;
/** A request head must be whole this long after its first byte. */
export const HEAD_MS = 10_000;
/** A tunnel may stand still this long. */
export const TUNNEL_IDLE_MS = 3_600_000;
/** After our end was sent, this long is waited for the client's. */
const LINGER_MS = 2_000;

type State = "idle" | "sending" | "waiting" | "tunnel" | "lingering" | "closed";

/**
 * A client's connection: reads requests, has each answered by the endpoint whose turn it is, or answers itself. One
 * exchange at a time; what is pipelined waits. RFC 9112.
 */
export class ClientConnection implements SocketOwner, Asker, Deadline {
  state: State = "idle";
  upstream: UpstreamConnection | undefined;
  deadlineMs: number;
  answersHead = false;
  wantsUpgrade = false;
  minorVersion = 1;
  answerEdit: HeaderEdit | undefined;
  readonly #service: HttpService;
  readonly #forwarded: Uint8Array;
  readonly #body = new BodyFraming();
  readonly #held = new HeldBytes();
  readonly #exchange = new Exchange();
  #closes = false;
  /** The time of what happened last: read once per event, for it costs more than all else that is done with it. */
  #nowMs = 0;

  constructor(readonly socket: Socket, service: HttpService, clientAddress: string) {
    this.#service = service;
    this.#forwarded = ascii(
      `X-Forwarded-For: ${clientAddress}\r\nX-Forwarded-Proto: http\r\n`,
    );
    this.deadlineMs = service.deadlines.now() + IDLE_MS;
    service.deadlines.add(this);
    service.opened(this);
  }

  isBetweenRequests(): boolean {
    return this.state === "idle";
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
    this.#exchange.stallMs = STALL_MS;
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
        return this.#onLate();
      case "lingering":
        if (nowMs - this.#exchange.startedMs > STALL_MS || !this.socket.isSending()) {
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
  }

  // What an upstream connection tells.

  hasAsked(): boolean {
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

  onFailed(upstream: UpstreamConnection, failure: UpstreamFailure): void {
    this.upstream = undefined;
    const exchange = this.#exchange, backend = exchange.backend!;
    if (failure.kind === "connect") exchange.endpoint!.suspect(this.#service.deadlines.now());
    if (exchange.status !== 0) return this.close(); // the client has a part of it: only a break tells that it is not whole
    const again = exchange.again(upstream, failure, this.#service);
    if (again !== undefined) return this.#ask(again);
    backend.counts.failures++;
    this.#answerSelf(answerToFailure(failure, backend.definition.name));
    if (this.state === "idle") this.#readOn();
  }

  // Requests.

  #readRequests(bytes: Uint8Array, start: number, end: number): void {
    const wasPartial = this.#held.length > 0;
    if (wasPartial) {
      this.#held.add(bytes, start, end);
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
    const head = this.#service.requestHead;
    const limit = Math.min(end, start + HEAD_BYTES_MAX);
    const headEnd = parseRequest(bytes, start, limit, head);
    if (headEnd === NEED_MORE && end - start < HEAD_BYTES_MAX) return start;
    if (headEnd <= 0) {
      if (headEnd === NEED_MORE) this.#refuse(431, "the head is too long");
      else this.#refuse(-headEnd, head.problem);
      return end;
    }
    this.#body.start(head.length);
    const bodyEnd = this.#body.feed(bytes, headEnd, end);
    if (bodyEnd < 0) this.#refuse(400, "bad chunks");
    else if (needsSecondLook(head) && !dropNominated(bytes, headEnd, head)) {
      this.#refuse(431, "too many fields for one hop");
    } else this.#serve(bytes, head, headEnd, bodyEnd);
    return bodyEnd < 0 ? end : bodyEnd;
  }

  #serve(bytes: Uint8Array, head: Head, headEnd: number, bodyEnd: number): void {
    const service = this.#service, exchange = this.#exchange;
    this.#closes = head.closes || head.minorVersion === 0 || service.isDraining;
    this.answersHead = head.isHead;
    this.wantsUpgrade = head.upgrades;
    this.minorVersion = head.minorVersion;
    this.#nowMs = service.deadlines.now();
    exchange.begin(head, this.#nowMs);
    const route = service.match(bytes, headEnd, head);
    if (route === undefined) return this.#answerSelf(NO_ROUTE);
    if (route.rule.rule.redirect) return this.#redirect(route, bytes, head);
    const endpoint = exchange.claim(route);
    if (endpoint === undefined) return this.#answerUnavailable(exchange.backend);
    this.answerEdit = route.rule.rule.responseHeaders;
    exchange.keepRequest(route, bytes, head, headEnd, bodyEnd, this.#forwarded);
    this.state = this.#body.isDone ? "waiting" : "sending";
    this.#wait();
    this.#ask(endpoint.takeIdle() ?? service.connect(endpoint));
  }

  #ask(upstream: UpstreamConnection): void {
    this.upstream = upstream;
    upstream.ask(this);
    const { request, requestLength } = this.#exchange;
    if (!upstream.socket.send(request, 0, requestLength)) this.socket.pause();
  }

  #readBody(bytes: Uint8Array, start: number, end: number): void {
    const bodyEnd = this.#body.feed(bytes, start, end);
    if (bodyEnd < 0) {
      this.#dropUpstream();
      return this.#exchange.status === 0 ? this.#refuse(400, "bad chunks") : this.close();
    }
    this.#exchange.isKept = false;
    if (this.#body.isDone) this.state = "waiting";
    this.onProgress();
    if (bodyEnd < end) this.#hold(bytes, bodyEnd, end);
    if (!this.upstream!.socket.send(bytes, start, bodyEnd)) this.socket.pause();
  }

  /** Keeps what came too early, and lets no more come. */
  #hold(bytes: Uint8Array, start: number, end: number): void {
    this.#held.add(bytes, start, end);
    this.socket.pause();
  }

  /** After an answer: the next request, which may be here already. */
  #readOn(): void {
    this.socket.exchangeEnded();
    this.#service.deadlines.set(this, this.#nowMs + IDLE_MS);
    if (this.#held.length > 0) {
      const held = this.#held.take();
      this.#readRequests(held, 0, held.length);
    }
    if (this.#held.length === 0 || this.state === "idle") this.socket.resume();
  }

  // Answers of our own.

  #answerUnavailable(backend: LiveBackend | undefined): void {
    if (backend === undefined) return this.#answerSelf(NO_BACKEND);
    const { definition, counts } = backend;
    const isInvalid = definition.state === "invalid";
    countAnswer(counts, isInvalid ? 500 : 503, 0);
    const reason = definition.reason ?? `"${definition.name}" has no ready endpoints`;
    this.#answerSelf({
      status: isInvalid ? 500 : 503,
      error: isInvalid ? "proxy_configuration_error" : "destination_unavailable",
      message: `Cannot forward the request: ${reason}`,
    });
  }

  #redirect({ route, rule: { rule } }: LiveRoute, bytes: Uint8Array, head: Head): void {
    const location = locationOf(rule.redirect!, {
      target: textOf(bytes, head.pathStart, head.targetEnd),
      host: textOf(bytes, head.hostStart, head.hostEnd),
      port: this.#service.port,
      prefix: route.match.path.value,
    });
    this.#sendOwn((manner) => redirectAnswer(rule.redirect!.statusCode, location, manner));
  }

  #onLate(): void {
    if (this.#exchange.status !== 0) return this.close();
    const isClientLate = this.state === "sending";
    this.#dropUpstream();
    if (isClientLate) return this.#refuse(408, "the body did not come in time");
    this.#answerSelf({
      status: 504,
      error: "http_response_timeout",
      message: `Cannot forward the request: "${
        this.#exchange.backend!.definition.name
      }" did not answer in time`,
    });
    if (this.state === "idle") this.#readOn();
  }

  #answerSelf(answer: OwnAnswer): void {
    this.#exchange.release(this.#service.deadlines.now(), answer.status);
    this.#sendOwn((manner) => ownAnswer(answer, manner));
  }

  #sendOwn(answer: (manner: { answersHead: boolean; closes: boolean }) => Uint8Array): void {
    const closes = this.#closes || !this.#body.isDone;
    const bytes = answer({ answersHead: this.answersHead, closes });
    this.socket.send(bytes, 0, bytes.length);
    if (closes) this.#linger();
    else this.state = "idle";
  }

  /** What it sent cannot be understood, or not be waited for: nothing that follows can be trusted. */
  #refuse(status: number, problem: string): void {
    this.#service.counts.refused++;
    this.#closes = true;
    this.answersHead = false;
    this.#answerSelf({
      status,
      error: "http_request_error",
      message: `Cannot read the request: ${problem}`,
    });
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

const NO_ROUTE: OwnAnswer = {
  status: 404,
  error: "destination_not_found",
  message: "Cannot forward the request: no route is for its host and path",
};
const NO_BACKEND: OwnAnswer = {
  status: 500,
  error: "proxy_configuration_error",
  message: "Cannot forward the request: its route has no backend with a weight",
};

/** Whether it has fields for one hop that the parser did not note by itself. */
function needsSecondLook(head: Head): boolean {
  return head.nominates || (head.hasUpgrade && !head.upgrades);
}
