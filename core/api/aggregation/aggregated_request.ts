import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { LocalClient } from "../../objects/local_client.ts";
import type { ApiService } from "../../resources/apiregistration/api_services.ts";
import type { ApiContext } from "../http/api_context.ts";
import { askBackend } from "../../client/http_exchange.ts";
import { type Headers, requestHeaders } from "../streams/proxy/proxy_headers.ts";
import { bodyOf, passOn } from "../streams/proxy.ts";
import { serviceTarget } from "../streams/proxy_targets.ts";
import type { StreamParts } from "../streams/stream.ts";
import type { Objects } from "../../objects/objects.ts";
import type { FrontProxy } from "../access/pki.ts";
import { remoteHeaders } from "./remote_headers.ts";

export interface AggregationParts extends Omit<StreamParts, "feeds"> {
  objects: Objects;
  frontProxy(): Promise<FrontProxy>;
}

/** A client that waits longer for the head of an answer has been forgotten. */
const HANDSHAKE_MS_MAX = 10_000;

/**
 * Passes a request on to the Service that serves its group, in the name of who asks; the answer comes back as it is. Only
 * pods of the Service are asked. What cannot be reached is 503, in the words of kube-aggregator.
 */
export async function answerAggregated(
  c: ApiContext,
  claim: ApiService,
  parts: AggregationParts,
): Promise<Response> {
  const end = parts.open.open(c.get("isCurrent"));
  const close = () => parts.open.close(end);
  try {
    const connection = await connected(claim, parts);
    end.signal.addEventListener("abort", () => connection.destroy(), { once: true });
    connection.once("close", close);
    const url = new URL(c.req.url);
    const incoming = c.env?.incoming;
    const sent = incoming?.headers ?? Object.fromEntries(c.req.raw.headers);
    const from = incoming?.socket.remoteAddress;
    const headers = requestHeaders(sent, { from, uri: url.pathname });
    const { message } = await askBackend({
      connection,
      method: c.req.method,
      path: url.pathname + url.search,
      headers: { ...headers, host: hostOf(claim), ...remoteHeaders(c.get("user")) },
      ...bodyOf(c),
    });
    return passOn(message.statusCode ?? 502, message.headers as Headers, message, c.env?.outgoing);
  } catch {
    close();
    return new Response("service unavailable\n", { status: 503 });
  }
}

/** A connection to a pod of the Service that has shown the certificate which the APIService asks for. */
export async function connected(
  { spec: { service, caBundle, insecureSkipTLSVerify } }: ApiService,
  { objects, nodeStreams, random, frontProxy }: AggregationParts,
): Promise<Duplex> {
  const { namespace = "", name = "", port } = service!; // it is a claim
  const view = new LocalClient(objects);
  const target = serviceTarget({ namespace, id: `https:${name}:${port}` }, {
    view,
    nodeStreams,
    random,
  });
  const { client } = await frontProxy();
  const socket = await target.connect();
  const connection = tlsConnect({
    socket,
    servername: `${name}.${namespace}.svc`,
    cert: client.certificate,
    key: client.key,
    rejectUnauthorized: !insecureSkipTLSVerify,
    ...(caBundle && { ca: atob(caBundle) }),
  });
  return await new Promise((resolve, reject) => {
    const late = AbortSignal.timeout(HANDSHAKE_MS_MAX);
    const giveUp = () => connection.destroy(new Error("no handshake"));
    late.addEventListener("abort", giveUp, { once: true });
    connection.once("error", reject);
    connection.once("secureConnect", () => {
      late.removeEventListener("abort", giveUp);
      resolve(connection);
    });
  });
}

function hostOf({ spec: { service } }: ApiService): string {
  return `${service!.name}.${service!.namespace}.svc`;
}
