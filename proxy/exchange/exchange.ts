import {
  type GatewaySettings,
  HEAD_BYTES_MAX_DEFAULT,
  STREAM_IDLE_MS_DEFAULT,
  STREAM_IDLE_MS_MOST,
} from "../../core/resources/gateway/settings.ts";
import { countAnswer } from "../backends/backend_stats.ts";
import type { LiveBackend } from "../backends/backends.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import type { Scheme } from "../messages/forwarded_fields.ts";
import { type Head, TOO_LONG } from "../messages/head.ts";
import {
  answerToFailure,
  BROKEN_ROUTE,
  MISDIRECTED,
  NO_ROUTE,
  NOBODY_READY,
  type OwnAnswer,
  refusal,
} from "../protocol/own_answer.ts";
import type { UpstreamFailure } from "../protocol/downstream.ts";
import type { Upstream } from "../protocol/upstream.ts";
import { corsOutcome, corsRequestOf, withCors } from "../routing/cors.ts";
import { type Session, sessionIn, withSession } from "../routing/session.ts";
import type { LiveHost, LiveRoute, LiveRule } from "../routing/route_matcher.ts";
import type { HeaderEdit } from "../table/route_table.ts";
import type { HttpService } from "./http_service.ts";
import { ruleAnswer } from "./rule_answer.ts";

/** First try and repetitions of one request, together. */
const TRIES_MAX = 3;
/** nginx's status for a client that closed the connection before its answer came. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * One request and what comes of it, whatever protocol its client speaks: which route it takes, which endpoint is claimed for it,
 * whether it is sent again, what the client is told when no endpoint answers. One object serves requests one after the
 * other: nothing is allocated per request.
 */
export class Exchange {
  startedMs = 0;
  /** It must be complete by then. */
  deadlineMs = Infinity;
  /** How long it may make no progress. */
  stallMs = STREAM_IDLE_MS_DEFAULT;
  /** Of the answer that has begun; 0: none. */
  status = 0;
  host: LiveHost | undefined;
  route: LiveRoute | undefined;
  /** The longest head of an answer. */
  headBytesMax = HEAD_BYTES_MAX_DEFAULT;
  /** Changes that the route makes to the fields of the answer. */
  answerEdit: HeaderEdit | undefined;
  /** What the client is told when `begin` or `again` has found no endpoint. */
  answer: OwnAnswer = NO_ROUTE;
  readonly #service: HttpService;
  readonly #scheme: Scheme;
  #backend: LiveBackend | undefined;
  /** Claimed, until `release`. */
  #endpoint: LiveEndpoint | undefined;
  /** Whether it may be sent again after an endpoint may have seen it. */
  #isRepeatable = false;
  #tries = 0;
  /** That the request is part of. */
  #session: Session | undefined;
  /** What its rule changes in the answer, without the session. */
  #ruleEdit: HeaderEdit | undefined;

  constructor(service: HttpService, scheme: Scheme) {
    this.#service = service;
    this.#scheme = scheme;
  }

  /**
   * Claims an endpoint for the request that `head` describes; `undefined`: `answer` is what its client gets. `serverName`: for
   * whom its connection is, when that is said by TLS.
   */
  begin(
    bytes: Uint8Array,
    headEnd: number,
    head: Head,
    nowMs: number,
    serverName?: string,
  ): LiveEndpoint | undefined {
    const { matcher, path, port } = this.#service;
    this.startedMs = nowMs;
    this.status = this.#tries = 0;
    this.#isRepeatable = head.isIdempotent && !head.upgrades;
    const host = this.host = matcher.hostOf(bytes, head);
    if (host === undefined) return this.#answerInstead(NO_ROUTE);
    if (serverName !== undefined && host !== matcher.hostNamed(serverName)) {
      return this.#answerInstead(MISDIRECTED);
    }
    const { settings } = host;
    this.headBytesMax = settings.headBytesMax;
    if (headEnd - head.start > settings.headBytesMax) {
      return this.#answerInstead(refusal(431, TOO_LONG));
    }
    if (!path.read(bytes, head.pathStart, head.targetEnd, settings)) {
      return this.#answerInstead(refusal(400, path.problem));
    }
    const route = this.route = host.routeOf(path, bytes, headEnd, head);
    if (route === undefined) return this.#answerInstead(NO_ROUTE);
    const { rule } = route.rule;
    const cors = rule.cors && corsOutcome(rule.cors, corsRequestOf(bytes, headEnd, head));
    const own = (cors || rule.redirect || rule.answer) &&
      ruleAnswer(route, { cors, scheme: this.#scheme, port }, bytes, head);
    if (own) return this.#answerInstead(own);
    this.answerEdit = cors ? withCors(rule.responseHeaders, cors) : rule.responseHeaders;
    this.#session = rule.persistence &&
      sessionIn(rule.persistence, bytes, headEnd, head, this.#service.wallMs());
    return this.#claim(route.rule, settings);
  }

  /** Who gets copies of the request that has begun; each call is one turn of the rule's mirrors. */
  mirrorTargets(): LiveBackend[] {
    const mirrors = this.route?.rule.mirrors ?? [];
    return mirrors.flatMap((mirror) => mirror.next() ?? []);
  }

  /** Gives back what `begin` claimed. Doing it twice is doing it once. */
  release(nowMs: number, status = this.status || CLIENT_CLOSED_REQUEST): void {
    const endpoint = this.#endpoint, backend = this.#backend!;
    if (endpoint === undefined) return;
    this.#endpoint = undefined;
    countAnswer(backend.counts, status, nowMs - this.startedMs);
    backend.ended();
    endpoint.release();
  }

  /**
   * The connection to send the request on again, when that is safe: nothing was sent, or it may be repeated and nothing was
   * answered. `isKept`: all that was sent is still there. A stale connection is made anew, else it is another endpoint's
   * turn, of the backend as it is now. `undefined`: `answer` is what the client gets.
   */
  again(failure: UpstreamFailure, isKept: boolean): Upstream | undefined {
    const endpoint = this.#endpoint!, { kind } = failure;
    if (kind === "connect") endpoint.suspect(this.#service.deadlines.now());
    const isSafe = kind === "connect" || (kind === "no answer" && this.#isRepeatable);
    const hasTry = isSafe && isKept && ++this.#tries < TRIES_MAX;
    const isStale = failure.kind === "no answer" && failure.isReused && endpoint.state === "active";
    const next = !hasTry ? undefined : isStale ? endpoint : this.#claimAnother(endpoint);
    const { counts } = this.#backend!;
    if (next === undefined) {
      counts.failures++;
      return this.#answerInstead(answerToFailure(failure));
    }
    if (next !== endpoint) endpoint.release();
    this.#endpoint = next;
    this.#tellSession();
    counts.retries++;
    return this.#service.connect(next);
  }

  /** Claims an endpoint of the share whose turn it is, and sets the limits of its rule. */
  #claim(
    { rule, split }: LiveRule,
    { streamIdleMs }: GatewaySettings,
  ): LiveEndpoint | undefined {
    const session = this.#session;
    let backend = (session && split.keeping(session.backend)) ?? split.next();
    if (backend === undefined) return this.#answerInstead(BROKEN_ROUTE);
    let endpoint = (session && backend.claimAgain(session.endpoint, this.startedMs)) ??
      backend.claim(this.startedMs);
    const standIn = endpoint ? undefined : split.standInFor(backend);
    if (standIn !== undefined) {
      countFailed(backend);
      backend = standIn;
      endpoint = backend.claim(this.startedMs);
    }
    this.#backend = backend;
    this.#endpoint = endpoint;
    backend.counts.requests++;
    if (endpoint === undefined) return this.#unavailable(backend);
    backend.began();
    this.#ruleEdit = this.answerEdit;
    this.#tellSession();
    const { requestMs, backendRequestMs } = rule;
    const isLimited = requestMs !== undefined || backendRequestMs !== undefined;
    this.stallMs = isLimited ? STREAM_IDLE_MS_MOST : streamIdleMs; // "no limit" has one, too
    this.deadlineMs = this.startedMs +
      Math.min(requestMs || Infinity, backendRequestMs || Infinity);
    return endpoint;
  }

  /** Tells the client which session it is in, if that is new to it. */
  #tellSession(): void {
    const { rule: { rule: { persistence } }, route: { match } } = this.route!;
    if (persistence === undefined) return;
    this.answerEdit = withSession(this.#ruleEdit, persistence, {
      before: this.#session,
      backend: this.#backend!.definition.name,
      endpoint: this.#endpoint!.key,
      path: match.path.type === "PathPrefix" ? match.path.value : "/",
      scheme: this.#scheme,
      nowMs: this.#service.wallMs(),
    });
  }

  #claimAnother(failed: LiveEndpoint): LiveEndpoint | undefined {
    const nowMs = this.#service.deadlines.now(), backend = this.#service.current(this.#backend!);
    const endpoint = backend.claim(nowMs, failed);
    if (endpoint !== undefined) return endpoint;
    const other = this.route!.rule.split.standInFor(backend);
    const standIn = other && this.#service.current(other);
    const found = standIn?.claim(nowMs, failed);
    if (found !== undefined) this.#moveTo(standIn!);
    return found;
  }

  /** From now on it is a request of another backend. */
  #moveTo(backend: LiveBackend): void {
    const before = this.#backend!;
    before.ended();
    before.counts.failures++; // else one that always fails would look healthy
    this.#backend = backend;
    backend.counts.requests++;
    backend.began();
  }

  #unavailable({ definition: { state }, counts }: LiveBackend): undefined {
    const answer = state === "empty" ? NOBODY_READY : BROKEN_ROUTE;
    countAnswer(counts, answer.status, 0);
    return this.#answerInstead(answer);
  }

  #answerInstead(answer: OwnAnswer): undefined {
    this.answer = answer;
  }
}

/** It was its turn, and another one answers. */
function countFailed({ counts }: LiveBackend): void {
  counts.requests++;
  counts.failures++;
}
