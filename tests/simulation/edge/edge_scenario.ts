import { Random } from "../../../core/lib/random.ts";
import { type Action, LONG_HISTORY, MACHINES, type Scenario, SHORT_HISTORY } from "../scenario.ts";

/** Nodes are lost sooner than by default, so that runs are shorter. */
export const EDGE_GRACE_MS = 25_000;
/** How long nodes are left alone. */
const AUTONOMIES = ["1m", "10m", "forever"];
const NAMES = ["web", "api", "shop", "batch"];
/** Longer than everything that is waited for: the grace, a minute alone, the 300 s that every pod tolerates. */
const LONG_CUT_MS = 500_000;
const YEAR_MS = 365 * 24 * 3_600_000;
/** A machine that begins in 1970, one in 2040, and small corrections. */
const CLOCK_JUMPS_MS = [-56 * YEAR_MS, 14 * YEAR_MS, 86_400_000, 5_000];

/**
 * The scenario of a seed at the edge: machines that join late, are cut off for long, alone or all at once, and start
 * again without a server, with their containers dead or alive, while others change what they should run.
 */
export function edgeScenarioOf(seed: number): Scenario {
  const random = new Random(seed ^ 0xed6e);
  const cutMs = 30_000 + random.integer(30_000);
  const lengthMs = random.chance(0.4) ? LONG_CUT_MS : 60_000 + random.integer(140_000);
  const untilMs = cutMs + lengthMs + 20_000;
  const edge = new EdgeActions(random, { cutMs, lengthMs });
  const sudden = random.chance(0.25) ? edge.suddenStart() : [];
  const actions = [...edge.beginnings(), ...edge.cut(), ...edge.changes(), ...sudden];
  if (random.chance(0.3)) actions.push(...edge.wrongClock());
  return {
    seed,
    actions: actions.filter(({ atMs }) => atMs < untilMs).sort((a, b) => a.atMs - b.atMs),
    untilMs,
    watchLimits: random.chance(0.5) ? LONG_HISTORY : SHORT_HISTORY,
    isAtEdge: true,
  };
}

class EdgeActions {
  readonly #random: Random;
  readonly #cutMs: number;
  readonly #lengthMs: number;
  /** The machines that are cut off. */
  readonly #cut: readonly number[];
  readonly #names: readonly string[];

  constructor(random: Random, { cutMs, lengthMs }: { cutMs: number; lengthMs: number }) {
    this.#random = random;
    this.#cutMs = cutMs;
    this.#lengthMs = lengthMs;
    const all = random.shuffled(Array.from({ length: MACHINES }, (_, index) => index));
    this.#cut = random.chance(0.35) ? all : all.slice(0, 1 + random.integer(MACHINES - 1));
    this.#names = random.shuffled(NAMES).slice(0, 1 + random.integer(2));
  }

  /** What there is before the cut. */
  beginnings(): Action[] {
    const random = this.#random;
    const joins = Array.from({ length: MACHINES }, (_, machine) => ({
      atMs: machine === 0 ? 0 : random.integer(random.chance(0.3) ? 20_000 : 200),
      do: "join" as const,
      machine,
    }));
    const deployments = this.#names.map((name) => ({
      atMs: random.integer(500),
      do: "deploy" as const,
      name,
      replicas: 1 + random.integer(3),
    }));
    const autonomies = joins.filter(() => random.chance(0.6)).map(({ machine }) => ({
      atMs: 22_000,
      do: "set autonomy" as const,
      machine,
      autonomy: random.pick(AUTONOMIES)!,
    }));
    const image = random.pick(["app:1", "app:3"])!; // one of them does not heed SIGTERM
    const sets = { atMs: 600, do: "apply sets" as const, replicas: 3, image };
    return [...joins, ...deployments, ...autonomies, sets];
  }

  /** The cut, and what happens on the machines meanwhile. */
  cut(): Action[] {
    const random = this.#random;
    const forMs = this.#lengthMs;
    const actions: Action[] = [{ atMs: this.#cutMs, do: "cut", machines: this.#cut, forMs }];
    for (const machine of this.#cut) {
      for (let count = random.integer(3); count > 0; count--) {
        const atMs = this.#timeWithin();
        const downMs = 200 + random.integer(5_000);
        actions.push(
          random.pick<Action>([
            { atMs, do: "agent down", machine, forMs: downMs },
            { atMs, do: "agent down", machine, forMs: random.integer(50) },
            { atMs, do: "power loss", machine, forMs: downMs },
            { atMs, do: "crash", machine, share: random.next() },
          ])!,
        );
      }
    }
    return actions;
  }

  /** Pods come just before the cut, and the agent starts again just after: what it has kept lags behind. */
  suddenStart(): Action[] {
    const random = this.#random;
    const atMs = this.#cutMs - 100 - random.integer(700);
    return [
      ...NAMES.filter((name) => !this.#names.includes(name)).slice(0, 2)
        .map((name) => ({ atMs, do: "deploy" as const, name, replicas: 1 })),
      ...this.#cut.map((machine) => ({
        atMs: this.#cutMs + random.integer(600),
        do: "agent down" as const,
        machine,
        forMs: random.integer(2_000),
      })),
    ];
  }

  /** The clock of the server is set by a day while a node is offline, and then something changes on it. */
  wrongClock(): Action[] {
    const random = this.#random;
    const [machine] = this.#cut;
    const atMs = this.#cutMs + 35_000;
    const changes = Array.from({ length: 4 }, (_, index) => ({
      atMs: atMs + 1_000 + index * 500,
      do: "delete pod" as const,
      share: random.next(),
      graceSeconds: undefined,
    }));
    return [
      { atMs: 22_500, do: "set autonomy", machine: machine!, autonomy: "10m" },
      { atMs, do: "set clock", machine: MACHINES, byMs: 86_400_000 },
      ...changes,
    ];
  }

  /** What people and the server do meanwhile. */
  changes(): Action[] {
    const random = this.#random;
    const actions: Action[] = [];
    for (let count = 2 + random.integer(7); count > 0; count--) {
      actions.push({ ...this.#change(), atMs: this.#timeWithin() });
    }
    return actions;
  }

  #change(): Action {
    const random = this.#random;
    const atMs = 0;
    const machine = random.integer(MACHINES);
    const name = random.pick(this.#names)!;
    const byMs = random.pick(CLOCK_JUMPS_MS)!;
    return random.pick<Action>([
      { atMs, do: "delete pod", share: random.next(), graceSeconds: undefined },
      { atMs, do: "delete pod", share: random.next(), graceSeconds: 0 },
      { atMs, do: "delete pod", share: random.next(), graceSeconds: 0 },
      { atMs, do: "scale", name, replicas: random.integer(4) },
      { atMs, do: "set image", name, image: random.pick(["app:1", "app:2"])! },
      { atMs, do: "delete node", machine },
      { atMs, do: "set autonomy", machine, autonomy: random.pick(AUTONOMIES)! },
      { atMs, do: "server down", forMs: 200 + random.integer(20_000) },
      { atMs, do: "set clock", machine: random.integer(MACHINES + 1), byMs },
      { atMs, do: "set clock", machine: random.integer(MACHINES + 1), byMs },
      { atMs, do: "run job", name: `job-${random.integer(1_000)}`, image: "job" },
      {
        atMs,
        do: "apply sets",
        replicas: 2 + random.integer(2),
        image: random.pick(["app:1", "app:3"])!,
      },
    ])!;
  }

  /** Some come just before the cut, and are not heard of everywhere. */
  #timeWithin(): number {
    const random = this.#random;
    const [fromMs, forMs] = random.chance(0.3)
      ? [this.#cutMs - 2_000, 6_000]
      : [this.#cutMs, this.#lengthMs + 10_000];
    return fromMs + random.integer(forMs);
  }
}
