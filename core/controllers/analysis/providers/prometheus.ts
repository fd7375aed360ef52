import { Expression, ExpressionError } from "../../../lib/expressions/expression.ts";
import { goDuration } from "../../../lib/expressions/functions/times.ts";
import { Instant } from "../../../lib/expressions/values/values.ts";
import { messageOf } from "../../../lib/error_message.ts";
import type { PrometheusMetric } from "../../../resources/argoproj/mod.ts";
import type { Answer, Ask } from "../measuring.ts";
import type { OutgoingAnswer } from "../requests/outgoing_requests.ts";
import type { OutgoingHeaders } from "../requests/redirects.ts";
import { signedHeaders } from "./aws_requests.ts";
import { assess } from "./conditions.ts";
import { oauthHeaders } from "./oauth.ts";
import { plainText, type PrometheusAnswer, readAnswer } from "./prometheus_answer.ts";
import { failed, type Provider, type ProviderParts } from "./provider.ts";

const TIMEOUT_SECONDS = 30;
/** No answer is waited for longer, whatever the metric says. */
const TIMEOUT_SECONDS_MAX = 600;
const ADDRESS_VARIABLE = "ARGO_ROLLOUTS_PROMETHEUS_ADDRESS";
/** Answers that mean: by GET, please. */
const ONLY_GET: readonly number[] = [405, 501];

/** Asks Prometheus. https://argoproj.github.io/argo-rollouts/analysis/prometheus/ */
export const prometheus: Provider = {
  type: "prometheus",
  async measure(ask, parts, signal) {
    const { query = "" } = ask.metric.provider.prometheus!;
    const metricMetadata = query === ""
      ? {}
      : { metricMetadata: { ResolvedPrometheusQuery: query } };
    try {
      return { ...await measured(ask, parts, signal), ...metricMetadata };
    } catch (error) {
      if (signal.aborted) throw error;
      return { ...failed(messageOf(error)), ...metricMetadata };
    }
  },
};

async function measured(
  { metric }: Ask,
  parts: ProviderParts,
  signal: AbortSignal,
): Promise<Answer> {
  const asked = metric.provider.prometheus!;
  const { timeout = TIMEOUT_SECONDS } = asked;
  const address = addressOf(asked, parts);
  if ("fault" in address) return failed(address.fault);
  if (timeout < 0) return failed("prometheus timeout should not be negative");
  const timeoutMs = Math.min(timeout, TIMEOUT_SECONDS_MAX) * 1000;
  const question = questionOf(asked, address.url, parts.nowMs);
  const answer = await answerTo(question, { asked, timeoutMs, parts }, signal);
  return judged(readAnswer(answer), metric, parts.nowMs);
}

function addressOf(
  { address }: PrometheusMetric,
  { environment }: ProviderParts,
): { url: URL } | { fault: string } {
  const written = address || environment(ADDRESS_VARIABLE);
  if (!written) return { fault: "prometheus address is not configured" };
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(written) || !URL.canParse(written)) {
    return { fault: "prometheus address is not is url format" };
  }
  return { url: new URL(written) };
}

interface Question {
  url: URL;
  form: URLSearchParams;
}

function questionOf(
  { query = "", rangeQuery }: PrometheusMetric,
  address: URL,
  nowMs: () => number,
): Question {
  const endpoint = (name: string) => {
    const url = new URL(address);
    url.pathname = `${address.pathname.replace(/\/+$/, "")}/api/v1/${name}`;
    return url;
  };
  if (!rangeQuery) {
    const time = plainText(nowMs() / 1000);
    return { url: endpoint("query"), form: new URLSearchParams({ query, time }) };
  }
  const start = plainText(secondsOf("start", rangeQuery.start, nowMs));
  const end = plainText(secondsOf("end", rangeQuery.end, nowMs));
  const step = plainText(stepSeconds(rangeQuery.step));
  return { url: endpoint("query_range"), form: new URLSearchParams({ query, start, end, step }) };
}

/** Seconds since 1970 of a time such as `now() - duration("1h")`. */
function secondsOf(field: "start" | "end", text = "", nowMs: () => number): number {
  try {
    const { value, type } = new Expression(text).evaluate({ values: new Map(), nowMs });
    if (value instanceof Instant) return Number(value.ns) / 1e9;
    throw new ExpressionError(`expected time.Time, but got ${type}`);
  } catch (error) {
    throw new Error(`failed to parse rangeQuery.${field} as time: ${messageOf(error)}`);
  }
}

function stepSeconds(text = ""): number {
  try {
    return Number(goDuration(text)) / 1e9;
  } catch (error) {
    throw new Error(`failed to parse rangeQuery.step as duration: ${messageOf(error)}`);
  }
}

interface Context {
  asked: PrometheusMetric;
  timeoutMs: number;
  parts: ProviderParts;
}

/** By POST; by GET from servers, or proxies before them, that only take that. */
async function answerTo(
  { url, form }: Question,
  { asked, timeoutMs, parts }: Context,
  signal: AbortSignal,
): Promise<OutgoingAnswer> {
  const isInsecure = asked.insecure ?? false;
  const tokens = await oauthHeaders(
    asked.authentication,
    { isInsecure, timeoutMs, parts },
    signal,
  );
  const own = (asked.headers ?? []).map(({ key, value }) => [key, value] as const);
  const send = async (method: string, target: URL, headers: OutgoingHeaders, body?: string) => {
    const request = { method, url: target, body: body ?? "" };
    const signed = await signedHeaders(asked, request, parts, signal);
    return await parts.send({
      ...{ method, url: target },
      headers: [...headers, ...own, ...tokens, ...signed],
      ...(body !== undefined && { body }),
      ...{ timeoutMs, isInsecure },
    }, signal);
  };
  const type = [["Content-Type", "application/x-www-form-urlencoded"]] as const;
  const answer = await send("POST", url, type, form.toString());
  if (!ONLY_GET.includes(answer.status)) return answer;
  const target = new URL(url);
  target.search = form.toString();
  return await send("GET", target, []);
}

function judged(
  { result, value, warnings }: PrometheusAnswer,
  conditions: Parameters<typeof assess>[1],
  nowMs: () => number,
): Answer {
  const assessed = assess(result, conditions, nowMs);
  if (assessed.phase === "Error") return assessed;
  const said = warnings.map((warning) => `"${warning}"`).join(", ");
  return { ...assessed, value, ...(said && { metadata: { warnings: said } }) };
}
