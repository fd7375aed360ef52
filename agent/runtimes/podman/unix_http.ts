import { Agent, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";

export interface UnixRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array | ReadableStream<Uint8Array>;
  /** Ends the request, and the body of its answer too. */
  signal: AbortSignal;
}

/**
 * HTTP/1.1 over a unix socket, with connections that are kept.
 *
 * Not `fetch` with a proxy: for each connection that asks the DNS for the host of the URL, although nobody dials it.
 * Where no DNS server answers, an edge device without its uplink, the first answer then comes after 10 s.
 */
export class UnixHttp {
  readonly #socketPath: string;
  readonly #agent: Agent;

  constructor({ socketPath, idleMax }: { socketPath: string; idleMax: number }) {
    this.#socketPath = socketPath;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: idleMax });
  }

  /** Resolves with the head of the answer. A body that is not read to its end must be cancelled. */
  ask({ method, path, headers, body, signal }: UnixRequest): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    if (signal.aborted) return Promise.reject(signal.reason);
    const options = { socketPath: this.#socketPath, agent: this.#agent, method, path };
    const length = typeof body === "string" || body instanceof Uint8Array
      ? { "content-length": String(bytesOf(body).length) }
      : {};
    const outgoing = request({ ...options, headers: { host: "libpod", ...headers, ...length } });
    let incoming: IncomingMessage | undefined;
    const over = () => signal.removeEventListener("abort", aborted);
    const aborted = () => {
      incoming?.destroy(signal.reason); // else a body without a length would seem to be whole
      outgoing.destroy(signal.reason);
      reject(signal.reason); // on a connection that was used before, Deno 2.9 tells no error
    };
    signal.addEventListener("abort", aborted, { once: true });
    outgoing.on("error", (error) => {
      over();
      reject(error);
    });
    outgoing.on("response", (message) => {
      incoming = message.on("close", over);
      resolve(responseOf(message));
    });
    if (body instanceof ReadableStream) {
      Readable.fromWeb(body as unknown as NodeStream).on(
        "error",
        (error) => outgoing.destroy(error),
      )
        .pipe(outgoing);
    } else outgoing.end(body === undefined ? undefined : bytesOf(body));
    return promise;
  }

  /** Asks for the connection itself (`Upgrade: tcp`). Resolves with it, or with the answer when it is not given. */
  upgrade({ method, path, headers, body, signal }: UnixRequest): Promise<Socket | Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket | Response>();
    const options = { socketPath: this.#socketPath, agent: false as const, method, path, signal };
    const asked = { host: "libpod", ...headers, connection: "Upgrade", upgrade: "tcp" };
    const bytes = bytesOf(typeof body === "string" ? body : "");
    const length = { "content-length": String(bytes.length) };
    const outgoing = request({ ...options, headers: { ...asked, ...length } });
    outgoing.on("error", reject);
    outgoing.on("response", (message) => resolve(responseOf(message)));
    outgoing.on("upgrade", (_message, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket as Socket);
    });
    outgoing.end(bytes);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function responseOf(message: IncomingMessage): Response {
  const status = message.statusCode!;
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) headers.set(name, String(value));
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) message.resume();
  const body = isEmpty ? null : Readable.toWeb(message) as unknown as ReadableStream<Uint8Array>;
  return new Response(body, { status, headers });
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
