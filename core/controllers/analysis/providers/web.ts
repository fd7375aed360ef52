import { JsonPathError } from "../../../lib/json/json_path.ts";
import { JsonPathTemplate } from "../../../lib/json/json_path_template.ts";
import { JsonError, parseJson, Utf8Error } from "../../../lib/json/json_text.ts";
import { sortedJson } from "../../../lib/json/sorted_json.ts";
import type { Value } from "../../../lib/expressions/values/values.ts";
import type { WebMetric } from "../../../resources/argoproj/mod.ts";
import type { Answer, Ask } from "../measuring.ts";
import { assess } from "./conditions.ts";
import type { OutgoingHeaders } from "../requests/redirects.ts";
import { oauthHeaders } from "./oauth.ts";
import { failed, type Provider, type ProviderParts } from "./provider.ts";

const TIMEOUT_SECONDS = 10;
/** No answer is waited for longer, whatever the metric says. */
const TIMEOUT_SECONDS_MAX = 600;
const JSON_LIMITS = { depthMax: 100, valuesMax: 200_000 };

/** Asks a web server, and looks at the JSON that it answers. https://argoproj.github.io/argo-rollouts/analysis/web/ */
export const web: Provider = {
  type: "web",
  async measure(ask, parts, signal) {
    const metric = ask.metric.provider.web!;
    const method = metric.method || "GET";
    const fault = faultOf(metric, method);
    if (fault !== undefined) return failed(fault);
    const template = new JsonPathTemplate(metric.jsonPath || "{$}");
    const isInsecure = metric.insecure ?? false;
    const timeoutMs = timeoutMsOf(metric);
    const { jsonBody, authentication } = metric;
    const body = metric.body || (jsonBody === undefined ? undefined : sortedJson(jsonBody));
    const tokens = await oauthHeaders(authentication, { isInsecure, timeoutMs, parts }, signal);
    const headers = [...headersOf(metric), ...tokens];
    const url = new URL(metric.url);
    const request = { method, url, headers, timeoutMs, isInsecure, ...(body && { body }) };
    const answer = await parts.send(request, signal);
    if (answer.status < 200 || answer.status > 299) {
      return failed(`received non 2xx response code: ${answer.status}`);
    }
    return judged(ask, answer.body, template, parts);
  },
};

function faultOf({ url, body, jsonBody }: WebMetric, method: string): string | undefined {
  if (body && jsonBody !== undefined) {
    return "use either Body or JSONBody; both cannot exists for WebMetric payload";
  }
  if ((body || jsonBody !== undefined) && method === "GET") {
    return "Body/JSONBody can only be used with POST or PUT WebMetric Method types";
  }
  if (!["GET", "POST", "PUT"].includes(method)) return `method "${method}" is not supported`;
  if (!URL.canParse(url)) return `${method} "${url}": unsupported protocol scheme ""`;
  return undefined;
}

export function timeoutMsOf({ timeoutSeconds = 0 }: { timeoutSeconds?: number }): number {
  const seconds = timeoutSeconds > 0 ? timeoutSeconds : TIMEOUT_SECONDS;
  return Math.min(seconds, TIMEOUT_SECONDS_MAX) * 1000;
}

/** The type of JSON wins over a header of the metric. */
function headersOf({ headers = [], jsonBody }: WebMetric): OutgoingHeaders {
  const own = headers.map(({ key, value }) => [key, value] as const);
  return jsonBody === undefined ? own : [...own, ["Content-Type", "application/json"]];
}

/** What is no JSON is Successful, as Argo Rollouts has it: the conditions are for results. */
function judged(
  { metric }: Ask,
  body: Uint8Array,
  template: JsonPathTemplate,
  { nowMs }: ProviderParts,
): Answer {
  let result: Value;
  try {
    const json = parseJson(body, JSON_LIMITS);
    const found = template.first(json);
    if (found.length === 0) return failed("result of web metric produced no value");
    result = found[0] as Value; // JSON has no other values
  } catch (error) {
    if (error instanceof JsonPathError) {
      return failed(`Could not find JSONPath in body: ${error.message}`);
    }
    if (!(error instanceof JsonError || error instanceof Utf8Error)) throw error;
    return { phase: "Successful", value: new TextDecoder().decode(body) };
  }
  const assessed = assess(result, metric, nowMs);
  return assessed.phase === "Error" ? assessed : { ...assessed, value: sortedJson(result) };
}
