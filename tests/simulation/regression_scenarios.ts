import { LONG_HISTORY, type Scenario, SHORT_HISTORY } from "./scenario.ts";

/**
 * Scenarios that found a bug, or that find a planted bug which few others do; each is the shortest that shows it. They
 * are data, so that they stay the same when `scenario.ts` generates others.
 */
export const REGRESSIONS: Readonly<Record<string, Scenario>> = {
  "pods of a machine whose clock is ahead are unavailable until the server's clock catches up": {
    seed: 3,
    actions: [
      { atMs: 0, do: "slow runtime", machine: 1, forMs: 56309 },
      { atMs: 191, do: "deploy", name: "web", replicas: 1 },
      { atMs: 46036, do: "set image", name: "web", image: "app:3" },
      { atMs: 53296, do: "set clock", machine: 2, byMs: 2054924 },
    ],
    untilMs: 56309,
    watchLimits: LONG_HISTORY,
  },
  "server and agent fight over the readiness of pods on a node that was lost": {
    seed: 130,
    actions: [
      { atMs: 0, do: "slow runtime", machine: 2, forMs: 70000 },
      { atMs: 340, do: "deploy", name: "api", replicas: 1 },
      { atMs: 5000, do: "link down", machine: 1, forMs: 70000 },
      { atMs: 24001, do: "server down", forMs: 811 },
    ],
    untilMs: 70000,
    watchLimits: LONG_HISTORY,
  },
  "a drained pod gets requests again because all others have failed, and is stopped while they run":
    {
      seed: 230,
      actions: [
        { atMs: 172, do: "deploy", name: "web", replicas: 1 },
        { atMs: 173, do: "deploy", name: "shop", replicas: 2 },
        { atMs: 221, do: "deploy", name: "api", replicas: 2 },
        { atMs: 2867, do: "delete deployment", name: "shop", policy: "Orphan" },
        { atMs: 3147, do: "delete pod", share: 0.613240850623697, graceSeconds: undefined },
        { atMs: 3994, do: "delete pod", share: 0.530393386958167, graceSeconds: 0 },
        { atMs: 4230, do: "crash", machine: 0, share: 0.03478255891241133 },
      ],
      untilMs: 17156,
      watchLimits: LONG_HISTORY,
    },
  "a write based on an old version is accepted, and a finished pod runs again": {
    seed: 242,
    actions: [
      { atMs: 35, do: "deploy", name: "batch", replicas: 1 },
      { atMs: 139, do: "deploy", name: "api", replicas: 1 },
      { atMs: 359, do: "deploy", name: "web", replicas: 2 },
      { atMs: 5000, do: "link down", machine: 0, forMs: 70000 },
      { atMs: 10904, do: "agent down", machine: 0, forMs: 11 },
    ],
    untilMs: 70000,
    watchLimits: LONG_HISTORY,
  },
  "a write based on an old version is accepted, and a pod of an old ReplicaSet runs again": {
    seed: 1041,
    actions: [
      { atMs: 306, do: "deploy", name: "web", replicas: 2 },
      { atMs: 458, do: "deploy", name: "api", replicas: 2 },
      { atMs: 5000, do: "link down", machine: 2, forMs: 70000 },
      { atMs: 19796, do: "set image", name: "web", image: "app:3" },
      { atMs: 65561, do: "agent down", machine: 2, forMs: 3297 },
    ],
    untilMs: 70000,
    watchLimits: SHORT_HISTORY,
  },
};
