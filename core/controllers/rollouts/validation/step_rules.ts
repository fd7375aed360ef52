import type {
  CanaryStep,
  CanaryStrategy,
  RolloutExperimentStep,
  StringMatch,
  TrafficRouting,
} from "../../../resources/argoproj/mod.ts";
import { type Cause, invalid, missing } from "../../../schema/causes.ts";
import { durationFault, durationMsOf } from "../../../schema/durations.ts";
import { qualifiedNameFaults } from "../../../schema/names.ts";

const ROUTING = "spec.strategy.trafficRouting";
const MAX_WEIGHT = 100;
const ONE_KIND =
  "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";

/** A step, where it is, and who splits the traffic. */
interface Place {
  step: CanaryStep;
  field: string;
  routing: TrafficRouting | undefined;
}

export function* faultsOfSteps({ steps = [], trafficRouting }: CanaryStrategy): Iterable<Cause> {
  for (const [i, step] of steps.entries()) {
    const place = { step, field: `spec.strategy.steps[${i}]`, routing: trafficRouting };
    yield* kindFaults(place);
    yield* numberFaults(place);
    yield* headerFaults(place);
    yield* mirrorFaults(place);
    yield* managedRouteFaults(place);
    yield* weightFaults(place);
    yield* argumentFaults(place);
  }
}

/** As Argo writes it, the words say of each kind of step whether it is there, or, where there is none, that it is not. */
function* kindFaults({ step, field }: Place): Iterable<Cause> {
  const { experiment, pause, setWeight, analysis, setCanaryScale, ...others } = step;
  const { setHeaderRoute, setMirrorRoute, plugin } = others;
  const exclusive = {
    "step.Experiment": experiment,
    "step.Pause": pause,
    "step.SetWeight": setWeight,
    "step.Analysis": analysis,
  };
  const all = {
    ...exclusive,
    "step.SetCanaryScale": setCanaryScale,
    "step.SetHeaderRoute": setHeaderRoute,
    "step.SetMirrorRoute": setMirrorRoute,
    "step.Plugin": plugin,
  };
  if (countSet(exclusive) > 1) yield invalid(field, textOf(exclusive, true), ONE_KIND);
  if (countSet(all) === 0) yield invalid(field, textOf(all, false), ONE_KIND);
}

function countSet(kinds: Record<string, unknown>): number {
  return Object.values(kinds).filter((each) => each !== undefined).length;
}

function textOf(kinds: Record<string, unknown>, isSet: boolean): string {
  return Object.entries(kinds).map(([name, value]) => `${name}: ${(value !== undefined) === isSet}`)
    .join(" ");
}

function* numberFaults({ step, field, routing }: Place): Iterable<Cause> {
  const { setWeight, pause, setCanaryScale } = step;
  const max = routing?.maxTrafficWeight ?? MAX_WEIGHT;
  if (setWeight !== undefined && (setWeight < 0 || setWeight > max)) {
    yield invalid(`${field}.setWeight`, setWeight, `SetWeight needs to be between 0 and ${max}`);
  }
  const seconds = secondsOf(pause?.duration);
  if (seconds < 0) {
    yield invalid(`${field}.pause.duration`, seconds, "Duration needs to be greater than 0");
  }
  if (setCanaryScale && !routing) {
    yield missing(ROUTING, "SetCanaryScale requires TrafficRouting to be set");
  }
}

/** -1 for what is no duration. */
function secondsOf(duration: number | string = 0): number {
  if (typeof duration === "number") return duration;
  if (/^[+-]?[0-9]+$/.test(duration)) return Number(duration);
  return durationFault(duration) === undefined ? Math.trunc(durationMsOf(duration) / 1000) : -1;
}

function* headerFaults({ step, field, routing }: Place): Iterable<Cause> {
  const { setHeaderRoute } = step;
  if (!setHeaderRoute) return;
  const at = `${field}.setHeaderRoute`;
  if (!routing || !(routing.istio || routing.alb || routing.apisix || hasPlugins(routing))) {
    const rule = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
    return yield invalid(at, setHeaderRoute, rule);
  }
  for (const [j, { headerValue }] of (setHeaderRoute.match ?? []).entries()) {
    const field = `${at}.match[${j}]`;
    yield* routing.alb ? exactFaults(headerValue, field) : matchFaults(headerValue, field);
  }
}

function exactFaults(match: StringMatch, field: string): Cause[] {
  if (match.exact && !match.regex && !match.prefix) return [];
  const rule = "SetHeaderRoute match value invalid. ALB supports 'exact' value only";
  return [invalid(field, match, rule)];
}

function matchFaults(match: StringMatch, field: string): Cause[] {
  const ways = [match.exact, match.regex, match.prefix].filter(Boolean).length;
  if (ways === 1) return [];
  const rule = ways === 0
    ? "StringMatch value missed, match value must have one of the following: exact, regex, prefix"
    : "StringMatch match value must have exactly one of the following: exact, regex, prefix";
  return [invalid(field, match, rule)];
}

/** Unlike Argo's, plugins mirror too: our own proxy does. */
function* mirrorFaults({ step, field, routing }: Place): Iterable<Cause> {
  const { setMirrorRoute } = step;
  if (!setMirrorRoute) return;
  const at = `${field}.setMirrorRoute`;
  if (!routing || !(routing.istio || hasPlugins(routing))) {
    const rule = "SetMirrorRoute requires TrafficRouting, supports Istio only";
    yield invalid(at, setMirrorRoute, rule);
  }
  for (const [j, { method, path }] of (setMirrorRoute.match ?? []).entries()) {
    for (const match of [method, path]) {
      if (match) yield* matchFaults(match, `${at}.match[${j}]`);
    }
  }
}

export function hasPlugins({ plugins = {} }: TrafficRouting): boolean {
  return Object.keys(plugins).length > 0;
}

function* managedRouteFaults({ step, field, routing }: Place): Iterable<Cause> {
  const { setHeaderRoute, setMirrorRoute } = step;
  if (!routing || !(setHeaderRoute || setMirrorRoute)) return;
  const { managedRoutes } = routing;
  if (!managedRoutes) {
    const rule = "Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'";
    return yield missing(`${ROUTING}.managedRoutes`, rule);
  }
  for (
    const [kind, name] of Object.entries({
      ...(setHeaderRoute && { setHeaderRoute: setHeaderRoute.name ?? "" }),
      ...(setMirrorRoute && { setMirrorRoute: setMirrorRoute.name }),
    })
  ) {
    if (managedRoutes.some((route) => route.name === name)) continue;
    const rule =
      "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes";
    yield invalid(`${field}.${kind}`, name, rule);
  }
}

function* weightFaults({ step, field, routing }: Place): Iterable<Cause> {
  for (const [j, { weight }] of templatesOf(step.experiment).entries()) {
    if (weight === undefined) continue;
    const at = `${field}.experiment.templates[${j}].weight`;
    if (!routing) {
      const rule = "Experiment template weight cannot be set unless TrafficRouting is enabled";
      yield invalid(at, weight, rule);
    } else if (!(routing.alb || routing.smi || routing.istio || hasPlugins(routing))) {
      const rule =
        "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time";
      yield invalid(at, weight, rule);
    }
  }
}

function templatesOf(experiment: RolloutExperimentStep | undefined) {
  return experiment?.templates ?? [];
}

function* argumentFaults({ step, field }: Place): Iterable<Cause> {
  const args = [
    ...(step.experiment?.analyses ?? []).flatMap(({ args = [] }) => args),
    ...step.analysis?.args ?? [],
  ];
  for (const { valueFrom } of args) {
    const path = valueFrom?.fieldRef?.fieldPath;
    if (path === undefined || !path.startsWith("metadata") || isMetadataPath(path)) continue;
    const rule = "Analyses arguments must refer to valid object metadata supported by downwardAPI";
    yield invalid(`${field}.analyses`, args, rule);
  }
}

const METADATA_PATHS: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

/** Kubernetes: `ExtractFieldPathAsString` in `pkg/fieldpath`. */
function isMetadataPath(path: string): boolean {
  const [, map, key] = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(path) ?? [];
  if (key === undefined) return METADATA_PATHS.includes(path);
  const name = map === "annotations" ? key.toLowerCase() : key;
  return qualifiedNameFaults(name).length === 0;
}
