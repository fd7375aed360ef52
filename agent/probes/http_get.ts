import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { connected, type ConnectionLimits, LateError, writeAll } from "./connection.ts";
import { bracketed, portOf } from "./dialing.ts";
import { type HttpAnswer, readAnswer, requestBytes, requestHeaders } from "./http_message.ts";
import type { ProbeTarget } from "./probe_type.ts";

export type HttpGet = NonNullable<Probe["httpGet"]>;

/** Where an action leads. Throws for a port that the container does not name. */
export function urlOf(action: HttpGet, target: Pick<ProbeTarget, "podIP" | "ports">): URL {
  const host = bracketed(action.host || target.podIP);
  const port = portOf(action.port, target);
  const path = action.path.startsWith("/") ? action.path : `/${action.path}`;
  return new URL(`${action.scheme.toLowerCase()}://${host}:${port}${path}`);
}

/**
 * One GET request on a connection of its own, as the kubelet's. Over TLS whoever answers is believed. The beginning of
 * the body is read.
 */
export async function sendGet(
  url: URL,
  { httpHeaders = [] }: Pick<HttpGet, "httpHeaders">,
  agent: string,
  limits: ConnectionLimits,
): Promise<HttpAnswer> {
  const headers = requestHeaders(httpHeaders, { host: url.host, agent });
  if (url.protocol === "https:") return await sendOverTls(url, headers, limits);
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const to = { hostname, port: Number(url.port || 80) };
  return await connected(to, limits, async (connection) => {
    await writeAll(connection, requestBytes(`${url.pathname}${url.search}`, headers));
    return await readAnswer((buffer) => connection.read(buffer));
  });
}

async function sendOverTls(
  url: URL,
  headers: readonly [string, string][],
  { clock, timeoutMs, signal }: ConnectionLimits,
): Promise<HttpAnswer> {
  const { request } = await import("node:https");
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const options = { agent: false, signal, rejectUnauthorized: false };
  const question = request(url, { ...options, headers: groupedHeaders(headers) });
  const late = () => question.destroy(new LateError());
  const cancel = timeoutMs === Infinity ? () => {} : clock.after(timeoutMs, late);
  question.on("response", (response) => {
    const { statusCode = 0, headers: { location } } = response;
    const chunks: Uint8Array[] = [];
    const done = () => resolve({ status: statusCode, location, body: beginningOf(chunks) });
    response.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      if (chunks.reduce((sum, { length }) => sum + length, 0) < BODY_BYTES_MAX) return;
      done();
      response.destroy();
    });
    response.on("end", done);
    response.on("error", reject);
  });
  question.on("error", reject);
  question.end();
  return await promise.finally(cancel);
}

/** What is read of the body of an answer, as by the kubelet. */
const BODY_BYTES_MAX = 10 * 1024;

function beginningOf(chunks: readonly Uint8Array<ArrayBuffer>[] | readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
  return text.slice(0, BODY_BYTES_MAX);
}

function groupedHeaders(headers: readonly [string, string][]): Record<string, string | string[]> {
  return Object.fromEntries(
    [...Map.groupBy(headers, ([name]) => name)]
      .map(([name, all]) => [name, all.length === 1 ? all[0]![1] : all.map(([, value]) => value)]),
  );
}
