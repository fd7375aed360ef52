import type { WeightDestination } from "../../../../../resources/argoproj/mod.ts";
import { RoutingError } from "../../port/traffic_writer.ts";

/** What routes of all kinds have of a backend. */
export interface BackendReference {
  group: string;
  kind: string;
  name: string;
  namespace?: string;
  port?: number;
  weight: number;
}

/** What rules of all kinds of routes have. */
export interface RouteRule {
  name?: string;
  backendRefs?: BackendReference[];
}

export interface RuleWeights {
  /** Of the route; what its references mean when they name none. */
  readonly routeNamespace: string;
  /** Of the services. */
  readonly namespace: string;
  readonly services: { readonly stable: string; readonly canary: string };
  readonly max: number;
  readonly weight: number;
  readonly extra: readonly WeightDestination[];
  /** Services of experiments that the rollout added before. */
  readonly formerExtra: readonly string[];
  /** Port of a Service that is added. */
  portOf(service: string): number | undefined;
  /** Whether a rule is one that sends to the canary alone, made by a step. */
  isHeaderRule(rule: RouteRule): boolean;
}

/**
 * The rules with the weights of the two services, and with the services of experiments in the rules that share traffic
 * between the two; all other backends stay as they are. Throws {@linkcode RoutingError} when one of the services is
 * nowhere.
 */
export function withWeights<R extends RouteRule>(
  rules: readonly R[],
  weights: RuleWeights,
  kind: "httpRoute" | "grpcRoute",
): R[] {
  const own = rules.filter((rule) => !weights.isHeaderRule(rule));
  for (const service of [weights.services.canary, weights.services.stable]) {
    if (
      own.some(({ backendRefs = [] }) =>
        backendRefs.some((each) => refersTo(each, service, weights))
      )
    ) continue;
    throw new RoutingError(`backendRef was not found in ${kind}`);
  }
  return rules.map((rule) => weights.isHeaderRule(rule) ? rule : withRuleWeights(rule, weights));
}

function withRuleWeights<R extends RouteRule>(rule: R, weights: RuleWeights): R {
  const { backendRefs = [] } = rule;
  const { services, max, weight, extra } = weights;
  const has = (service: string) => backendRefs.some((each) => refersTo(each, service, weights));
  if (!has(services.stable) && !has(services.canary)) return rule;
  const isShared = has(services.stable) && has(services.canary);
  const added = isShared ? extra : [];
  const rest = added.reduce((left, each) => left - each.weight, max - weight);
  const shares = new Map([
    [services.canary, weight],
    [services.stable, rest],
    ...added.map((each) => [each.serviceName ?? "", each.weight] as const),
  ]);
  const former = backendRefs.filter((each) => !isLeftOver(each, shares, weights));
  const known = former.map((each) => withShare(each, shares, weights));
  const missing = added.filter(({ serviceName = "" }) => !has(serviceName))
    .map((each) => newReference(each, weights));
  return { ...rule, backendRefs: [...known, ...missing] };
}

/** Whether a backend means a Service of the rollout's namespace. */
export function refersTo(
  { group, kind, name, namespace }: BackendReference,
  service: string,
  { routeNamespace, namespace: own }: Pick<RuleWeights, "routeNamespace" | "namespace">,
): boolean {
  return group === "" && kind === "Service" && name === service &&
    (namespace ?? routeNamespace) === own;
}

/** Whether the backend is that of an experiment that has no share any more. */
function isLeftOver(
  reference: BackendReference,
  shares: ReadonlyMap<string, number>,
  weights: RuleWeights,
): boolean {
  const { name } = reference;
  return weights.formerExtra.includes(name) && !shares.has(name) &&
    refersTo(reference, name, weights);
}

function withShare(
  reference: BackendReference,
  shares: ReadonlyMap<string, number>,
  weights: RuleWeights,
): BackendReference {
  const weight = shares.get(reference.name);
  if (weight === undefined || !refersTo(reference, reference.name, weights)) return reference;
  return { ...reference, weight };
}

function newReference(
  { serviceName: name = "", weight }: WeightDestination,
  { portOf, namespace, routeNamespace }: RuleWeights,
): BackendReference {
  const port = portOf(name);
  return {
    group: "",
    kind: "Service",
    name,
    ...(namespace !== routeNamespace && { namespace }),
    ...(port !== undefined && { port }),
    weight,
  };
}
