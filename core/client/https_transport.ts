import type { ApiRequest } from "./server_link.ts";
import type { ServerTime } from "./server_time.ts";

/** Less than the server's 75 s, so that a connection is not used at the moment it is closed. */
const POOL_IDLE_MS = 60_000;

/** How to reach a server, and how to authenticate: by token, by certificate, or not at all. */
export interface ServerAccess {
  /** E.g. `https://192.0.2.1:6443`. */
  server: string;
  /** The authority that signed the server's certificate; absent: one that this machine trusts. */
  caPem: string | undefined;
  token: string | undefined;
  /** A client certificate and its key, as PEM. */
  pair: { certificate: string; key: string } | undefined;
  /** E.g. `coracle-agent/0.1.0`: who manages the fields that are written. */
  userAgent: string;
}

/** A request whose body may be bytes. */
export interface BytesRequest extends Omit<ApiRequest, "body"> {
  body?: string | Uint8Array<ArrayBuffer>;
}

/** Requests over HTTPS, with a pool of connections. */
export class HttpsTransport implements Disposable {
  readonly #access: ServerAccess;
  readonly #client: Deno.HttpClient;
  readonly #time: Pick<ServerTime, "heard"> | undefined;

  /** `time`: is told the dates of the answers. Throws when certificates or key are invalid. */
  constructor(access: ServerAccess, time?: Pick<ServerTime, "heard">) {
    const { caPem, pair } = access;
    this.#access = access;
    this.#time = time;
    this.#client = Deno.createHttpClient({
      poolIdleTimeout: POOL_IDLE_MS,
      ...(caPem === undefined ? {} : { caCerts: [caPem] }),
      ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
    });
  }

  readonly send = async (
    { method, path, body, contentType = "application/json", signal }: BytesRequest,
  ): Promise<Response> => {
    const { server, token, userAgent } = this.#access;
    const headers = {
      "accept": "application/json",
      "user-agent": userAgent,
      ...(body !== undefined && { "content-type": contentType }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const answer = await fetch(server + path, {
      ...{ method, headers, signal, client: this.#client, redirect: "error" },
      ...(body !== undefined && { body }),
    });
    this.#time?.heard(answer.headers.get("date"));
    return answer;
  };

  /** Ends all connections. */
  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
