import { LONG_MEMORY, type Scenario, SHORT_MEMORY } from "./scenario.ts";

/**
 * What scenarios have found, or find when it is planted and few others do; each is the shortest that shows it. They are
 * data, so that they stay what they are when `scenario.ts` makes up others.
 */
export const KEPT: Readonly<Record<string, Scenario>> = {
  "pods of a machine whose clock is ahead are not available for as long as it is": {
    seed: 3,
    actions: [
      { atMs: 0, do: "slow runtime", machine: 1, forMs: 56309 },
      { atMs: 191, do: "deploy", name: "web", replicas: 1 },
      { atMs: 46036, do: "set image", name: "web", image: "app:3" },
      { atMs: 53296, do: "set clock", machine: 2, byMs: 2054924 },
    ],
    untilMs: 56309,
    watchLimits: LONG_MEMORY,
  },
  "server and agent quarrel over the readiness of pods on a node that was lost": {
    seed: 130,
    actions: [
      { atMs: 0, do: "slow runtime", machine: 2, forMs: 70000 },
      { atMs: 340, do: "deploy", name: "api", replicas: 1 },
      { atMs: 5000, do: "link down", machine: 1, forMs: 70000 },
      { atMs: 24001, do: "server down", forMs: 811 },
    ],
    untilMs: 70000,
    watchLimits: LONG_MEMORY,
  },
  "a pod is drained, gets requests again because all others have failed, and is stopped amid them":
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
      watchLimits: LONG_MEMORY,
    },
  "an agent whose watches have died without a word sees nothing, and its node comes and goes": {
    seed: 305,
    actions: [
      { atMs: 0, do: "slow runtime", machine: 0, forMs: 70000 },
      { atMs: 67, do: "deploy", name: "api", replicas: 2 },
      { atMs: 5000, do: "link down", machine: 2, forMs: 70000 },
      { atMs: 6045, do: "power loss", machine: 2, forMs: 3515 },
      { atMs: 6335, do: "delete pod", share: 0.2810481304768473, graceSeconds: undefined },
      { atMs: 6868, do: "run job", name: "job-0", image: "job" },
      { atMs: 21954, do: "scale", name: "api", replicas: 4 },
      { atMs: 54853, do: "cordon", machine: 1 },
    ],
    untilMs: 70000,
    watchLimits: SHORT_MEMORY,
  },
  "a pod is told to be gone by a deletion that fails, and is never deleted": {
    seed: 841,
    actions: [
      { atMs: 207, do: "deploy", name: "batch", replicas: 1 },
      { atMs: 295, do: "deploy", name: "web", replicas: 1 },
      { atMs: 345, do: "deploy", name: "api", replicas: 2 },
      { atMs: 1253, do: "deploy", name: "web", replicas: 1 },
      { atMs: 3145, do: "agent down", machine: 2, forMs: 7570 },
      { atMs: 3307, do: "set image", name: "web", image: "app:2" },
      { atMs: 5374, do: "bad link", machine: 0, forMs: 2846 },
      { atMs: 6703, do: "crash", machine: 0, share: 0.15319805569015443 },
      { atMs: 11596, do: "server down", forMs: 35 },
      { atMs: 11682, do: "run job", name: "job-0", image: "job" },
      { atMs: 13912, do: "lose container", machine: 0, share: 0.3994117765687406 },
    ],
    untilMs: 14096,
    watchLimits: LONG_MEMORY,
  },
  "a write that rests on an old version is taken, and a pod that was finished runs again": {
    seed: 242,
    actions: [
      { atMs: 35, do: "deploy", name: "batch", replicas: 1 },
      { atMs: 139, do: "deploy", name: "api", replicas: 1 },
      { atMs: 359, do: "deploy", name: "web", replicas: 2 },
      { atMs: 5000, do: "link down", machine: 0, forMs: 70000 },
      { atMs: 10904, do: "agent down", machine: 0, forMs: 11 },
    ],
    untilMs: 70000,
    watchLimits: LONG_MEMORY,
  },
  "a watcher that is too slow misses what it has no room for, and its copy stays old": {
    seed: 893,
    actions: [
      { atMs: 9, do: "deploy", name: "batch", replicas: 1 },
      { atMs: 189, do: "deploy", name: "api", replicas: 2 },
      { atMs: 425, do: "deploy", name: "shop", replicas: 1 },
      { atMs: 2834, do: "bad link", machine: 2, forMs: 6379 },
      { atMs: 9433, do: "delete pod", share: 0.40055201621726155, graceSeconds: undefined },
      { atMs: 20490, do: "bad link", machine: 1, forMs: 3724 },
      { atMs: 20595, do: "set image", name: "shop", image: "app:3" },
    ],
    untilMs: 34651,
    watchLimits: SHORT_MEMORY,
  },
  "a registration that came twice counts as refused, and a node is written without end": {
    seed: 1385,
    actions: [
      { atMs: 342, do: "deploy", name: "web", replicas: 2 },
      { atMs: 2587, do: "relabel pod", share: 0.2061092145740986 },
      { atMs: 13080, do: "server down", forMs: 3150 },
      { atMs: 22981, do: "server down", forMs: 33 },
    ],
    untilMs: 26020,
    watchLimits: SHORT_MEMORY,
  },
};
