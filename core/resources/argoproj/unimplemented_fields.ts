import { isEqual } from "../../lib/equality.ts";
import { warnerOf } from "../unimplemented_fields.ts";

/** Routers that nothing here drives. Take one out when it is implemented. */
const ROUTERS = ["ambassador", "apisix", "appMesh", "istio", "smi", "traefik"];

/** Where metrics are not taken from. Take one out when it is implemented. */
const PROVIDERS = [
  "cloudWatch",
  "datadog",
  "graphite",
  "influxdb",
  "kayenta",
  "newRelic",
  "skywalking",
  "wavefront",
];

const routing = "strategy.canary.trafficRouting";
const ofRouters = warnerOf(
  Object.fromEntries(ROUTERS.map((router) => [`${routing}.${router}`, undefined])),
  "updates wait; nginx, alb and plugins route traffic",
);
const ofSteps = warnerOf(
  { "strategy.canary.steps[].plugin": undefined },
  "an update that comes to it is aborted",
);
const ofMetrics = warnerOf(
  Object.fromEntries(
    PROVIDERS.map((provider) => [`metrics[].provider.${provider}`, undefined]),
  ),
  "its measurements are errors; web, job, prometheus and plugin measure",
);

interface WithSpec {
  spec: unknown;
}

/** What of a Rollout nobody acts on. */
export function rolloutWarnings(next: WithSpec, previous: WithSpec | undefined): string[] {
  if (previous && isEqual(next.spec, previous.spec)) return [];
  return [...ofRouters(next.spec, "spec"), ...ofSteps(next.spec, "spec")];
}

/** What nobody measures. */
export function metricWarnings(next: WithSpec, previous: WithSpec | undefined): string[] {
  return previous && isEqual(next.spec, previous.spec) ? [] : ofMetrics(next.spec, "spec");
}
