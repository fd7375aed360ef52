import type { Socket } from "node:net";
import { messageOf } from "../../../core/lib/error_message.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { Deadline } from "../../../core/lib/deadline.ts";
import { linesOf } from "../../../core/lib/lines.ts";
import { UnixHttp, type UnixRequest } from "./unix_http.ts";

/**
 * The oldest version of the API that has all we use; newer services still speak it. What stands second in the target
 * decides how Podman answers: `libpod` is its own API, all else Docker's (`strings.Split(url, "/")[2] == "libpod"`,
 * the same from version 3 to 6).
 */
const PREFIX = "/v4.0.0/libpod";
const IDLE_CONNECTIONS_MAX = 16;
/** For calls that read or change one thing. Pulls, streams and graceful stops bring their own. */
const DEADLINE_MS = 60_000;
/** Podman refused. Status codes do not distinguish errors (an image that is absent is a 500); `cause` does. */
export class PodmanError extends Error {
  override name = "PodmanError";
  constructor(
    readonly status: number,
    /** Podman's innermost error, e.g. `no such container`. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Podman could not be asked at all, or did not answer in time. */
export class PodmanUnreachable extends Error {
  override name = "PodmanUnreachable";
}

/** Podman sends no longer lines. */
const LINE = {
  charactersMax: 4 * 1024 * 1024,
  tooLong: () => new PodmanUnreachable("Cannot read from Podman: a line is too long"),
};

export interface PodmanRequest {
  query?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as JSON; bytes and streams are sent as a tar archive. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  /** How long the head of the answer may take; `Infinity` for streams that begin late. */
  deadlineMs?: number;
}

/** Speaks Podman's HTTP API (libpod) over a unix socket. */
export class PodmanClient {
  readonly socketPath: string;
  readonly #clock: Clock;
  readonly #http: UnixHttp;

  constructor({ socketPath, clock }: { socketPath: string; clock: Clock }) {
    this.socketPath = socketPath;
    this.#clock = clock;
    this.#http = new UnixHttp({ socketPath, idleMax: IDLE_CONNECTIONS_MAX });
  }

  /** The version of Podman. A ping takes 0.3 ms; `/version` takes half a second. */
  async ping(deadlineMs = DEADLINE_MS): Promise<string> {
    const response = await this.request("GET", "/_ping", { deadlineMs });
    await response.text();
    return response.headers.get("libpod-api-version") ?? "unknown";
  }

  /** The answer as JSON; `undefined` when it is empty. */
  async json<T>(method: string, path: string, request: PodmanRequest = {}): Promise<T> {
    const response = await this.request(method, path, request);
    const text = await response.text();
    return (text === "" ? undefined : JSON.parse(text)) as T; // Podman's answers are trusted
  }

  /** Asks, and does not care for the answer's body, which must be short. */
  async send(method: string, path: string, request: PodmanRequest = {}): Promise<void> {
    await (await this.request(method, path, request)).text();
  }

  /** The lines of an answer that is a stream of JSON values. Ends with the stream, or when the signal aborts. */
  async *lines<T>(method: string, path: string, request: PodmanRequest = {}): AsyncGenerator<T> {
    const response = await this.request(method, path, request);
    if (response.body === null) return;
    for await (const lines of linesOf(response.body, { ...LINE, signal: request.signal })) {
      for (const line of lines) yield JSON.parse(line) as T;
    }
    request.signal?.throwIfAborted();
  }

  /** Rejects with {@linkcode PodmanError} or {@linkcode PodmanUnreachable}. */
  async request(method: string, path: string, request: PodmanRequest = {}): Promise<Response> {
    return await this.#ask(method, path, request, async (asked) => {
      const response = await this.#http.ask(asked);
      if (!response.ok && response.status !== 304) throw await errorOf(response);
      return response;
    });
  }

  /** Asks for the connection itself, which then carries streams. Rejects as {@linkcode request}. */
  async hijack(method: string, path: string, request: PodmanRequest = {}): Promise<Socket> {
    return await this.#ask(method, path, request, async (asked) => {
      const answer = await this.#http.upgrade(asked);
      if (answer instanceof Response) throw await errorOf(answer);
      return answer;
    });
  }

  async #ask<T>(
    method: string,
    path: string,
    { query = {}, body, headers, signal, deadlineMs = DEADLINE_MS }: PodmanRequest,
    ask: (request: UnixRequest) => Promise<T>,
  ): Promise<T> {
    const late = () => new Error(`no answer within ${deadlineMs} ms`);
    using deadline = new Deadline({ clock: this.#clock, ms: deadlineMs, late }, signal);
    try {
      const content = bodyOf(body);
      return await ask({
        method,
        path: `${PREFIX}${path}${queryText(query)}`,
        signal: deadline.signal,
        ...content,
        headers: { ...content.headers, ...headers },
      });
    } catch (error) {
      if (error instanceof PodmanError || signal?.aborted) throw error;
      const state = messageOf(deadline.hasPassed ? deadline.signal.reason : error);
      throw new PodmanUnreachable(`Cannot reach Podman at "${this.socketPath}": ${state}`);
    }
  }

  /** Waits before asking again. */
  pause(ms: number): Promise<void> {
    return this.#clock.sleep(ms);
  }

  close(): void {
    this.#http.close();
  }
}

function queryText(query: NonNullable<PodmanRequest["query"]>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((each) => [name, each])
  );
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

function bodyOf(body: unknown): Pick<UnixRequest, "body" | "headers"> {
  if (body === undefined) return { headers: {} };
  if (body instanceof Uint8Array || body instanceof ReadableStream) {
    return { body, headers: { "content-type": "application/x-tar" } };
  }
  return { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

async function errorOf(response: Response): Promise<PodmanError> {
  const text = await response.text();
  try {
    const { cause, message } = JSON.parse(text) as { cause?: string; message?: string };
    return new PodmanError(response.status, cause ?? "", message ?? text);
  } catch {
    return new PodmanError(response.status, "", text); // "Not Found" for an unknown path
  }
}
