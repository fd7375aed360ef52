import { testOnPodman } from "./podman_cluster.ts";
import { rolloutSteps } from "./rollout_scenarios.ts";

/** `ROLLOUTS=all` for programs that answer what they have, too, and a kill at each step. */
const isLong = Deno.env.get("ROLLOUTS") === "all";
const ENDINGS = isLong
  ? ["exits at once", "answers what it has"] as const
  : ["exits at once"] as const;

ENDINGS.forEach((ending, i) =>
  testOnPodman({
    name: `rollouts move traffic exactly and lose no request: the program ${ending}`,
    subnet: 124 + i,
    steps: rolloutSteps({ ending, perSecond: isLong ? 500 : 200, killsAtEachStep: isLong }),
  })
);
