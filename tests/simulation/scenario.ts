import { Random } from "../../core/lib/random.ts";
import type { RingLimits } from "../../core/store/event_ring.ts";
import { edgeScenarioOf } from "./edge/edge_scenario.ts";
import type { RolloutCommand, RolloutName } from "./rollouts.ts";

/** Something that happens at a time; `share` in [0, 1) selects one of the objects that exist then. */
export type Action = { readonly atMs: number } & (UserAction | FaultAction);

export type UserAction =
  | { readonly do: "deploy"; readonly name: string; readonly replicas: number }
  | { readonly do: "scale"; readonly name: string; readonly replicas: number }
  | { readonly do: "set image"; readonly name: string; readonly image: string }
  | { readonly do: "undo"; readonly name: string }
  | { readonly do: "pause" | "resume"; readonly name: string }
  | {
    readonly do: "delete deployment";
    readonly name: string;
    readonly policy: "Background" | "Foreground" | "Orphan";
  }
  | { readonly do: "delete pod"; readonly share: number; readonly graceSeconds: number | undefined }
  | { readonly do: "relabel pod"; readonly share: number }
  | { readonly do: "apply sets"; readonly replicas: number; readonly image: string }
  | { readonly do: "delete sets"; readonly policy: "Background" | "Foreground" | "Orphan" }
  | {
    readonly do: "apply rollout";
    readonly name: RolloutName;
    readonly replicas: number;
    readonly image: string;
  }
  | {
    readonly do: "command rollout";
    readonly name: RolloutName;
    readonly command: RolloutCommand;
  }
  | {
    readonly do: "delete rollout";
    readonly name: RolloutName;
    readonly policy: "Background" | "Foreground" | "Orphan";
  }
  | { readonly do: "apply analysis"; readonly image: string }
  | { readonly do: "end analysis" | "delete analysis" }
  | { readonly do: "run job"; readonly name: string; readonly image: string }
  | { readonly do: "apply job"; readonly image: string }
  | { readonly do: "delete job"; readonly policy: "Background" | "Foreground" | "Orphan" }
  | { readonly do: "cordon" | "uncordon" | "drain" | "delete node"; readonly machine: number }
  | { readonly do: "set autonomy"; readonly machine: number; readonly autonomy: string }
  | { readonly do: "delete namespace" };

export type FaultAction =
  | { readonly do: "crash" | "lose container"; readonly machine: number; readonly share: number }
  | {
    readonly do:
      | "hang"
      | "bad runtime"
      | "slow runtime"
      | "bad link"
      | "link down"
      | "agent down"
      | "power loss";
    readonly machine: number;
    readonly forMs: number;
  }
  /** The machine's agent starts for the first time. */
  | { readonly do: "join"; readonly machine: number }
  /** The links of all these are down. */
  | { readonly do: "cut"; readonly machines: readonly number[]; readonly forMs: number }
  | { readonly do: "server down" | "bad disk" | "full disk"; readonly forMs: number }
  /** Of the machine with this number, or of the server when there is no such machine. */
  | { readonly do: "set clock"; readonly machine: number; readonly byMs: number };

/** The strategies of the simulator's Deployments, by name. */
export const DEPLOYMENTS: Readonly<Record<string, Strategy>> = {
  web: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  api: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
  shop: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
  batch: { type: "Recreate" },
};
export type Strategy =
  | { type: "Recreate" }
  | {
    type: "RollingUpdate";
    rollingUpdate: { maxSurge: number | string; maxUnavailable: number | string };
  };

export const MACHINES = 3;
/** Replicas of all Deployments together; nine pods fit, so there is not enough room for every surge. */
const PODS_MAX = 8;
/** A single Deployment gets fewer: simulating a pod costs as much as two faults. */
const REPLICAS_MAX = 5;
const SET_REPLICAS_MAX = 3;
const ROLLOUT_REPLICAS_MAX = 4;
const IMAGES = ["app:1", "app:2", "app:3"];
/** `crash` ends at once, `absent` cannot be pulled, `broken` cannot be started. */
export const BAD_IMAGES = ["crash", "absent", "broken"];
const LONGEST_FAULT_MS = 25_000;
/** Long enough for the pods of an unreachable node to be evicted. */
const LONG_MS = 70_000;

/** Clocks jump by up to this: a correction, a wrong time zone, a machine that did not know the time. */
const CLOCK_JUMPS_MS = [5_000, 3_600_000, 12 * 3_600_000];
export const LONG_HISTORY: RingLimits = { eventsMax: 8_192, bytesMax: 8 * 1024 * 1024 };
export const SHORT_HISTORY: RingLimits = { eventsMax: 24, bytesMax: 8 * 1024 * 1024 };

/** Everything that happens in one run until the faults stop. */
export interface Scenario {
  readonly seed: number;
  readonly actions: readonly Action[];
  /** When the faults stop. */
  readonly untilMs: number;
  /** With short limits, watches that were interrupted for long cannot resume (410). */
  readonly watchLimits: RingLimits;
  /** Machines join one by one and keep what they need to start alone; `edge/edge_limits.ts` watches over them. */
  readonly isAtEdge?: boolean;
}

/** Seeds from here on are of scenarios at the edge. */
export const EDGE_SEEDS = 1_000_001;

/** The scenario of a seed. */
export function scenarioOf(seed: number): Scenario {
  if (seed >= EDGE_SEEDS) return edgeScenarioOf(seed);
  const random = new Random(seed);
  const names = random.shuffled(Object.keys(DEPLOYMENTS)).slice(0, 1 + random.integer(3));
  const generator = new ActionGenerator(random, names);
  const isLong = random.chance(0.1);
  const untilMs = isLong ? LONG_MS : 12_000 + random.integer(23_000);
  const actions: Action[] = names.map((name) => ({
    atMs: random.integer(500),
    do: "deploy",
    name,
    replicas: 1 + random.integer(2),
  }));
  const count = 4 + random.integer(11);
  for (let i = 0; i < count; i++) {
    actions.push({ atMs: 1_000 + random.integer(untilMs - 1_000), ...generator.next() });
  }
  if (isLong) {
    const machine = random.integer(MACHINES);
    actions.push({ atMs: 5_000, do: "link down", machine, forMs: LONG_MS });
  }
  if (random.chance(0.3)) {
    const machine = random.integer(MACHINES);
    actions.push({ atMs: 0, do: "slow runtime", machine, forMs: untilMs });
  }
  const watchLimits = random.chance(0.5) ? LONG_HISTORY : SHORT_HISTORY;
  if (random.chance(0.3)) actions.push(...generator.sets(untilMs));
  if (random.chance(0.3)) actions.push(...generator.countedJobs(untilMs));
  if (random.chance(0.3)) actions.push(...generator.rollouts(untilMs, "roll"));
  if (random.chance(0.3)) actions.push(...generator.analyses(untilMs));
  if (random.chance(0.2)) actions.push(...generator.rollouts(untilMs, "flip"));
  if (random.chance(0.2)) actions.push(...generator.rollouts(untilMs, "split"));
  return { seed, actions: actions.sort((a, b) => a.atMs - b.atMs), untilMs, watchLimits };
}

class ActionGenerator {
  readonly #random: Random;
  readonly #names: readonly string[];
  #jobs = 0;

  constructor(random: Random, names: readonly string[]) {
    this.#random = random;
    this.#names = names;
  }

  next(): UserAction | FaultAction {
    return this.#random.chance(0.5) ? this.#byUser() : this.#fault();
  }

  /** What becomes of a StatefulSet and a DaemonSet. */
  sets(untilMs: number): Action[] {
    const random = this.#random;
    const image = () => random.pick(random.chance(0.2) ? BAD_IMAGES : IMAGES)!;
    const actions: Action[] = [{
      atMs: random.integer(500),
      do: "apply sets",
      replicas: 2,
      image: IMAGES[0]!,
    }];
    for (let count = 1 + random.integer(4); count > 0; count--) {
      const atMs = 1_000 + random.integer(untilMs - 1_000);
      const policy = random.pick(["Background", "Foreground", "Orphan"] as const)!;
      actions.push(
        random.chance(0.2) ? { atMs, do: "delete sets", policy } : {
          atMs,
          do: "apply sets",
          replicas: random.integer(SET_REPLICAS_MAX + 1),
          image: image(),
        },
      );
    }
    return actions;
  }

  /** What becomes of a Rollout. */
  rollouts(untilMs: number, name: RolloutName): Action[] {
    const random = this.#random;
    const apply = () => ({
      do: "apply rollout" as const,
      name,
      replicas: Math.max(random.integer(ROLLOUT_REPLICAS_MAX + 1), name === "roll" ? 0 : 1),
      image: random.pick(random.chance(0.3) ? BAD_IMAGES : IMAGES)!,
    });
    const commands = ["abort", "retry", "promote", "promote full"] as const;
    const policies = ["Background", "Foreground", "Orphan"] as const;
    const actions: Action[] = [
      { atMs: random.integer(500), do: "apply rollout", name, replicas: 3, image: IMAGES[0]! },
    ];
    for (let count = 2 + random.integer(6); count > 0; count--) {
      const atMs = 1_000 + random.integer(untilMs - 1_000);
      const chance = random.next();
      if (chance < 0.5) actions.push({ atMs, ...apply() });
      else if (chance < 0.95) {
        actions.push({ atMs, do: "command rollout", name, command: random.pick(commands)! });
      } else actions.push({ atMs, do: "delete rollout", name, policy: random.pick(policies)! });
    }
    return actions;
  }

  /** What becomes of an AnalysisRun. */
  analyses(untilMs: number): Action[] {
    const random = this.#random;
    const image = random.pick(["job", "job", "failing-job"])!;
    const actions: Action[] = [{ atMs: 500 + random.integer(3_000), do: "apply analysis", image }];
    if (random.chance(0.6)) return actions;
    const atMs = 3_000 + random.integer(untilMs - 3_000);
    return [...actions, { atMs, do: random.pick(["end analysis", "delete analysis"] as const)! }];
  }

  /** What becomes of a Job. */
  countedJobs(untilMs: number): Action[] {
    const random = this.#random;
    const image = random.pick(["job", "job", "failing-job"])!;
    const actions: Action[] = [{ atMs: 500 + random.integer(3_000), do: "apply job", image }];
    if (random.chance(0.7)) return actions;
    const policy = random.pick(["Background", "Foreground", "Orphan"] as const)!;
    const atMs = 3_000 + random.integer(untilMs - 3_000);
    return [...actions, { atMs, do: "delete job", policy }];
  }

  #byUser(): UserAction {
    const random = this.#random;
    const name = random.pick(this.#names)!;
    const share = random.next();
    const machine = random.integer(MACHINES);
    const graceSeconds = random.pick([undefined, undefined, 0, 5]);
    const policy = random.pick(["Background", "Foreground", "Orphan"] as const)!;
    const most = Math.min(REPLICAS_MAX, Math.floor(PODS_MAX / this.#names.length));
    const replicas = random.integer(most + 1);
    const image = random.pick(random.chance(0.2) ? BAD_IMAGES : IMAGES)!;
    const job = random.pick(["job", "failing-job"])!;
    const choices: (() => UserAction)[] = [
      () => ({ do: "scale", name, replicas }),
      () => ({ do: "scale", name, replicas }),
      () => ({ do: "set image", name, image }),
      () => ({ do: "set image", name, image }),
      () => ({ do: "set image", name, image }),
      () => ({ do: "undo", name }),
      () => ({ do: random.chance(0.4) ? "pause" : "resume", name }),
      () => ({ do: "delete deployment", name, policy }),
      () => ({ do: "deploy", name, replicas }),
      () => ({ do: "delete pod", share, graceSeconds }),
      () => ({ do: "delete pod", share, graceSeconds }),
      () => ({ do: "relabel pod", share }),
      () => ({ do: "run job", name: `job-${this.#jobs++}`, image: job }),
      () => ({
        do: random.pick(["cordon", "uncordon", "drain", "delete node"] as const)!,
        machine,
      }),
      () => random.chance(0.3) ? { do: "delete namespace" } : { do: "scale", name, replicas },
    ];
    return random.pick(choices)!();
  }

  #fault(): FaultAction {
    const random = this.#random;
    const machine = random.integer(MACHINES);
    const share = random.next();
    const forMs = 200 + random.integer(random.chance(0.3) ? LONGEST_FAULT_MS : 4_000);
    const byMs = random.pick(CLOCK_JUMPS_MS)! * (random.next() * 2 - 1);
    const choices: (() => FaultAction)[] = [
      () => ({ do: "crash", machine, share }),
      () => ({ do: "crash", machine, share }),
      () => ({ do: "lose container", machine, share }),
      () => ({ do: "bad runtime", machine, forMs }),
      () => ({ do: "bad runtime", machine, forMs }),
      () => ({ do: "bad link", machine, forMs }),
      () => ({ do: "bad link", machine, forMs }),
      () => ({ do: "link down", machine, forMs }),
      () => ({ do: "agent down", machine, forMs }),
      () => ({ do: "agent down", machine, forMs: random.integer(50) }),
      () => ({ do: "power loss", machine, forMs }),
      () => ({ do: "server down", forMs }),
      () => ({ do: "server down", forMs: random.integer(50) }),
      () => ({ do: "bad disk", forMs }),
      () => ({ do: "bad disk", forMs }),
      () => ({ do: "full disk", forMs }),
      () => ({ do: "set clock", machine: random.integer(MACHINES + 1), byMs: Math.round(byMs) }),
      () => ({ do: "hang", machine, forMs }),
    ];
    return random.pick(choices)!();
  }
}

/** An action for a person to read. */
export function describe({ atMs: _, do: act, ...rest }: Action): string {
  return [act, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(" ");
}
