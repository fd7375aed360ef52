import type { LiveBackend } from "../backends/backends.ts";
import { countAnswer } from "../backends/backend_stats.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import type { Deadline } from "../connections/deadlines.ts";
import type { Socket } from "../engine/engine.ts";
import type { HttpService } from "../exchange/http_service.ts";
import { HEAD_BYTES_MAX_DEFAULT } from "../../core/resources/gateway/settings.ts";
import { HeldBytes } from "../messages/held_bytes.ts";
import type { RawSink } from "../protocol/downstream.ts";
import type { Upstream } from "../protocol/upstream.ts";

/** Requests longer than this, head and body, are not mirrored. */
export const MIRRORED_BYTES_MAX = 256 * 1024;
/** Copies under way in one thread: what comes while there are more is not mirrored. */
export const MIRRORS_MAX = 256;
/** A copy is given up after this long. */
export const MIRROR_MS_MAX = 15_000;

/** The status that is counted for a copy without an answer. */
const NO_ANSWER = 502;

/**
 * A copy of a request for other backends (Gateway API, HTTPRequestMirrorFilter): sent when the request has come whole, its
 * answers dropped. Whatever comes of it, the request itself neither waits for it nor fails.
 */
export class MirroredRequest {
  readonly #service: HttpService;
  readonly #targets: readonly LiveBackend[];
  readonly #isHeadRequest: boolean;
  readonly #bytes = new HeldBytes();
  #isTooLong = false;

  constructor(
    service: HttpService,
    { targets, isHeadRequest }: { targets: readonly LiveBackend[]; isHeadRequest: boolean },
  ) {
    this.#service = service;
    this.#targets = targets;
    this.#isHeadRequest = isHeadRequest;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#isTooLong ||= this.#bytes.length + end - start > MIRRORED_BYTES_MAX;
    if (this.#isTooLong) this.#bytes.clear();
    else this.#bytes.add(bytes, start, end);
  }

  /** The request is whole. */
  send(): void {
    if (this.#isTooLong) return;
    const bytes = this.#bytes.take();
    for (const backend of this.#targets) {
      if (this.#service.mirrors.inFlight >= MIRRORS_MAX) return;
      const endpoint = backend.claim(this.#service.deadlines.now());
      backend.counts.requests++;
      if (endpoint === undefined) {
        backend.counts.failures++;
        continue;
      }
      const copy = new MirrorExchange(this.#service, backend, endpoint, this.#isHeadRequest);
      copy.begin(endpoint.takeIdle() ?? this.#service.connect(endpoint), bytes);
    }
  }
}

/** What answers to copies are sent on. */
const NOWHERE: Socket = {
  send: () => true,
  isSending: () => false,
  pause() {},
  resume() {},
  endSending() {},
  close() {},
  keepAlive() {},
  exchangeEnded() {},
};

class MirrorExchange implements RawSink, Deadline {
  readonly isRaw = true;
  readonly socket = NOWHERE;
  readonly minorVersion = 1;
  readonly wantsUpgrade = false;
  readonly takesTrailers = false;
  readonly headBytesMax = HEAD_BYTES_MAX_DEFAULT;
  readonly answerEdit = undefined;
  deadlineMs: number;
  readonly #startedMs: number;
  readonly #service: HttpService;
  readonly #backend: LiveBackend;
  readonly #endpoint: LiveEndpoint;
  #upstream: Upstream | undefined;
  #status = NO_ANSWER;

  constructor(
    service: HttpService,
    backend: LiveBackend,
    endpoint: LiveEndpoint,
    readonly isHeadRequest: boolean,
  ) {
    this.#service = service;
    this.#backend = backend;
    this.#endpoint = endpoint;
    this.#startedMs = service.deadlines.now();
    this.deadlineMs = this.#startedMs + MIRROR_MS_MAX;
  }

  begin(upstream: Upstream, bytes: Uint8Array): void {
    this.#service.mirrors.inFlight++;
    this.#backend.began();
    this.#service.deadlines.add(this);
    this.#upstream = upstream;
    upstream.ask(this);
    upstream.socket.send(bytes, 0, bytes.length);
  }

  isRequestComplete(): boolean {
    return true;
  }
  onProgress(): void {}
  onTunnel(): void {}
  onTunnelEnded(): void {}

  onAnswer(status: number): boolean {
    this.#status = status;
    return false;
  }

  onAnswered(): void {
    this.#end();
  }

  onFailed(): void {
    this.#backend.counts.failures++;
    this.#end();
  }

  onDeadline(): void {
    const upstream = this.#upstream;
    this.#backend.counts.failures++;
    this.#end();
    upstream?.abandon();
  }

  #end(): void {
    if (this.#upstream === undefined) return;
    this.#upstream = undefined;
    const { deadlines, mirrors } = this.#service;
    mirrors.inFlight--;
    deadlines.remove(this);
    countAnswer(this.#backend.counts, this.#status, deadlines.now() - this.#startedMs);
    this.#backend.ended();
    this.#endpoint.release();
  }
}
