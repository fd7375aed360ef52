import { type Agent, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { duplexOf } from "../../lib/mux/duplex.ts";
import { openingAgent } from "../http_exchange.ts";
import { LinkError } from "../link_error.ts";
import type { ApiRequest, Transport } from "../server_link.ts";
import type { Tunnel } from "./tunnel.ts";
import type { TunnelDialler } from "./tunnel_dialler.ts";

/** Connections of the API inside the tunnel that wait for the next request. */
const IDLE_CONNECTIONS_MAX = 4;
const HOST = "kubernetes.default.svc";

/**
 * Requests to the API inside the tunnel, as the node whose certificate has opened it; by `fallback` to a server that takes
 * no tunnels. Rejects at once while there is neither; waits for the first attempt.
 */
export function tunnelTransport(
  dialler: Pick<TunnelDialler, "tunnel" | "state" | "settled">,
  { userAgent, fallback }: { userAgent: string; fallback: Transport },
): Transport {
  const agents = new WeakMap<Tunnel, Agent>();
  return async (request) => {
    const tunnel = await dialler.settled(request.signal);
    request.signal.throwIfAborted();
    if (!tunnel && dialler.state === "unsupported") return await fallback(request);
    if (!tunnel) throw new LinkError("there is no connection now");
    let agent = agents.get(tunnel);
    if (!agent) {
      agent = openingAgent(() => duplexOf(tunnel.open({ kind: "api" })), IDLE_CONNECTIONS_MAX);
      agents.set(tunnel, agent);
      void tunnel.ended.then(() => agents.get(tunnel)?.destroy());
    }
    return await send(agent, request, userAgent);
  };
}

function send(
  agent: Agent,
  { method, path, body, contentType = "application/json", signal }: ApiRequest,
  userAgent: string,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const outgoing = request({
    ...{ agent, method, path, signal },
    headers: {
      "host": HOST,
      "accept": "application/json",
      "user-agent": userAgent,
      ...(body !== undefined && {
        "content-type": contentType,
        "content-length": `${new TextEncoder().encode(body).length}`,
      }),
    },
  });
  outgoing.on("error", reject);
  outgoing.on("response", (message) => resolve(responseOf(message)));
  outgoing.end(body);
  return promise;
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode = 500 } = message;
  const headers = Object.entries(message.headers).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as [string, string]] : []
  );
  const hasBody = statusCode !== 204 && statusCode !== 304;
  if (!hasBody) message.resume();
  const body = hasBody ? Readable.toWeb(message) as ReadableStream<Uint8Array<ArrayBuffer>> : null;
  return new Response(body, { status: statusCode, headers });
}
