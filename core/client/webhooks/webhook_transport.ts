import { lookup } from "node:dns";
import { Agent, request } from "node:https";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { LookupFunction } from "node:net";
import { Buffer } from "node:buffer";
import { type Clock, SystemClock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import { parseIp, specialUseOf } from "../../lib/addresses/ip_address.ts";
import { dialFault, type Dialled } from "./dial_faults.ts";

/** Where a webhook answers. */
export interface WebhookAddress {
  /** What is asked for, and whose certificate is wanted: `https://HOST[:PORT]/PATH`. */
  url: URL;
  /** Where to connect, when that is not what the URL says: an endpoint of a Service. */
  endpoint?: { address: string; port: number };
  /** PEM of the authorities that may have signed its certificate; absent: those that this machine trusts. */
  caPem?: string;
}

/** How webhooks are asked. Its failures are {@linkcode WebhookFailure}s. */
export interface WebhookTransport {
  /** Sends JSON, and resolves with the JSON that comes back. */
  post(address: WebhookAddress, body: string, timeoutSeconds: number): Promise<unknown>;
}

/** A webhook could not be asked, or did not answer as it should. The message is what client-go would say. */
export class WebhookFailure extends Error {
  override name = "WebhookFailure";
}

/** Twice the largest object, and what is around it. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const IDLE_SOCKETS_MAX = 25; // client-go's for one host
const AGENTS_MAX = 100;

/**
 * Webhooks over HTTPS. A certificate counts only when an authority of the webhook has signed it for the name in the URL;
 * redirects are not followed; addresses of a link alone, such as those of a cloud's metadata, are not asked.
 */
export class HttpsWebhooks implements WebhookTransport, Disposable {
  /** One for each set of authorities, so that no connection is used for another. The last used is last. */
  readonly #agents = new Map<string, Agent>();
  readonly #clock: Pick<Clock, "after">;

  constructor(clock: Pick<Clock, "after"> = new SystemClock()) {
    this.#clock = clock;
  }

  async post(address: WebhookAddress, body: string, timeoutSeconds: number): Promise<unknown> {
    const { url, endpoint } = address;
    const target = `${url.pathname}?timeout=${timeoutSeconds}s`;
    const failure = (reason: string) =>
      new WebhookFailure(`Post "${url.origin}${target}": ${reason}`);
    const refusal = linkLocalFault(endpoint?.address ?? hostOf(url));
    if (refusal) throw failure(refusal);
    const asked = this.#request(address, target, body);
    const late = () => {
      end(asked);
      return failure("context deadline exceeded");
    };
    const limit = { clock: this.#clock, ms: timeoutSeconds * 1000, late };
    return await within(answerTo(asked, body), limit).catch((error) => {
      throw error instanceof WebhookFailure ? error : failure(dialFault(error, dialled(address)));
    });
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #request({ url, endpoint, caPem }: WebhookAddress, path: string, body: string): ClientRequest {
    const host = hostOf(url);
    return request({
      method: "POST",
      host: endpoint?.address ?? host,
      port: endpoint?.port ?? (url.port || 443),
      path,
      ...(parseIp(host) === undefined && { servername: host }),
      agent: this.#agentOf(caPem),
      lookup: checkedLookup,
      headers: {
        "host": url.host,
        "accept": "application/json, */*",
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "user-agent": "kube-apiserver-admission",
      },
    });
  }

  #agentOf(caPem = ""): Agent {
    const known = this.#agents.get(caPem);
    const agent = known ?? new Agent({
      keepAlive: true,
      maxFreeSockets: IDLE_SOCKETS_MAX,
      timeout: 60_000,
      ...(caPem && { ca: caPem }),
    });
    this.#agents.delete(caPem);
    this.#agents.set(caPem, agent);
    if (this.#agents.size > AGENTS_MAX) {
      const [oldest] = this.#agents.keys();
      this.#agents.get(oldest!)!.destroy();
      this.#agents.delete(oldest!);
    }
    return agent;
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** What is dialled, as errors name it. */
function dialled({ url, endpoint }: WebhookAddress): Dialled {
  const { address = url.hostname, port = Number(url.port || 443) } = endpoint ?? {};
  return { name: url.hostname, host: address, port };
}

/** Sends the body, and resolves with the JSON that comes back. */
function answerTo(asked: ClientRequest, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    asked.on("response", (answer) => void jsonOf(answer).then(resolve, reject));
    asked.on("error", reject);
    asked.end(body);
  });
}

/** Ends a request and its connection: the signal of a request does neither on a connection that was used before (Deno 2.9). */
function end(asked: ClientRequest): void {
  asked.socket?.destroy();
  asked.destroy();
}

async function jsonOf(answer: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > ANSWER_BYTES_MAX) throw new WebhookFailure("the answer is too large");
  }
  const code = answer.statusCode ?? 0;
  if (code < 200 || code > 299) throw new WebhookFailure(codeText(code));
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch {
    throw new WebhookFailure("couldn't get version/kind; json parse error: the answer is no JSON");
  }
}

/** As k8s.io/apimachinery/pkg/api/errors NewGenericServerResponse; what the answer said is not repeated. */
function codeText(code: number): string {
  if (code === 404) return "the server could not find the requested resource";
  if (code === 401) return "the server has asked for the client to provide credentials";
  if (code === 403) return "unknown";
  if (code === 405) return "the server does not allow this method on the requested resource";
  if (code === 503) return "the server is currently unable to handle the request";
  if (code === 504) {
    return "the server was unable to return a response in the time allotted, but may still be processing the request";
  }
  return code >= 500
    ? 'an error on the server ("unknown") has prevented the request from succeeding'
    : "the server rejected our request for an unknown reason";
}

/** Why an address is never asked; `undefined` for a name, or for one that may be. */
function linkLocalFault(host: string): string | undefined {
  const address = parseIp(host);
  const use = address && specialUseOf(address);
  return use === undefined || use === "loopback"
    ? undefined
    : `dial tcp ${host}: ${use} addresses are not asked`;
}

/** Looks up a name, and refuses what {@linkcode linkLocalFault} refuses. */
const checkedLookup: LookupFunction = (name, options, callback) => {
  lookup(name, { ...options, all: true }, (error, found) => {
    const fault = error
      ? undefined
      : found.map(({ address }) => linkLocalFault(address)).find(Boolean);
    if (fault) return callback(new WebhookFailure(fault), "");
    if (error || options.all) return callback(error, found ?? []);
    callback(null, found[0]!.address, found[0]!.family);
  });
};
