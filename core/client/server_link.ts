import { messageOf } from "../lib/error_message.ts";
import type { Clock } from "../lib/clock.ts";
import { Deadline } from "../lib/deadline.ts";
import { textOf } from "../lib/lines.ts";
import type { Log } from "../lib/log.ts";
import { ApiError, apiErrorOf } from "./api_error.ts";
import { LinkError } from "./link_error.ts";

/** How long an answer may take. A later renewal of a node's lease would be useless. */
const ANSWER_MS_MAX = 10_000;

/** A request to the API, independent of its transport. */
export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query, e.g. `/api/v1/pods?watch=true`. */
  path: string;
  body?: string;
  /** Of the body; JSON when absent. */
  contentType?: string;
  signal: AbortSignal;
}

/**
 * Carries requests to one server and authenticates them: over HTTPS, in memory, or through a tunnel. Resolves with the
 * head of the answer, rejects when there is none. Honours the signal, also while the body comes.
 */
export type Transport = (request: ApiRequest) => Promise<Response>;

export interface ServerLinkOptions {
  transport: Transport;
  clock: Clock;
  log: Log;
  /** For people: where the server is. */
  server: string;
}

/**
 * The connection of clients on another machine to one server.
 *
 * Refusals come as {@linkcode ApiError}, everything else that goes wrong as {@linkcode LinkError}. Whether the server
 * can be reached is known from what is asked of it, and logged when it changes.
 */
export class ServerLink {
  readonly #options: ServerLinkOptions;
  readonly #listeners = new Set<() => void>();
  #state: "up" | "down" = "up";

  constructor(options: ServerLinkOptions) {
    this.#options = options;
  }

  /** Sends a request and reads its whole answer, within {@linkcode ANSWER_MS_MAX}. */
  async ask(
    { method, path, body }: Omit<ApiRequest, "signal" | "body"> & { body?: unknown },
    outer?: AbortSignal,
  ): Promise<unknown> {
    return await this.#inTime(outer, async (signal) => {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await this.#options.transport({ method, path, ...sent, signal });
      return contentOf(answer.status, await textOf(answer.body, signal));
    });
  }

  /** Opens an answer that goes on until `outer` aborts: only its head has to come in time. */
  async open(path: string, outer: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return await this.#inTime(outer, async (signal) => {
      const answer = await this.#options.transport({ method: "GET", path, signal });
      if (answer.status === 200 && answer.body !== null) return answer.body;
      contentOf(answer.status, await textOf(answer.body, signal));
      throw new LinkError(`the answer to "${path}" is empty`);
    });
  }

  /** Calls `listener` whenever the server answers again after a failure, or is suspected. Returns the stop. */
  onRestored(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * To be called when open watches seem silent though nothing has failed: the other end may be gone unnoticed. Has them all
   * reopened.
   */
  suspect(): void {
    this.#options.log.debug("Reopening all watches", { server: this.#options.server });
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #inTime<T>(
    outer: AbortSignal | undefined,
    act: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const late = () => new LinkError(`no answer within ${ANSWER_MS_MAX} ms`);
    using deadline = new Deadline({ clock: this.#options.clock, ms: ANSWER_MS_MAX, late }, outer);
    try {
      const result = await act(deadline.signal);
      this.#heard();
      return result;
    } catch (error) {
      const { signal: { aborted, reason }, hasPassed } = deadline;
      if (error instanceof ApiError) this.#heard();
      if (error instanceof ApiError || (aborted && !hasPassed)) throw error;
      throw this.#lost(hasPassed ? reason : error);
    }
  }

  #heard(): void {
    if (this.#state === "up") return;
    this.#state = "up";
    this.#options.log.info("The server answers again", { server: this.#options.server });
    this.#tell();
  }

  /** The error for an answer that did not come, whatever the transport threw. */
  #lost(cause: unknown): LinkError {
    const { log, server } = this.#options;
    const words = messageOf(cause);
    if (this.#state === "up") log.warn("The server does not answer", { server, reason: words });
    this.#state = "down";
    return new LinkError(`Cannot reach the server at ${server}: ${words}`, { cause });
  }
}

/** The object in an answer. Throws its refusal. */
function contentOf(status: number, text: string): unknown {
  const content: unknown = JSON.parse(text);
  if (status >= 200 && status < 300) return content;
  throw apiErrorOf(content) ??
    new LinkError(`it answered ${status}, which is not an answer of the API`);
}
