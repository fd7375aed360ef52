import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { bracketed, dialErrorText, portOf } from "./dialing.ts";
import {
  deadlineOf,
  type ProbeLimits,
  type ProbeOutcome,
  type ProbeTarget,
  type ProbeType,
} from "./probe_type.ts";

/** As the kubelet: further redirects are a failure. */
const REDIRECTS_MAX = 10;
const USER_AGENT = "kube-probe/1.34";

type HttpGet = NonNullable<Probe["httpGet"]>;

/** Sends a GET request: the container is well when the status is 200 to 399. */
export const httpProbe: ProbeType<HttpGet> = {
  field: "httpGet",
  earlyRepeatMs: 20,
  ask: askByHttp,
};

async function askByHttp(
  action: HttpGet,
  target: ProbeTarget,
  limits: ProbeLimits,
): Promise<ProbeOutcome> {
  const signal = deadlineOf(limits);
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
