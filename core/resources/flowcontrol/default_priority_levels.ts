import type { PriorityLevelSpec } from "./priority_level_spec.ts";

/** Whether the server keeps the spec of a default object as it is in this version. */
export const AUTOUPDATE_SPEC = "apf.kubernetes.io/autoupdate-spec";

export interface DefaultPriorityLevel {
  metadata: { name: string; annotations: Record<string, string> };
  spec: PriorityLevelSpec;
}

/** The levels of every cluster. Kubernetes: `pkg/apis/flowcontrol/bootstrap` of k8s.io/apiserver. */
export const DEFAULT_PRIORITY_LEVELS: readonly DefaultPriorityLevel[] = [
  level("exempt", { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
  level("catch-all", {
    type: "Limited",
    limited: {
      nominalConcurrencyShares: 5,
      limitResponse: { type: "Reject" },
      lendablePercent: 0,
    },
  }),
  queued("system", { shares: 30, lendable: 33, queues: 64, hand: 6 }),
  queued("node-high", { shares: 40, lendable: 25, queues: 64, hand: 6 }),
  queued("leader-election", { shares: 10, lendable: 0, queues: 16, hand: 4 }),
  queued("workload-high", { shares: 40, lendable: 50, queues: 128, hand: 6 }),
  queued("workload-low", { shares: 100, lendable: 90, queues: 128, hand: 6 }),
  queued("global-default", { shares: 20, lendable: 50, queues: 128, hand: 6 }),
];

function queued(
  name: string,
  { shares, lendable, queues, hand }: Record<"shares" | "lendable" | "queues" | "hand", number>,
): DefaultPriorityLevel {
  const queuing = { queues, handSize: hand, queueLengthLimit: 50 };
  return level(name, {
    type: "Limited",
    limited: {
      nominalConcurrencyShares: shares,
      limitResponse: { type: "Queue", queuing },
      lendablePercent: lendable,
    },
  });
}

function level(name: string, spec: PriorityLevelSpec): DefaultPriorityLevel {
  return { metadata: { name, annotations: { [AUTOUPDATE_SPEC]: "true" } }, spec };
}
