import type { Clock } from "../../lib/clock.ts";
import type { AuditRecord, User } from "../http/api_context.ts";
import { type RequestInfo, requestInfoOf } from "../http/request_info.ts";
import { isLongRunning } from "../fairness/fairness.ts";
import type { AuditSink } from "./audit_writer.ts";
import { type Body, BODY_BYTES_MAX, type Observation } from "./event.ts";
import { type AuditDecision, auditDecision, type Policy, type Stage } from "./policy.ts";

/** What is known of a request before anybody has looked at it. */
export interface Arrival {
  id: string;
  method: string;
  /** Absolute. Throws BadRequest when the target cannot be read. */
  readonly url: string;
  requestUri: string;
  contentType: string;
  userAgent: string | undefined;
  sourceIps: readonly string[];
}

interface Auditing {
  policy: Policy;
  sink: AuditSink;
  clock: Pick<Clock, "now" | "elapsed">;
}

/** The life of one request, as far as the audit log tells it. */
export class AuditedRequest implements AuditRecord {
  readonly #auditing: Auditing;
  readonly #arrival: Arrival;
  readonly #receivedMs: number;
  readonly #receivedElapsedMs: number;
  readonly #annotations: Record<string, string> = {};
  #info: RequestInfo | undefined;
  #decision: AuditDecision | undefined;
  #user: User | undefined;
  #impersonated: User | undefined;
  #request: Body | undefined;
  #response: Body | undefined;
  #code: number | undefined;
  #hasStarted = false;
  #isOver = false;

  constructor(auditing: Auditing, arrival: Arrival) {
    this.#auditing = auditing;
    this.#arrival = arrival;
    this.#receivedMs = auditing.clock.now();
    this.#receivedElapsedMs = auditing.clock.elapsed();
  }

  identified(user: User, info: RequestInfo): void {
    this.#user = user;
    this.#decide(info, user);
    this.#write("RequestReceived");
  }

  impersonated(user: User): void {
    this.#impersonated = user;
  }

  annotate(key: string, value: string, level?: "Request"): void {
    if (level === "Request" && this.#decision?.level === "Metadata") return;
    this.#annotations[`${key}`] ??= value;
  }

  read(bytes: Uint8Array): void {
    if (!this.#isAudited) return;
    const type = this.#arrival.contentType;
    this.#request = { type, bytes: bytes.length <= BODY_BYTES_MAX ? bytes : undefined };
  }

  /** Whether the body of the answer is to be told of; `code`: of the answer. */
  wantsAnswer(code: number): boolean {
    if (!this.#isAudited) return false;
    if (code >= 400 || this.#decision?.level === "RequestResponse") return !this.#isLongRunning;
    return this.#arrival.method === "DELETE"; // its answer may be a Status
  }

  answered(body: Body): void {
    this.#response = body;
  }

  /** The head of the answer is sent. */
  started(code: number): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#code = code;
    if (this.#isLongRunning) this.#write("ResponseStarted");
  }

  /** Nothing more is sent. `code`: unless the head of an answer was sent. */
  ended({ code, panicked = false }: { code?: number; panicked?: boolean } = {}): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#info) {
      this.#code ??= code ?? 401;
      this.#decideAlone();
      return this.#write("ResponseStarted", this.#code === 401 ? NOT_AUTHENTICATED : undefined);
    }
    const isEarly = !this.#hasStarted && code === undefined;
    if (!this.#hasStarted) this.started(code ?? 200);
    this.#write(panicked ? "Panic" : "ResponseComplete", isEarly ? CLOSED_EARLY : undefined);
  }

  get #isAudited(): boolean {
    return this.#decision !== undefined && this.#decision.level !== "None";
  }

  get #isLongRunning(): boolean {
    return this.#info !== undefined && isLongRunning(this.#info);
  }

  /** The sender has not been authenticated. */
  #decideAlone(): void {
    const { method } = this.#arrival;
    try {
      this.#decide(requestInfoOf(method, this.#arrival.url), undefined);
    } catch {
      const path = this.#arrival.requestUri; // cannot be read
      this.#decide({ isResource: false, verb: method.toLowerCase(), path }, undefined);
    }
  }

  #decide(info: RequestInfo, user: User | undefined): void {
    this.#info = info;
    this.#decision = auditDecision(this.#auditing.policy, user, info);
  }

  #write(stage: Stage, message?: string): void {
    const decision = this.#decision;
    if (!decision || !this.#info || decision.level === "None") return;
    if (decision.omitStages.includes(stage)) return;
    const { id, requestUri, userAgent, sourceIps, method } = this.#arrival;
    const tookMs = this.#auditing.clock.elapsed() - this.#receivedElapsedMs;
    const seen: Observation = {
      level: decision.level,
      omitManagedFields: decision.omitManagedFields,
      auditId: id,
      stage,
      requestUri,
      info: this.#info,
      isPatch: method === "PATCH",
      ...(this.#user && { user: this.#user }),
      ...(this.#impersonated && { impersonatedUser: this.#impersonated }),
      sourceIps,
      ...(userAgent && { userAgent }),
      ...(this.#code !== undefined && { code: this.#code }),
      ...(message && { message }),
      receivedMs: this.#receivedMs,
      stageMs: this.#receivedMs + tookMs,
      annotations: { ...this.#annotations },
      ...(this.#request && { request: this.#request }),
      ...(this.#response && { response: this.#response }),
    };
    this.#auditing.sink.write(seen);
  }
}

/** kube-apiserver's words for a request whose token names nobody; it has no other stage. */
const NOT_AUTHENTICATED = "Authentication failed, attempted: bearer";
/** kube-apiserver's words for a request that ended without an answer. */
const CLOSED_EARLY = "Connection closed early";
