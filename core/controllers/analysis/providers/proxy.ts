import { messageOf } from "../../../lib/error_message.ts";
import { sortedJson } from "../../../lib/json/sorted_json.ts";
import type { Value } from "../../../lib/expressions/values/values.ts";
import type { Answer, Ask } from "../measuring.ts";
import { assess } from "./conditions.ts";
import { failed, type Provider, type ProviderParts } from "./provider.ts";
import { countsOfSet, trafficBetween, type TrafficResult } from "./traffic_counts.ts";
import { type TrafficQuestion, trafficQuestion } from "./traffic_question.ts";
import type { TrafficSample } from "./traffic_samples.ts";

/** The plugin that the proxies of this cluster are. */
export const PROXY_PLUGIN = "coracle.dev/proxy";
/** How often a set is looked at that has not had enough requests yet. */
const LOOK_MS = 1_000;
/** So much of a window may be missing: measurements begin at whole seconds. */
const MISSING_MS_MAX = 1_000;

/**
 * What the proxies themselves have counted of the requests to a set in the last `window`: a measurement without another
 * system. It is finished when the set had its time and `minRequests` came to their end: silence is no success.
 */
export const proxy: Provider = {
  type: "plugin",
  async measure(ask, parts, signal) {
    const { plugin = {} } = ask.metric.provider;
    const names = Object.keys(plugin);
    if (names.length !== 1 || names[0] !== PROXY_PLUGIN) {
      return failed(`plugin "${names[0] ?? ""}" is not there; the only one is "${PROXY_PLUGIN}"`);
    }
    let question: TrafficQuestion;
    try {
      question = trafficQuestion(plugin[PROXY_PLUGIN], ask.run, parts.view);
    } catch (error) {
      return failed(`plugin "${PROXY_PLUGIN}": ${messageOf(error)}`);
    }
    const { counts } = parts;
    if (counts === undefined) return failed("this server has no proxy that counts requests");
    return await finishedOrFirst(ask, () => measured(ask, question, { ...parts, counts }), {
      parts,
      signal,
    });
  },
};

/** That a measurement waits is said once, by an answer; what follows waits here, so that nothing is written meanwhile. */
async function finishedOrFirst(
  { unfinished }: Ask,
  look: () => Promise<Answer>,
  { parts, signal }: { parts: ProviderParts; signal: AbortSignal },
): Promise<Answer> {
  for (;;) {
    const answer = await look();
    if (answer.phase !== "Running" || unfinished === undefined) return answer;
    await parts.sleep(Math.min(answer.resumeAfterMs ?? LOOK_MS, LOOK_MS), signal);
  }
}

async function measured(
  ask: Ask,
  question: TrafficQuestion,
  parts: ProviderParts & { counts: NonNullable<ProviderParts["counts"]> },
): Promise<Answer> {
  const { hash, baseline, services, windowMs, minRequests } = question;
  const all = await parts.counts(ask.run.namespace);
  const ofSet = (hash: string) => countsOfSet(all, { hash, ...(services && { services }) });
  const [own, other] = [ofSet(hash), ofSet(baseline ?? "")];
  const now = { atMs: parts.elapsedMs(), counts: own.counts, baseline: other.counts };
  const key = [ask.run.uid, ask.metric.name, hash, baseline].join(" ");
  const enoughMs = windowMs - Math.min(MISSING_MS_MAX, windowMs / 10);
  const start = parts.samples.startFor(key, now, enoughMs);
  const stale = [...new Set([...own.staleProxies, ...other.staleProxies])];
  const metadata = {
    set: hash,
    ...(baseline !== undefined && { baseline }),
    ...(stale.length > 0 && { proxiesLeftOut: stale.join(",") }),
  };
  const ageMs = start ? now.atMs - start.atMs : 0;
  const message = `waiting for ${minRequests} requests in ${windowMs / 1000} s`;
  const waiting: Answer = { phase: "Running", message, metadata };
  if (!start || ageMs < enoughMs) return { ...waiting, resumeAfterMs: windowMs - ageMs };
  const fresh = { ...now, counts: own.fresh, baseline: other.fresh };
  return judged(ask, question, { start, now: fresh, metadata, parts }) ??
    { ...waiting, resumeAfterMs: LOOK_MS };
}

interface Readings {
  start: TrafficSample;
  now: TrafficSample;
  metadata: Record<string, string>;
  parts: ProviderParts;
}

/** `undefined`: there were too few requests. */
function judged(
  { metric }: Ask,
  { minRequests }: TrafficQuestion,
  { start, now, metadata, parts }: Readings,
): Answer | undefined {
  const ms = now.atMs - start.atMs;
  const result = trafficBetween(start.counts, now.counts, ms);
  const baseline = baselineOf(start, now, minRequests);
  const { successCondition = "", failureCondition = "" } = metric;
  const isCompared = /\bbaseline\b/.test(`${successCondition} ${failureCondition}`);
  if (result.requests < minRequests) return undefined;
  if (isCompared && baseline.requests < minRequests) return undefined;
  const value = { ...result, baseline };
  const assessed = assess(value as unknown as Value, metric, parts.nowMs); // numbers, and one object of numbers
  const taken = { ...metadata, windowSeconds: String(ms / 1000) };
  return { ...assessed, value: sortedJson(value), metadata: taken };
}

/** In the same time; where that is too little, since the other set came to its services. */
function baselineOf(start: TrafficSample, now: TrafficSample, minRequests: number): TrafficResult {
  const ms = now.atMs - start.atMs;
  const recent = trafficBetween(start.baseline, now.baseline, ms);
  if (recent.requests >= minRequests) return recent;
  const all = trafficBetween(new Map(), now.baseline, 0);
  return { ...all, rate: recent.rate };
}
