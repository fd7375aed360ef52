import type { Mutant } from "./mutants.ts";

const ROUTED = [
  "core/controllers/rollouts/traffic/routed_property_test.ts",
  "core/controllers/rollouts/traffic/routed_canary_test.ts",
  "core/controllers/rollouts/traffic/tables_in_use_test.ts",
  "core/controllers/rollouts/situation/shares_test.ts",
];
const WEIGHTS = [
  "core/controllers/rollouts/traffic/capacity_test.ts",
  "core/controllers/rollouts/traffic/desired_weight_test.ts",
  ...ROUTED,
];
const GATEWAY = ["core/controllers/rollouts/traffic/writers/gateway/gateway_api_test.ts"];
const EXPERIMENTS = ["core/controllers/experiments/experiments_test.ts"];

/** Planted bugs in the traffic of canaries, and in experiments. */
export const TRAFFIC_MUTANTS: readonly Mutant[] = [
  {
    name: "overload: a canary gets a share for a pod that is not there",
    file: "core/controllers/rollouts/situation/shares.ts",
    search: "Math.floor(max * available / replicas)",
    replace: "Math.ceil(max * available / replicas)",
    tests: WEIGHTS,
  },
  {
    name: "overload: stable pods get all traffic back before they are there",
    file: "core/controllers/rollouts/traffic/capacity.ts",
    search: "Math.max(desired, least)",
    replace: "Math.max(desired, 0)",
    tests: WEIGHTS,
  },
  {
    name: "early: pods go as soon as a weight is written, before it is in use",
    file: "core/controllers/rollouts/traffic/traffic.ts",
    search: "if (inUse?.verified === false) return set.spec.replicas;",
    replace: "",
    tests: ROUTED,
  },
  {
    name: "early: pods are counted by the weight to come, not by that in use",
    file: "core/controllers/rollouts/traffic/traffic.ts",
    search: "...[inUse, coming].map(",
    replace: "...[coming].map(",
    tests: ROUTED,
  },
  {
    name: "cut off: pods go while requests are on their way to them",
    file: "core/controllers/rollouts/traffic/traffic.ts",
    search: '.every(({ by }) => by === "address")',
    replace: '.every(({ by }) => by !== "share")',
    tests: ROUTED,
  },
  {
    name:
      "half known: a weight counts as in use when one of two services is not yet where it leads",
    file: "core/controllers/rollouts/traffic/traffic.ts",
    search: "return areServed && !answers.includes(false);",
    replace: "return !answers.includes(false);",
    tests: ROUTED,
  },
  {
    name: "back and forth: a promoted rollout sends traffic to the old pods once more",
    file: "core/controllers/rollouts/traffic/weight_now.ts",
    search: "const weight = waits",
    replace: "const weight = waits && present < 0",
    tests: ROUTED,
  },
  {
    name: "stranger: the weight rises while the canary's service leads to another set",
    file: "core/controllers/rollouts/traffic/weight_now.ts",
    search: "desired: isOther",
    replace: "desired: isOther && present < 0",
    tests: ROUTED,
  },
  {
    name: "crowded service: a service leads to pods that cannot carry what it gets",
    file: "core/controllers/rollouts/situation/shares.ts",
    search: "return total <= shareOf(availableOf(set)",
    replace: "return total <= 1_000_000 + shareOf(availableOf(set)",
    tests: ROUTED,
  },
  {
    name: "abort: a canary keeps its weight",
    file: "core/controllers/rollouts/traffic/desired_weight.ts",
    search: "if (!dynamicStableScale) return 0;",
    replace: "if (!dynamicStableScale) return present ?? 0;",
    tests: WEIGHTS,
  },
  {
    name: "too much: an experiment gets its share twice",
    file: "core/controllers/rollouts/traffic/writers/gateway/route_backends.ts",
    search: "left - each.weight, max - weight",
    replace: "left, max - weight",
    tests: GATEWAY,
  },
  {
    name: "foreign: backends of the same name in another namespace get weights",
    file: "core/controllers/rollouts/traffic/writers/gateway/route_backends.ts",
    search: "(namespace ?? routeNamespace) === own",
    replace: "(namespace ?? own) === own",
    tests: GATEWAY,
  },
  {
    name: "trespass: routes of any namespace are written",
    file: "core/controllers/rollouts/traffic/writers/gateway/gateway_api.ts",
    search: "if (isGranted) return;",
    replace: "if (isGranted || !isGranted) return;",
    tests: GATEWAY,
  },
  {
    name: "loose header: the prefix of a header is a pattern",
    file: "core/controllers/rollouts/traffic/writers/gateway/managed_rules.ts",
    search: "`${literal(prefix)}.*`",
    replace: "`${prefix}.*`",
    tests: GATEWAY,
  },
  {
    name: "endless: an experiment never ends by its duration",
    file: "core/controllers/experiments/experiment_state.ts",
    search: "nowMs >= endMs",
    replace: "nowMs < endMs - endMs",
    tests: EXPERIMENTS,
  },
  {
    name: "hasty: pods of an experiment go at its end",
    file: "core/controllers/experiments/template_sets.ts",
    search: "const isKept = leftMs > 0 ||",
    replace: "const isKept =",
    tests: EXPERIMENTS,
  },
  {
    name: "thief: an experiment takes a Service that is not its own",
    file: "core/controllers/experiments/template_services.ts",
    search: "if (view.get(services, { namespace, name })) {",
    replace: "if (view.get(services, { namespace, name: `${name}-not` })) {",
    tests: EXPERIMENTS,
  },
  {
    name: "mixed up: an experiment's pods have the hash of the rollout's",
    file: "core/controllers/experiments/template_sets.ts",
    search: "templateHashOf(plain, collisionCount)",
    replace: "templateHashOf(template.template, collisionCount)",
    tests: EXPERIMENTS,
  },
];
