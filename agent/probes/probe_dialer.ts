import { messageOf } from "../../core/lib/error_message.ts";
import type { ContainerPort } from "../../core/resources/core/pods/spec/containers.ts";
import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import type { ContainerRuntime } from "../runtimes/container_runtime.ts";
import type { ProbeOutcome } from "./probes.ts";
import type { Slots } from "../../core/lib/slots.ts";

/** As the kubelet: further redirects are a failure. */
const REDIRECTS_MAX = 10;
const USER_AGENT = "kube-probe/1.34";

/** Whom a probe asks. */
export interface ProbeTarget {
  podIP: string;
  containerId: string;
  ports: readonly ContainerPort[];
  runtime: Pick<ContainerRuntime, "exec">;
  /** Exec probes wait here for their turn: each costs as much as a container start. */
  execSlots: Slots;
}

type HttpGet = NonNullable<Probe["httpGet"]>;
type TcpSocket = NonNullable<Probe["tcpSocket"]>;

/**
 * Asks a container one question over the network or by a command, in the kubelet's way and words
 * (`pkg/probe`). Never rejects. What the agent cannot ask yet (`grpc`) is an error, so it decides nothing.
 */
export async function dialProbe(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  try {
    if (probe.exec) return await dialExec(probe, target, signal);
    const deadline = AbortSignal.timeout(probe.timeoutSeconds * 1_000);
    const either = AbortSignal.any([signal, deadline]);
    if (probe.httpGet) return await dialHttp(probe.httpGet, target, either);
    if (probe.tcpSocket) return await dialTcp(probe.tcpSocket, target, either);
    return { result: "error", output: "missing probe handler" };
  } catch (error) { // what is not an answer of the container: an unknown port name, a broken runtime
    return { result: "error", output: messageOf(error) };
  }
}

async function dialExec(
  { exec, timeoutSeconds }: Probe,
  { runtime, containerId, execSlots }: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const command = exec?.command ?? [];
  const deadlineMs = timeoutSeconds * 1_000;
  try {
    const { exitCode, output } = await execSlots.use(
      () => runtime.exec(containerId, command, deadlineMs),
      signal,
    );
    return { result: exitCode === 0 ? "success" : "failure", output };
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "TimeoutError") throw error;
    const words = command.join(" ");
    const output = `command timed out: "${words}" timed out after ${timeoutSeconds}s`;
    return { result: "failure", output };
  }
}

async function dialHttp(
  action: HttpGet,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const port = portOf(action.port, target);
  const host = bracketed(action.host || target.podIP);
  const path = action.path.startsWith("/") ? action.path : `/${action.path}`;
  const first = new URL(`${action.scheme.toLowerCase()}://${host}:${port}${path}`);
  let url = first;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await get(url, action, signal).catch((error: Error) => {
      return { failure: `Get "${url.href}": ${dialErrorText(error, url, signal)}` };
    });
    if ("failure" in answer) return { result: "failure", output: answer.failure };
    const { status, location } = answer;
    if (status < 200 || status >= 400) {
      return { result: "failure", output: `HTTP probe failed with statuscode: ${status}` };
    }
    if (status < 300 || location === undefined) return { result: "success", output: "" };
    const next = new URL(location, url);
    if (next.hostname !== first.hostname) {
      return { result: "warning", output: `Probe terminated redirects, Response body: ` };
    }
    url = next;
  }
  const output = `Get "${url.href}": stopped after ${REDIRECTS_MAX} redirects`;
  return { result: "failure", output };
}

/** One request on a connection of its own, as the kubelet's; the body is not read. */
async function get(
  url: URL,
  { httpHeaders = [] }: HttpGet,
  signal: AbortSignal,
): Promise<{ status: number; location: string | undefined }> {
  const isTls = url.protocol === "https:";
  const { request } = isTls ? await import("node:https") : await import("node:http");
  const headers: Record<string, string[]> = {};
  for (const { name, value } of httpHeaders) (headers[name.toLowerCase()] ??= []).push(value);
  headers["host"] = headers["host"]?.slice(0, 1) ?? [url.host];
  headers["user-agent"] ??= [USER_AGENT];
  headers["accept"] ??= ["*/*"];
  const single = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
  const { promise, resolve, reject } = Promise.withResolvers<
    { status: number; location: string | undefined }
  >();
  const options = { headers: { connection: "close", ...single }, agent: false, signal };
  const question = request(url, { ...options, ...(isTls && { rejectUnauthorized: false }) });
  question.on("response", (response) => {
    resolve({ status: response.statusCode ?? 0, location: response.headers.location });
    response.destroy();
  });
  question.on("error", reject);
  question.end();
  return await promise;
}

async function dialTcp(
  action: TcpSocket,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const port = portOf(action.port, target);
  const hostname = action.host || target.podIP;
  try {
    const connection = await Deno.connect({ hostname, port, signal });
    connection.close();
    return { result: "success", output: "" };
  } catch (error) {
    const url = new URL(`http://${bracketed(hostname)}:${port}`);
    return { result: "failure", output: dialErrorText(error as Error, url, signal, "i/o timeout") };
  }
}

/** The number of a port, by its name in the container when it is one. */
function portOf(port: number | string, { ports }: ProbeTarget): number {
  const number = typeof port === "number" ? port : Number(port);
  const known = Number.isInteger(number)
    ? number
    : ports.find(({ name }) => name === port)?.containerPort;
  if (known === undefined) throw new Error(`strconv.Atoi: parsing "${port}": invalid syntax`);
  if (known < 1 || known > 65_535) throw new Error(`invalid port number: ${known}`);
  return known;
}

const WORDS_OF_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
};

/** What Go's `net` says for the same failure. */
function dialErrorText(
  error: Error & { code?: string },
  { hostname, port, protocol }: URL,
  signal: AbortSignal,
  timeoutText = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
): string {
  const address = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  if (signal.aborted || error.name === "TimeoutError") {
    return timeoutText === "i/o timeout" ? `dial tcp ${address}: ${timeoutText}` : timeoutText;
  }
  const code = error.code ?? (error.name === "ConnectionRefused" ? "ECONNREFUSED" : "");
  const words = WORDS_OF_CODE[code];
  if (words !== undefined) return `dial tcp ${address}: ${words}`;
  if (code === "ECONNRESET") {
    return error.message === "socket hang up" ? "EOF" : "read: connection reset by peer";
  }
  return error.message;
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
