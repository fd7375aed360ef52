import { dialErrorText } from "./dialing.ts";
import { type HttpGet, sendGet, urlOf } from "./http_get.ts";
import type { HttpAnswer } from "./http_message.ts";
import {
  connectionLimitsOf,
  type ProbeLimits,
  type ProbeOutcome,
  type ProbeTarget,
  type ProbeType,
} from "./probe_type.ts";

/** As the kubelet: further redirects are a failure. */
const REDIRECTS_MAX = 10;
const USER_AGENT = "kube-probe/1.34";

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
  const first = urlOf(action, target);
  const connectionLimits = connectionLimitsOf(limits, target);
  let url = first;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    let answer: HttpAnswer;
    try {
      answer = await sendGet(url, action, USER_AGENT, connectionLimits());
    } catch (error) {
      const output = `Get "${url.href}": ${dialErrorText(error as Error, url)}`;
      return { result: "failure", output };
    }
    const { status, location, body } = answer;
    if (status < 200 || status >= 400) {
      return { result: "failure", output: `HTTP probe failed with statuscode: ${status}` };
    }
    if (!isRedirect(status) || location === undefined) return verdictOf(status, body);
    const next = new URL(location, url);
    if (next.hostname !== first.hostname) return verdictOf(status, body);
    url = next;
  }
  const output = `Get "${url.href}": stopped after ${REDIRECTS_MAX} redirects`;
  return { result: "failure", output };
}

/** The statuses that Go's client follows. */
function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function verdictOf(status: number, body: string): ProbeOutcome {
  if (status < 300) return { result: "success", output: body };
  return { result: "warning", output: `Probe terminated redirects, Response body: ${body}` };
}
