import assert from "node:assert/strict";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { TrafficWeights } from "../../../resources/argoproj/mod.ts";
import { services } from "../../../resources/core/services/services.ts";
import { TestCluster } from "../../test_cluster.ts";
import { mayPoint } from "./shares.ts";
import type { ResolvedRollout } from "./situation.ts";

const OWN = { plugins: { "coracle.dev/service": {} } };

/** Whether a service may lead to a set with hash "new" and so many of four pods; the stable one leads to `stable`. */
function mayLead(
  {
    service = "canary",
    weights = [50, 50],
    verified = true,
    available = 2,
    stable = "old",
    trafficRouting = OWN,
  }: {
    service?: string;
    weights?: [canary: number, stable: number] | "none";
    verified?: boolean;
    available?: number;
    stable?: string;
    trafficRouting?: object;
  },
): boolean {
  const view = new TestCluster();
  for (const [name, hash] of [["canary", "old"], ["stable", stable]] as const) {
    view.put(services, {
      metadata: { name },
      spec: { selector: { "rollouts-pod-template-hash": hash } },
    });
  }
  const given: TrafficWeights | undefined = weights === "none" ? undefined : {
    canary: { weight: weights[0] },
    stable: { weight: weights[1] },
    verified,
  };
  const rollout = {
    metadata: { namespace: "default", name: "web" },
    spec: {
      replicas: 4,
      strategy: { canary: { canaryService: "canary", stableService: "stable", trafficRouting } },
    },
    status: { canary: given ? { weights: given } : {} },
  } as unknown as ResolvedRollout; // what the question is about
  const set = {
    metadata: { labels: { "rollouts-pod-template-hash": "new" } },
    status: { availableReplicas: available },
  } as unknown as ReplicaSet; // the same
  return mayPoint({ rollout, view }, service, set);
}

const CASES: [name: string, given: Parameters<typeof mayLead>[0], expected: boolean][] = [
  ["that carries its share", {}, true],
  ["that does not carry its share", { available: 1 }, false],
  ["when it gets nothing", { weights: [0, 100], available: 0 }, true],
  ["that carries what both get", { stable: "new", available: 4 }, true],
  ["that does not carry what both get", { stable: "new", available: 3 }, false],
  ["while it is not known which weight is in use", { verified: false, available: 4 }, false],
  ["before there are weights", { weights: "none", available: 0 }, true],
  ["of another router", { trafficRouting: { alb: {} }, available: 0 }, true],
  ["that no weight is of", { service: "other", available: 0 }, true],
];

for (const [name, given, expected] of CASES) {
  Deno.test(`A service ${expected ? "may" : "may not"} lead to a set ${name}`, () => {
    assert.equal(mayLead(given), expected);
  });
}
