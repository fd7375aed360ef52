import { messageOf } from "../../../lib/error_message.ts";
import { goNumber } from "../../../lib/expressions/values/go_numbers.ts";
import { parseJson } from "../../../lib/json/json_text.ts";
import { isJsonObject, type JsonObject } from "../../../lib/json/json_value.ts";
import type { OutgoingAnswer } from "../requests/outgoing_requests.ts";

/** What Prometheus found out. */
export interface PrometheusAnswer {
  /** A scalar, or the values of all samples of a vector or matrix. */
  result: number | Float64Array;
  /** The same as it is shown: `0.5`, `[0.1,2]`. */
  value: string;
  warnings: readonly string[];
}

const JSON_LIMITS = { depthMax: 20, valuesMax: 500_000 };
/** Codes with which Prometheus itself says what is wrong. */
const EXPLAINED: readonly number[] = [400, 422];

/** Throws an error in the words of github.com/prometheus/client_golang. https://prometheus.io/docs/prometheus/latest/querying/api/ */
export function readAnswer({ status, body }: OutgoingAnswer): PrometheusAnswer {
  const isFine = status >= 200 && status <= 299;
  if (!isFine && !EXPLAINED.includes(status)) throw new Error(codeText(status));
  const said = jsonOf(body);
  if (said["status"] === "error") throw new Error(`${said["errorType"]}: ${said["error"]}`);
  if (!isFine) throw new Error("bad_response: inconsistent body for response code");
  const { data } = said;
  const warnings = Array.isArray(said["warnings"]) ? said["warnings"].map(String) : [];
  if (!isJsonObject(data)) throw new Error("unexpected end of JSON input");
  return { ...resultIn(data), warnings };
}

function codeText(status: number): string {
  if (status >= 400 && status < 500) return `client_error: client error: ${status}`;
  return status >= 500 && status < 600
    ? `server_error: server error: ${status}`
    : `bad_response: bad response code ${status}`;
}

function jsonOf(body: Uint8Array): JsonObject {
  try {
    const said = parseJson(body, JSON_LIMITS);
    if (isJsonObject(said)) return said;
    throw new Error("the answer is no JSON object");
  } catch (error) {
    throw new Error(`bad_response: ${messageOf(error)}`);
  }
}

function resultIn({ resultType, result }: JsonObject): Omit<PrometheusAnswer, "warnings"> {
  if (resultType === "scalar") {
    const scalar = valueOf(result);
    return { result: scalar, value: plainText(scalar) };
  }
  if (resultType === "string") throw new Error("Prometheus metric type not supported");
  if (resultType !== "vector" && resultType !== "matrix") {
    throw new Error(`unexpected value type "${resultType}"`);
  }
  const samples = (Array.isArray(result) ? result : []).flatMap((sample) => {
    if (!isJsonObject(sample)) return [];
    if (resultType === "vector") return [valueOf(sample["value"])];
    const { values } = sample;
    return Array.isArray(values) ? values.map(valueOf) : [];
  });
  return { result: Float64Array.from(samples), value: `[${samples.map(plainText).join(",")}]` };
}

/** Of a pair of time and value, the value, which is a text. */
function valueOf(pair: unknown): number {
  const written = Array.isArray(pair) ? pair[1] : undefined;
  if (typeof written !== "string") throw new Error("sample value must be a quoted string");
  return goNumber(written);
}

/** A number without an exponent, whatever its size, as Go's `FormatFloat(v, 'f', -1, 64)`. */
export function plainText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [digits = "", exponent] = Math.abs(value).toExponential().split("e");
  const power = Number(exponent);
  const all = digits.replace(".", "");
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${all}`.replace(/\.?0+$/, "");
  const whole = all.slice(0, power + 1).padEnd(power + 1, "0");
  const fraction = all.slice(power + 1);
  return `${sign}${whole}${fraction && `.${fraction}`}`;
}
