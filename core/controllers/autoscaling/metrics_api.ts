import { messageOf } from "../../lib/error_message.ts";
import { msOf } from "../../lib/timestamp.ts";
import { isJsonObject, type JsonObject, objectIn } from "../../lib/json/json_value.ts";
import { DurationError, durationMsOf } from "../../schema/durations.ts";
import { milliValueOf, QuantityError } from "../../schema/quantities.ts";

/** Asks the API of this server: `GET path`. Rejects when it does not answer in time. */
export type AskApi = (
  path: string,
  signal: AbortSignal,
) => Promise<{ code: number; body: unknown }>;

/** Why a measurement is not known; the message is Kubernetes'. */
export class MetricError extends Error {
  override name = "MetricError";
}

/** A measurement of one pod, in thousandths. */
export interface PodMetric {
  value: number;
  timestampMs: number;
  /** The time over which it was measured. */
  windowMs: number;
}

/** By the pod's name. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** Kubernetes: `metricServerDefaultMetricWindow`. */
const WINDOW_MS = 60_000;

/** Where a list of measurements is, and what it is called in errors. */
interface Source {
  path: string;
  query: Readonly<Record<string, string | undefined>>;
  api: "resource" | "custom" | "external";
  /** As client-go names what was asked for: `pods.metrics.k8s.io`. */
  what: string;
}

/** The items of a list. Throws {@linkcode MetricError} when it cannot be got, or has none. */
export async function metricItems(
  ask: AskApi,
  { path, query, api, what }: Source,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const { code, body } = await ask(`${path}${queryText(query)}`, signal).catch((error) => {
    throw new MetricError(`unable to fetch metrics from ${api} metrics API: ${messageOf(error)}`);
  });
  if (code !== 200) {
    const why = refusal(code, body, what);
    throw new MetricError(`unable to fetch metrics from ${api} metrics API: ${why}`);
  }
  const items = isJsonObject(body) ? body["items"] : undefined;
  const list = Array.isArray(items) ? items.filter(isJsonObject) : [];
  if (list.length > 0) return list;
  throw new MetricError(`no metrics returned from ${api} metrics API`);
}

function queryText(query: Source["query"]): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") params.set(name, value);
  }
  return params.size === 0 ? "" : `?${params}`;
}

/** In the words of client-go, which does not show what a server says that it does not know. */
function refusal(code: number, body: unknown, what: string): string {
  if (code === 404) return `the server could not find the requested resource (get ${what})`;
  if (code === 503) {
    return `the server is currently unable to handle the request (get ${what})`;
  }
  const message = isJsonObject(body) ? body["message"] : undefined;
  return typeof message === "string" ? message : `the server answered ${code} (get ${what})`;
}

/** What each pod uses, or one of its containers. Pods of which a part is not known are missing. */
export function usageOfPods(
  items: readonly JsonObject[],
  resource: string,
  container: string | undefined,
): PodMetrics {
  return new Map(items.flatMap((item): [string, PodMetric][] => {
    const { containers } = item;
    const listed = Array.isArray(containers) ? containers.filter(isJsonObject) : [];
    const meant = container === undefined
      ? listed
      : listed.filter(({ name }) => name === container).slice(0, 1);
    const values = meant.map((each) => millisIn(objectIn(each, "usage")[resource]));
    if (values.length === 0 || values.includes(undefined)) return [];
    const value = values.reduce<number>((sum, each) => sum + each!, 0);
    const windowMs = windowOf(item["window"]);
    return [[nameIn(item, "metadata"), { value, timestampMs: timeIn(item), windowMs }]];
  }));
}

/** Measurements that describe pods. */
export function valuesOfPods(items: readonly JsonObject[]): PodMetrics {
  return new Map(items.flatMap((item): [string, PodMetric][] => {
    const value = millisIn(item["value"]);
    if (value === undefined) return [];
    const { windowSeconds } = item;
    const windowMs = typeof windowSeconds === "number" ? windowSeconds * 1_000 : WINDOW_MS;
    return [[nameIn(item, "describedObject"), { value, timestampMs: timeIn(item), windowMs }]];
  }));
}

/** The sum of the values, in thousandths. */
export function sumOfValues(items: readonly JsonObject[]): number {
  return items.reduce((sum, item) => sum + (millisIn(item["value"]) ?? 0), 0);
}

function nameIn(item: JsonObject, field: string): string {
  return String(objectIn(item, field)["name"] ?? "");
}

function timeIn({ timestamp }: JsonObject): number {
  return typeof timestamp === "string" ? msOf(timestamp) : 0;
}

function windowOf(text: unknown): number {
  try {
    return typeof text === "string" ? durationMsOf(text) : WINDOW_MS;
  } catch (error) {
    if (error instanceof DurationError) return WINDOW_MS;
    throw error;
  }
}

/** What an API of somebody else sends need not be an amount. */
function millisIn(amount: unknown): number | undefined {
  try {
    if (typeof amount === "number") return milliValueOf(String(amount));
    return typeof amount === "string" ? milliValueOf(amount) : undefined;
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}
