import { countAnswer } from "../backend_stats.ts";
import type { LiveBackend, LiveEndpoint } from "../backends.ts";
import type { Deadline } from "../deadlines.ts";
import type { HttpService } from "../http_service.ts";
import type { LiveRoute } from "../route_matcher.ts";
import type { HeaderEdit, Rule } from "../route_table.ts";
import { BodyFraming } from "./body_framing.ts";
import { ascii, textOf } from "./characters.ts";
import { type Head, HEAD_BYTES_MAX, NEED_MORE, parseRequest } from "./head.ts";
import { editedHead, locationOf, rewriteEdit } from "./head_edit.ts";
import { dropNominated, REWRITTEN_HEAD_BYTES_MAX, writeRequestHead } from "./head_writer.ts";
import { HeldBytes } from "./held_bytes.ts";
import { type OwnAnswer, ownAnswer, redirectAnswer } from "./own_answer.ts";
import type { Socket, SocketOwner } from "./socket.ts";
import type { Asker, UpstreamConnection, UpstreamFailure } from "./upstream_connection.ts";
import { answerToFailure } from "./upstream_failure.ts";

/** A client may keep a connection without a request this long. */
export const IDLE_MS = 75_000;
/** A request head must be whole this long after its first byte. */
export const HEAD_MS = 10_000;
/** Without an own limit, an exchange may stand still this long. */
export const STALL_MS = 60_000;
/** A tunnel may stand still this long. */
export const TUNNEL_IDLE_MS = 3_600_000;
/** After our end was sent, this long is waited for the client's. */
const LINGER_MS = 2_000;
/** First try and repetitions of one request, together. */
const TRIES_MAX = 3;

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
  #closes = false;
  /** The request as it is sent, head and the body that came with it: kept until it is answered, to send it again. */
  #request = new Uint8Array(0);
  #requestLength = 0;
  /** Whether all that was sent of the request is in `#request`. */
  #isKept = false;
  /** Whether it does no harm to send it again after an endpoint may have seen it. */
  #isRepeatable = false;
  #tries = 0;
  #backend: LiveBackend | undefined;
  #endpoint: LiveEndpoint | undefined;
  #startedMs = 0;
  #requestDeadlineMs = Infinity;
  #stallMs = STALL_MS;
  /** Status of the answer that has begun; 0: none. */
  #status = 0;

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
    this.#stallMs = STALL_MS;
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
        if (nowMs - this.#startedMs > STALL_MS || !this.socket.isSending()) return this.close();
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
    this.#release(this.#status || CLIENT_CLOSED_REQUEST);
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
    this.#status = status;
    if (untilClose || this.state === "sending") this.#closes = true;
    this.onProgress();
    return this.#closes;
  }

  onProgress(): void {
    const { deadlines } = this.#service;
    deadlines.set(this, Math.min(this.#requestDeadlineMs, deadlines.now() + this.#stallMs));
  }

  onAnswered(): void {
    this.upstream = undefined;
    this.#release(this.#status);
    if (this.#closes) return this.#linger();
    this.state = "idle";
    this.#readOn();
  }

  onTunnel(): void {
    this.state = "tunnel";
    this.#status = 101;
    this.#stallMs = TUNNEL_IDLE_MS;
    this.#requestDeadlineMs = Infinity;
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
    this.#release(101);
    this.#linger();
  }

  onFailed(upstream: UpstreamConnection, failure: UpstreamFailure): void {
    this.upstream = undefined;
    if (failure.kind === "connect") this.#endpoint!.suspect(this.#service.deadlines.now());
    if (this.#status !== 0) return this.close(); // the client has a part of it: only a break tells that it is not whole
    if (this.#triesAgain(upstream, failure)) return;
    this.#backend!.counts.failures++;
    this.#answerSelf(answerToFailure(failure, this.#backend!.definition.name));
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
    this.#begin(head);
    const route = this.#service.match(bytes, headEnd, head);
    if (route === undefined) return this.#answerSelf(NO_ROUTE);
    if (route.rule.rule.redirect) return this.#redirect(route, bytes, head);
    const backend = route.rule.backends[route.rule.balancer.next()];
    if (backend === undefined) return this.#answerSelf(NO_BACKEND);
    backend.counts.requests++;
    this.#backend = backend;
    const endpoint = backend.claim(this.#startedMs);
    if (endpoint === undefined) return this.#answerUnavailable(backend);
    backend.counts.inFlight++;
    this.#endpoint = endpoint;
    this.#limit(route.rule.rule);
    this.answerEdit = route.rule.rule.responseHeaders;
    this.#keepRequest(route, bytes, head, headEnd, bodyEnd);
    this.state = this.#body.isDone ? "waiting" : "sending";
    this.#ask(endpoint.takeIdle() ?? this.#service.connect(endpoint));
  }

  #begin(head: Head): void {
    this.#startedMs = this.#service.deadlines.now();
    this.#closes = head.closes || head.minorVersion === 0 || this.#service.isDraining;
    this.answersHead = head.isHead;
    this.wantsUpgrade = head.upgrades;
    this.minorVersion = head.minorVersion;
    this.#isRepeatable = head.isIdempotent && !head.upgrades;
    this.#status = this.#tries = 0;
  }

  #limit({ requestMs, backendRequestMs }: Rule): void {
    const limitMs = Math.min(requestMs || Infinity, backendRequestMs || Infinity);
    const isSaid = requestMs !== undefined || backendRequestMs !== undefined;
    this.#requestDeadlineMs = this.#startedMs + limitMs;
    this.#stallMs = isSaid ? Infinity : STALL_MS;
    this.#service.deadlines.set(
      this,
      Math.min(this.#requestDeadlineMs, this.#startedMs + this.#stallMs),
    );
  }

  /** Makes what the endpoint gets: the head without what is for this hop, with who asked, and the body so far. */
  #keepRequest(
    { route, rule: { rule } }: LiveRoute,
    bytes: Uint8Array,
    head: Head,
    headEnd: number,
    bodyEnd: number,
  ): void {
    const needed = REWRITTEN_HEAD_BYTES_MAX - HEAD_BYTES_MAX + bodyEnd - head.start;
    if (this.#request.length < needed) this.#request = new Uint8Array(needed + 512);
    let length = writeRequestHead(bytes, headEnd, head, this.#forwarded, this.#request);
    if (rule.requestHeaders || rule.rewrite) {
      const edit = rule.rewrite ? rewriteEdit(rule.rewrite, route.match.path.value) : {};
      const edited = editedHead(this.#request.subarray(0, length), {
        ...edit,
        edit: rule.requestHeaders,
      });
      length = edited.length;
      this.#request = new Uint8Array(length + bodyEnd - headEnd);
      this.#request.set(edited);
    }
    if (bodyEnd > headEnd) this.#request.set(bytes.subarray(headEnd, bodyEnd), length);
    this.#requestLength = length + bodyEnd - headEnd;
    this.#isKept = true;
  }

  #ask(upstream: UpstreamConnection): void {
    this.upstream = upstream;
    upstream.ask(this);
    if (!upstream.socket.send(this.#request, 0, this.#requestLength)) this.socket.pause();
  }

  #readBody(bytes: Uint8Array, start: number, end: number): void {
    const bodyEnd = this.#body.feed(bytes, start, end);
    if (bodyEnd < 0) {
      this.#dropUpstream();
      return this.#status === 0 ? this.#refuse(400, "bad chunks") : this.close();
    }
    this.#isKept = false;
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
    this.#service.deadlines.set(this, this.#service.deadlines.now() + IDLE_MS);
    if (this.#held.length > 0) {
      const held = this.#held.take();
      this.#readRequests(held, 0, held.length);
    }
    if (this.#held.length === 0 || this.state === "idle") this.socket.resume();
  }

  /**
   * Sends the request again when that is safe: nothing was sent, or it may be repeated and nothing was answered. On a stale
   * connection to the same endpoint anew, else to another one of the backend as it is now.
   */
  #triesAgain(upstream: UpstreamConnection, { kind }: UpstreamFailure): boolean {
    const isSafe = kind === "connect" || (kind === "no answer" && this.#isRepeatable);
    if (!isSafe || !this.#isKept || ++this.#tries >= TRIES_MAX) return false;
    const failed = this.#endpoint!;
    const isStale = kind === "no answer" && upstream.isReused && failed.state === "active";
    const backend = this.#service.current(this.#backend!);
    const next = isStale ? failed : backend.claim(this.#service.deadlines.now(), failed);
    if (next === undefined) return false;
    if (next !== failed) failed.release();
    this.#endpoint = next;
    this.#backend!.counts.retries++;
    this.#ask(this.#service.connect(next));
    return true;
  }

  // Answers of our own.

  #answerUnavailable({ definition, counts }: LiveBackend): void {
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
    if (this.#status !== 0) return this.close();
    const isClientLate = this.state === "sending";
    this.#dropUpstream();
    if (isClientLate) return this.#refuse(408, "the body did not come in time");
    this.#answerSelf({
      status: 504,
      error: "http_response_timeout",
      message: `Cannot forward the request: "${
        this.#backend!.definition.name
      }" did not answer in time`,
    });
    if (this.state === "idle") this.#readOn();
  }

  #answerSelf(answer: OwnAnswer): void {
    this.#sendOwn((manner) => ownAnswer(answer, manner));
    this.#release(answer.status);
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
    this.#startedMs = deadlines.now();
    deadlines.set(this, this.#startedMs + LINGER_MS);
    this.socket.exchangeEnded();
    this.socket.endSending();
    this.socket.resume();
  }

  #dropUpstream(): void {
    const { upstream } = this;
    this.upstream = undefined;
    upstream?.abandon();
  }

  /** Gives back what `#serve` claimed. Doing it twice is doing it once. */
  #release(status: number): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    this.#endpoint = undefined;
    const { counts } = this.#backend!;
    counts.inFlight--;
    countAnswer(counts, status, this.#service.deadlines.now() - this.#startedMs);
    endpoint.release();
  }
}

/** nginx's word for a client that went before its answer came. */
const CLIENT_CLOSED_REQUEST = 499;

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
