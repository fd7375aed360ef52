import type { Clock } from "../../lib/clock.ts";
import { Deadline } from "../../lib/deadline.ts";
import { linesOf, textOf } from "../../lib/lines.ts";

/** Where etcd is, and how to authenticate. */
export interface EtcdAccess {
  /** E.g. `http://192.0.2.1:2379`. One answer of any is enough. */
  endpoints: readonly string[];
  /** The authority that signed the servers' certificates; absent: one that this machine trusts. */
  caPem?: string;
  /** A client certificate and its key, as PEM. */
  pair?: { certificate: string; key: string };
  user?: { name: string; password: string };
}

/** How long one attempt may take: longer than an election of etcd with its defaults. */
const ATTEMPT_MS = 3_000;
/** How often each endpoint is tried before the request fails. */
const ROUNDS = 2;
/** A watch begins within this time. */
const WATCH_START_MS = 5_000;
/** One answer of a watch holds up to a thousand revisions, each of a write of 1.5 MiB at most. */
const LINE = {
  charactersMax: 256 * 1024 * 1024,
  tooLong: () => new Error("a line of the answer of etcd has no end"),
};
/** https://grpc.io/docs/guides/status-codes/ */
const UNAUTHENTICATED = 16;
/** Another endpoint, or a later moment, may do better: cancelled, deadline exceeded, unavailable. */
const TRANSIENT_CODES: readonly number[] = [1, 4, 14];
/** Sent by a member that hands over its leadership, under the code for unknown errors. Nothing was done. */
const DROPPED = /raft proposal dropped/;
const TOKEN_IS_OLD = /invalid auth token/;

/** An error of etcd, in its own words. */
export class EtcdError extends Error {
  override name = "EtcdError";
  constructor(message: string, readonly code: number) {
    super(message);
  }
}

/**
 * Speaks with etcd v3 through its JSON gateway (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/).
 *
 * A request that fails goes to the next endpoint, so it may be done twice, and the first one late: requests must tolerate
 * that. It stays with the endpoint that answered last.
 */
export class EtcdClient implements Disposable {
  readonly #access: EtcdAccess;
  readonly #clock: Clock;
  readonly #http: Deno.HttpClient;
  #endpoint = 0;
  #token: string | undefined;

  /** Throws when certificates or key are invalid. */
  constructor(access: EtcdAccess, clock: Clock) {
    const { caPem, pair } = access;
    this.#access = access;
    this.#clock = clock;
    this.#http = Deno.createHttpClient({
      ...(caPem === undefined ? {} : { caCerts: [caPem] }),
      ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
    });
  }

  /** Throws an {@linkcode EtcdError} for what etcd refuses, or another error when no endpoint answers in time. */
  async ask<T>(
    path: string,
    body: unknown,
    { signal, attemptMs = ATTEMPT_MS }: { signal?: AbortSignal; attemptMs?: number } = {},
  ): Promise<T> {
    const attempts = ROUNDS * this.#access.endpoints.length;
    for (let attempt = 1;; attempt++) {
      try {
        using deadline = this.#deadline(attemptMs, signal);
        const answer = await this.#post(path, body, deadline.signal);
        return JSON.parse(await textOf(answer.body, deadline.signal)) as T;
      } catch (error) {
        signal?.throwIfAborted();
        if (this.#hasForgottenUs(error)) this.#token = undefined;
        else if (error instanceof EtcdError && !isTransient(error)) throw error;
        else this.#endpoint = (this.#endpoint + 1) % this.#access.endpoints.length;
        if (attempt >= attempts) throw this.#unreachable(error as Error);
      }
    }
  }

  /**
   * The answers of a request that has many, one JSON text a line. Begins at the next endpoint when it fails; ends by
   * throwing when the connection does.
   */
  async *stream<T>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
    using start = this.#deadline(WATCH_START_MS, signal);
    try {
      const answer = await this.#post(path, body, start.signal);
      for await (const lines of linesOf(answer.body!, { ...LINE, signal: start.signal })) {
        start[Symbol.dispose]();
        for (const line of lines) {
          const { result, error } = JSON.parse(line) as { result?: T; error?: Failure };
          if (error) throw new EtcdError(error.message ?? "etcd ended the watch", error.code ?? 0);
          if (result) yield result;
        }
      }
      start.signal.throwIfAborted();
      throw new Error("etcd ended the watch");
    } catch (error) {
      this.#endpoint = (this.#endpoint + 1) % this.#access.endpoints.length;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  #unreachable(error: Error): Error {
    if (error instanceof EtcdError) return error;
    const { endpoints } = this.#access;
    return new Error(`etcd does not answer at ${endpoints.join(", ")}: ${error.message}`, {
      cause: error,
    });
  }

  #hasForgottenUs(error: unknown): boolean {
    return this.#access.user !== undefined && error instanceof EtcdError &&
      (error.code === UNAUTHENTICATED || TOKEN_IS_OLD.test(error.message));
  }

  async #post(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const { user } = this.#access;
    if (user && this.#token === undefined) this.#token = await this.#authenticate(user, signal);
    return await this.#send(path, body, signal);
  }

  async #authenticate(
    { name, password }: { name: string; password: string },
    signal: AbortSignal,
  ): Promise<string> {
    const answer = await this.#send("/v3/auth/authenticate", { name, password }, signal);
    return (await answer.json() as { token: string }).token;
  }

  async #send(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const token = this.#token;
    const headers = {
      "content-type": "application/json",
      // A member without a leader ends the watch, so that it begins again at another one.
      "grpc-metadata-hasleader": "true",
      ...(token !== undefined && { authorization: token }),
    };
    const answer = await fetch(this.#access.endpoints[this.#endpoint] + path, {
      ...{ method: "POST", headers, body: JSON.stringify(body), signal, client: this.#http },
    });
    if (answer.ok) return answer;
    const { message, error, code } = await answer.json().catch(() => ({})) as Failure;
    throw new EtcdError(message ?? error ?? `etcd answered ${answer.status}`, code ?? 0);
  }

  #deadline(ms: number, signal: AbortSignal | undefined): Deadline {
    const late = () => new Error(`etcd has not answered in ${ms} ms`);
    return new Deadline({ clock: this.#clock, ms, late }, signal);
  }
}

function isTransient({ code, message }: EtcdError): boolean {
  return TRANSIENT_CODES.includes(code) || DROPPED.test(message);
}

interface Failure {
  message?: string;
  error?: string;
  code?: number;
}
