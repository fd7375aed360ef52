import type { View } from "../../../client/client.ts";
import { ExpressionError } from "../../../lib/expressions/expression.ts";
import { goDuration } from "../../../lib/expressions/functions/times.ts";
import { isJsonObject, type JsonObject } from "../../../lib/json/json_value.ts";
import {
  analysisRuns,
  experiments,
  type Rollout,
  rollouts,
} from "../../../resources/argoproj/mod.ts";
import { httpRoutes } from "../../../resources/gateway/http_routes.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { SET_LABEL } from "../../../traffic/rollout_sets.ts";
import type { AskingRun } from "../measuring.ts";

/** What a metric wants to know of the requests to a set. */
export interface TrafficQuestion {
  /** Hash of the set, and of the other one; absent where there is no other. */
  hash: string;
  baseline?: string;
  services?: ReadonlySet<string>;
  windowMs: number;
  minRequests: number;
}

const WINDOW = "60s";
const WINDOW_MS_MIN = 1_000;
const WINDOW_MS_MAX = 3_600_000;
const MIN_REQUESTS = 100;
const FIELDS: readonly string[] = [
  ...["service", "httpRoute", "rule", "set", "hash", "window", "minRequests"],
];

/** Reads the configuration of the plugin. Throws an error that says what is wrong with it. */
export function trafficQuestion(
  config: unknown,
  run: AskingRun,
  view: View,
): TrafficQuestion {
  if (!isJsonObject(config)) throw new TypeError("must be an object");
  const unknown = Object.keys(config).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    throw new TypeError(`unknown field "${unknown}"; known are ${FIELDS.join(", ")}`);
  }
  const services = servicesIn(config, run.namespace, view);
  return {
    ...setsOf(config, run, view),
    ...(services && { services }),
    windowMs: windowMsIn(config["window"] ?? WINDOW),
    minRequests: countIn(config["minRequests"] ?? MIN_REQUESTS),
  };
}

function windowMsIn(value: unknown): number {
  try {
    const ms = Number(goDuration(String(value))) / 1e6;
    if (ms >= WINDOW_MS_MIN && ms <= WINDOW_MS_MAX) return ms;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
  }
  throw new TypeError(`window must be a duration from 1s to 1h, such as 60s; it is "${value}"`);
}

/** At least one: silence is no success. */
function countIn(value: unknown): number {
  const count = Number(value);
  if (/^\d+$/.test(String(value)) && count >= 1 && count <= 1e9) return count;
  throw new TypeError(`minRequests must be a whole number from 1 on; it is "${value}"`);
}

/** The services of a route are those that its rules, or one of them, send requests to. */
function servicesIn(
  { service, httpRoute, rule }: JsonObject,
  namespace: string,
  view: View,
): ReadonlySet<string> | undefined {
  if (service !== undefined && httpRoute !== undefined) {
    throw new TypeError("service and httpRoute cannot both be set");
  }
  if (service !== undefined) return new Set([String(service)]);
  if (httpRoute === undefined) return undefined;
  const route = view.get(httpRoutes, { namespace, name: String(httpRoute) });
  if (!route) throw new TypeError(`httpRoute "${httpRoute}" is not there`);
  const rules = (route.spec.rules ?? []).filter(({ name }, index) =>
    rule === undefined || name === rule || String(index) === String(rule)
  );
  if (rules.length === 0) throw new TypeError(`httpRoute "${httpRoute}" has no rule "${rule}"`);
  return new Set(rules.flatMap(({ backendRefs = [] }) => backendRefs.map(({ name }) => name)));
}

/**
 * `canary` is the set that the run is about, `stable` the one that it would replace; each is the other's baseline. `hash`
 * names another one, such as that of an Experiment: its baseline is the stable set.
 */
function setsOf(
  { set = "canary", hash: named }: JsonObject,
  { namespace, name, labels }: AskingRun,
  view: View,
): Pick<TrafficQuestion, "hash" | "baseline"> {
  if (set !== "canary" && set !== "stable") {
    throw new TypeError(`set must be "canary" or "stable"; it is "${set}"`);
  }
  const rollout = rolloutOf(namespace, name, view);
  const canary = labels[SET_LABEL] ?? rollout?.status?.currentPodHash;
  const stable = rollout?.status?.stableRS;
  const ofSet = set === "canary" ? [canary, stable] : [stable, canary];
  const [hash, other] = named === undefined ? ofSet : [String(named), stable];
  if (!hash) throw new TypeError(`analysis run "${name}" belongs to no rollout with a ${set} set`);
  return { hash, ...(other && other !== hash && { baseline: other }) };
}

/** The rollout that a run was made for, directly or by an experiment. */
function rolloutOf(namespace: string, name: string, view: View): Rollout | undefined {
  const run = view.get(analysisRuns, { namespace, name });
  const experiment = run && ownerOf(run, "Experiment");
  const maker = experiment === undefined
    ? run
    : view.get(experiments, { namespace, name: experiment });
  const rollout = maker && ownerOf(maker, "Rollout");
  return rollout === undefined ? undefined : view.get(rollouts, { namespace, name: rollout });
}

function ownerOf({ metadata }: KubeObject, kind: string): string | undefined {
  return metadata.ownerReferences?.find((owner) => owner.kind === kind)?.name;
}
