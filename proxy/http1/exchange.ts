import {
  type GatewaySettings,
  STREAM_IDLE_MS_DEFAULT,
  STREAM_IDLE_MS_MOST,
} from "../../core/resources/gateway/settings.ts";
import { countAnswer } from "../backends/backend_stats.ts";
import type { LiveBackend, LiveEndpoint } from "../backends/backends.ts";
import type { HttpService } from "../exchange/http_service.ts";
import type { LiveRoute } from "../routing/route_matcher.ts";
import type { Head } from "../messages/head.ts";
import { editedHead, rewriteEdit } from "./head_edit.ts";
import { ADDED_BYTES_MAX, writeRequestHead } from "../messages/head_writer.ts";
import type { Upstream, UpstreamFailure } from "../protocol/upstream.ts";

/** First try and repetitions of one request, together. */
const TRIES_MAX = 3;
/** nginx's word for a client that went before its answer came. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * One request and what comes of it: who was claimed for it, what was sent, what may be sent again. A connection has one
 * object for all its requests, one after the other: nothing is allocated per request.
 */
export class Exchange {
  startedMs = 0;
  /** All must be over by then. */
  deadlineMs = Infinity;
  /** How long nothing may happen. */
  stallMs = STREAM_IDLE_MS_DEFAULT;
  /** Of the answer that has begun; 0: none. */
  status = 0;
  backend: LiveBackend | undefined;
  /** Claimed, until `release`. */
  endpoint: LiveEndpoint | undefined;
  /** The request as it is sent: the head and the body that came with it. */
  request: Uint8Array = new Uint8Array(0);
  requestLength = 0;
  /** Whether all that was sent is in `request`. */
  isKept = false;
  /** Whether it does no harm to send it again after an endpoint may have seen it. */
  #isRepeatable = false;
  #tries = 0;

  begin(head: Head, nowMs: number): void {
    this.startedMs = nowMs;
    this.status = this.#tries = 0;
    this.#isRepeatable = head.isIdempotent && !head.upgrades;
  }

  /**
   * Claims an endpoint of the share whose turn it is, and sets the limits of its rule. `undefined`: nobody can answer;
   * `backend` says whose turn it was, if anyone's.
   */
  claim(
    { rule: { rule, balancer, backends } }: LiveRoute,
    { streamIdleMs }: GatewaySettings,
  ): LiveEndpoint | undefined {
    this.backend = backends[balancer.next()];
    if (this.backend === undefined) return undefined;
    this.backend.counts.requests++;
    this.endpoint = this.backend.claim(this.startedMs);
    if (this.endpoint === undefined) return undefined;
    this.backend.counts.inFlight++;
    const { requestMs, backendRequestMs } = rule;
    const isLimited = requestMs !== undefined || backendRequestMs !== undefined;
    this.stallMs = isLimited ? STREAM_IDLE_MS_MOST : streamIdleMs; // "no limit" is not for ever
    this.deadlineMs = this.startedMs +
      Math.min(requestMs || Infinity, backendRequestMs || Infinity);
    return this.endpoint;
  }

  /** Gives back what `claim` took. Doing it twice is doing it once. */
  release(nowMs: number, status = this.status || CLIENT_CLOSED_REQUEST): void {
    const { endpoint } = this;
    if (endpoint === undefined) return;
    this.endpoint = undefined;
    const { counts } = this.backend!;
    counts.inFlight--;
    countAnswer(counts, status, nowMs - this.startedMs);
    endpoint.release();
  }

  /**
   * Makes what the endpoint gets: the head without what is for this hop, with who asked, and the body so far, which ends at
   * `bodyEnd`.
   */
  keepRequest(
    { route, rule: { rule } }: LiveRoute,
    bytes: Uint8Array,
    head: Head,
    headEnd: number,
    bodyEnd: number,
    forwarded: Uint8Array,
  ): void {
    const needed = ADDED_BYTES_MAX + forwarded.length + bodyEnd - head.start;
    if (this.request.length < needed) this.request = new Uint8Array(needed + 512);
    let length = writeRequestHead(bytes, headEnd, head, forwarded, this.request);
    if (rule.requestHeaders || rule.rewrite) {
      const edit = rule.rewrite ? rewriteEdit(rule.rewrite, route.match.path.value) : {};
      const written = this.request.subarray(0, length);
      const edited = editedHead(written, { ...edit, edit: rule.requestHeaders });
      length = edited.length;
      this.request = new Uint8Array(length + bodyEnd - headEnd);
      this.request.set(edited);
    }
    if (bodyEnd > headEnd) this.request.set(bytes.subarray(headEnd, bodyEnd), length);
    this.requestLength = length + bodyEnd - headEnd;
    this.isKept = true;
  }

  /**
   * The connection to send the request on again, when that is safe: nothing was sent, or it may be repeated and nothing was
   * answered. A stale connection is made anew, else it is another endpoint's turn, of the backend as it is now.
   */
  again(
    failed: Upstream,
    { kind }: UpstreamFailure,
    service: HttpService,
  ): Upstream | undefined {
    const isSafe = kind === "connect" || (kind === "no answer" && this.#isRepeatable);
    if (!isSafe || !this.isKept || ++this.#tries >= TRIES_MAX) return undefined;
    const endpoint = this.endpoint!, backend = this.backend!;
    const isStale = kind === "no answer" && failed.isReused && endpoint.state === "active";
    const next = isStale
      ? endpoint
      : service.current(backend).claim(service.deadlines.now(), endpoint);
    if (next === undefined) return undefined;
    if (next !== endpoint) endpoint.release();
    this.endpoint = next;
    backend.counts.retries++;
    return service.connect(next);
  }
}
