import { messageOf } from "../lib/error_message.ts";
import type { Clock } from "../lib/clock.ts";
import { Deadline } from "../lib/deadline.ts";
import { textOf } from "../lib/lines.ts";
import type { Log } from "../lib/log.ts";
import { ApiError, apiErrorOf } from "./api_error.ts";
import { LinkError } from "./link_error.ts";

/** How long an answer may take. A renewal of a node's lease that waited longer would be in vain. */
const ANSWER_MS_MAX = 10_000;

/** A request to the API, before it is said how it travels. */
export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query, e.g. `/api/v1/pods?watch=true`. */
  path: string;
  body?: string;
  /** Of the body; JSON when it is not said. */
  contentType?: string;
  signal: AbortSignal;
}

/**
 * Carries requests to one server, and says who asks: over HTTPS, in memory, or through a tunnel. Resolves with the
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
 * One server, as its clients on another machine see it.
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

  /** Sends a request and reads its whole answer, within the time that answers have. */
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
      throw new LinkError(`the answer to "${path}" has no content`);
    });
  }

  /** Calls `listener` whenever the server answers again after it did not, or is suspected. Returns the stop. */
  onRestored(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Somebody has seen that what is open brings nothing any more, though nothing has failed: the other end may be gone
   * without a word. Has all that is open opened anew.
   */
  suspect(): void {
    this.#options.log.debug("What is open is opened anew", { server: this.#options.server });
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

  /** Whatever a transport throws means that there was no answer. */
  #lost(cause: unknown): LinkError {
    const { log, server } = this.#options;
    const words = messageOf(cause);
    if (this.#state === "up") log.warn("The server does not answer", { server, reason: words });
    this.#state = "down";
    return new LinkError(`Cannot reach the server at ${server}: ${words}`, { cause });
  }
}

/** The object in an answer. Throws what the answer refuses with. */
function contentOf(status: number, text: string): unknown {
  const content: unknown = JSON.parse(text);
  if (status >= 200 && status < 300) return content;
  throw apiErrorOf(content) ?? new LinkError(`it answered ${status}, which the API does not`);
}
