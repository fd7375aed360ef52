import type { CanaryStrategy } from "../../../resources/argoproj/mod.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";
import { faultsOfSteps, hasPlugins } from "./step_rules.ts";

const FIELD = "spec.strategy";
const DEFAULT_SHARE = "25%";

export function* faultsOfCanary(canary: CanaryStrategy): Iterable<Cause> {
  const { maxSurge = DEFAULT_SHARE, maxUnavailable = DEFAULT_SHARE } = canary;
  if (numberIn(maxSurge) === 0 && numberIn(maxUnavailable) === 0) {
    const rule = "MaxSurge and MaxUnavailable both can not be zero";
    yield invalid(`${FIELD}.maxSurge`, maxSurge, rule);
  }
  const { canaryService, stableService } = canary;
  if (canaryService && canaryService === stableService) {
    yield invalid(
      `${FIELD}.stableService`,
      stableService,
      "This rollout uses the same service for the stable and canary services, but two different services are required.",
    );
  }
  yield* pingPongFaults(canary);
  if (needsServices(canary)) {
    const rule = "Canary service and Stable service must to be set to use Traffic Routing";
    if (!stableService) yield invalid(`${FIELD}.stableService`, "", rule);
    if (!canaryService) yield invalid(`${FIELD}.canaryService`, "", rule);
  }
  yield* delayFaults(canary);
  yield* faultsOfSteps(canary);
}

/** `25%`, `25` and 25 are 25; what is no number is 0. */
function numberIn(share: number | string): number {
  if (typeof share === "number") return share;
  return /^[+-]?[0-9]+%?$/.test(share) ? Number.parseInt(share) : 0;
}

function* pingPongFaults({ pingPong, trafficRouting }: CanaryStrategy): Iterable<Cause> {
  if (!pingPong) return;
  const { pingService, pongService } = pingPong;
  if (trafficRouting && !trafficRouting.alb && !trafficRouting.istio) {
    const rule = "Ping-pong feature works with the ALB and Istio traffic routers only";
    yield invalid(`${FIELD}.trafficRouting.alb`, "null", rule);
  }
  const rule = "Ping service and Pong service must to be set to use Ping-Pong feature";
  if (!pingService) yield invalid(`${FIELD}.pingPong.pingService`, pingService, rule);
  if (!pongService) yield invalid(`${FIELD}.pingPong.pongService`, pongService, rule);
  if (pingService === pongService) {
    yield invalid(
      `${FIELD}.pingPong.pingService`,
      pingService,
      "This rollout uses the same service for the ping and pong services, but two different services are required.",
    );
  }
  if (trafficRouting?.alb && !trafficRouting.alb.rootService) {
    yield invalid(
      `${FIELD}.trafficRouting.alb.rootService`,
      "",
      "Root service field is required for the configuration with ALB and ping-pong feature enabled",
    );
  }
}

/** Plugins say for themselves what they need. */
function needsServices({ trafficRouting, pingPong }: CanaryStrategy): boolean {
  if (!trafficRouting) return false;
  const { alb, istio, smi, apisix, ambassador, nginx, appMesh, traefik } = trafficRouting;
  return (alb !== undefined && !pingPong) ||
    (istio !== undefined && !istio.destinationRule && !pingPong) ||
    [smi, apisix, ambassador, nginx, appMesh, traefik].some(Boolean);
}

function* delayFaults(
  { scaleDownDelaySeconds, dynamicStableScale, trafficRouting }: CanaryStrategy,
): Iterable<Cause> {
  const isDelayed = scaleDownDelaySeconds !== undefined;
  const refuse = (field: string, value: unknown, rule: string) =>
    invalid(`${FIELD}.${field}`, value, rule);
  if (!trafficRouting) {
    if (isDelayed) {
      const rule = "Canary scaleDownDelaySeconds can only be used with traffic routing";
      yield refuse("scaleDownDelaySeconds", scaleDownDelaySeconds, rule);
    }
    if (dynamicStableScale) {
      const rule = "Canary dynamicStableScale can only be used with traffic routing";
      yield refuse("dynamicStableScale", true, rule);
    }
    return;
  }
  if (isDelayed && dynamicStableScale) {
    const rule = "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds";
    yield refuse("dynamicStableScale", true, rule);
  }
  const { maxTrafficWeight, nginx } = trafficRouting;
  if (maxTrafficWeight !== undefined && !nginx && !hasPlugins(trafficRouting)) {
    const rule = "Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins";
    yield refuse("trafficRouting.maxTrafficWeight", maxTrafficWeight, rule);
  }
}
