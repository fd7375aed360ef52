import type { Duplex } from "node:stream";
import { lookup } from "node:dns";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { Readable } from "node:stream";
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { View } from "../../../client/client.ts";
import { dialFault } from "../../../client/webhooks/dial_faults.ts";
import { askBackend } from "../../../client/http_exchange.ts";
import { orAborted } from "../../../lib/abort.ts";
import { parseIp } from "../../../lib/addresses/ip_address.ts";
import type { Clock } from "../../../lib/clock.ts";
import { Deadline } from "../../../lib/deadline.ts";
import { messageOf } from "../../../lib/error_message.ts";
import { headersToSend, type OutgoingHeaders, redirected } from "./redirects.ts";
import { requestTarget } from "./request_targets.ts";
import type { TargetPolicy } from "./target_policy.ts";

export interface OutgoingRequest {
  method: string;
  url: URL;
  headers?: OutgoingHeaders;
  body?: string;
  /** For all of it, redirects and the body of the answer included. */
  timeoutMs: number;
  /** Whether any certificate will do. */
  isInsecure?: boolean;
}

export interface OutgoingAnswer {
  status: number;
  body: Uint8Array;
}

/** A request that was not answered. The message is that of Go's `net/http`. */
export class RequestFailure extends Error {
  override name = "RequestFailure";
}

export interface OutgoingRequestsOptions {
  view: View;
  clock: Pick<Clock, "after">;
  policy: TargetPolicy;
  /** PEM of the authority of this cluster, by which the Service `kubernetes` is known. */
  authority?: string;
}

/** Longer answers are refused. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Go's. */
const REDIRECTS_MAX = 10;

/**
 * Requests of metrics, over HTTP/1.1, each on a connection of its own. Where they go is checked against the policy: each
 * redirect anew, and of a name the address that is connected to, so that a second answer of its name server changes nothing.
 */
export class OutgoingRequests {
  readonly #options: OutgoingRequestsOptions;
  #turn = 0;

  constructor(options: OutgoingRequestsOptions) {
    this.#options = options;
  }

  /** Follows redirects. Rejects with a {@linkcode RequestFailure}, or with the reason of the signal. */
  async send(request: OutgoingRequest, signal: AbortSignal): Promise<OutgoingAnswer> {
    const failure = (message: string) =>
      new RequestFailure(`${titled(request.method)} "${shownUrl(request.url)}": ${message}`);
    const late = () => failure("context deadline exceeded");
    const limit = { clock: this.#options.clock, ms: request.timeoutMs, late };
    using deadline = new Deadline(limit, signal);
    let next: OutgoingRequest | undefined = request;
    for (let count = 0; next !== undefined; count++) {
      if (count > REDIRECTS_MAX) throw failure(`stopped after ${REDIRECTS_MAX} redirects`);
      const current: OutgoingRequest = next;
      const failed = (error: unknown) => {
        if (deadline.signal.aborted) throw deadline.signal.reason;
        const message = `${titled(current.method)} "${shownUrl(current.url)}": ${
          answerFault(error)
        }`;
        throw new RequestFailure(message);
      };
      const step = this.#exchange(current, deadline.signal).then(({ answer, location }) => ({
        answer,
        next: location === undefined ? undefined : redirected(current, answer.status, location),
      }));
      const { answer, next: following } = await step.catch(failed);
      next = following;
      if (next === undefined) return answer;
    }
    throw failure("no answer"); // never: each turn returns or goes on
  }

  async #exchange(
    request: OutgoingRequest,
    signal: AbortSignal,
  ): Promise<{ answer: OutgoingAnswer; location?: string }> {
    const { url, method, body } = request;
    const connection = await this.#connection(request, signal);
    const end = () => connection.destroy();
    signal.addEventListener("abort", end, { once: true });
    try {
      const bytes = body === undefined ? undefined : Buffer.from(body);
      const { message } = await orAborted(
        askBackend({
          connection,
          method,
          path: url.pathname + url.search,
          headers: headersToSend(request, bytes?.length),
          ...(bytes && { body: Readable.from([bytes]) }),
        }),
        signal,
      );
      const answer = { status: message.statusCode ?? 0, body: await bodyOf(message, signal) };
      const { location } = message.headers;
      return { answer, ...(location !== undefined && { location }) };
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }

  /** A connection to an address that may be asked; over TLS, to who has a certificate for the name. */
  async #connection({ url, isInsecure = false }: OutgoingRequest, signal: AbortSignal) {
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw new RequestFailure(`unsupported protocol scheme "${url.protocol.slice(0, -1)}"`);
    }
    const { view, policy, authority } = this.#options;
    const target = requestTarget(url, { view, policy, turn: this.#turn++ });
    if ("fault" in target) throw new RequestFailure(target.fault);
    const host = "address" in target
      ? target.address
      : await orAborted(addressOf(target.name, target.isAllowed ? undefined : policy), signal);
    const dialled = { name: url.hostname, host, port: target.port };
    const opened = (open: () => Duplex, event: "connect" | "secureConnect") =>
      established(open(), event, signal).catch((error) => {
        if (signal.aborted) throw signal.reason;
        throw new RequestFailure(dialFault(error, dialled));
      });
    const socket = await opened(() => connect({ host, port: target.port }), "connect");
    if (url.protocol === "http:") return socket;
    const name = url.hostname.replace(/^\[|\]$/g, "");
    const ca = "isApiServer" in target && authority ? { ca: authority } : {};
    const secure = () =>
      connectTls({
        socket,
        ...(parseIp(name) === undefined && { servername: name }),
        rejectUnauthorized: !isInsecure,
        ...ca,
      });
    return await opened(secure, "secureConnect");
  }
}

/** Resolves with the connection once it stands; destroys it when it does not, or when the signal aborts first. */
async function established(
  connection: Duplex,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  connection.once(event, resolve);
  connection.once("error", reject);
  connection.once("close", () => reject(new Error("EOF")));
  try {
    await orAborted(promise, signal);
    connection.on("error", () => {}); // whoever uses the connection learns of it by its end
    return connection;
  } catch (error) {
    connection.on("error", () => {});
    connection.destroy();
    throw error;
  }
}

/** An address of a name. All of them must be such that may be asked: which one is connected to is chance. */
function addressOf(name: string, policy: TargetPolicy | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, found) => {
      if (error || found.length === 0) {
        return reject(new RequestFailure(`dial tcp: lookup ${name}: no such host`));
      }
      const faults = found.map(({ address }) => policy?.faultOf(address));
      const wrong = faults.findIndex((fault) => fault !== undefined);
      if (wrong < 0) return resolve(found[0]!.address);
      const { address } = found[wrong]!;
      reject(new RequestFailure(`dial tcp: lookup ${name}: ${address}: ${faults[wrong]}`));
    });
  });
}

async function bodyOf(message: IncomingMessage, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const read = async () => {
    for await (const piece of message) {
      bytes += piece.length;
      if (bytes > ANSWER_BYTES_MAX) {
        throw new RequestFailure(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
      }
      pieces.push(piece);
    }
  };
  await orAborted(read(), signal);
  return Buffer.concat(pieces);
}

/** The words of Go for what went wrong once a connection stood. */
function answerFault(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ECONNRESET") return "EOF";
  return code.startsWith("HPE_")
    ? "net/http: HTTP/1.x transport connection broken: malformed HTTP response"
    : messageOf(error);
}

/** As Go names methods in errors: `Get`. */
function titled(method: string): string {
  return method.slice(0, 1).toUpperCase() + method.slice(1).toLowerCase();
}

/** Without the password in it. */
function shownUrl(url: URL): string {
  if (url.password === "") return url.href;
  const shown = new URL(url);
  shown.password = "***";
  return shown.href;
}
