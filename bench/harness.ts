import { familyOf } from "../tests/process_family.ts";
import { census, cpuSecondsBetween } from "./processes.ts";
import { median } from "./statistics.ts";

/** One measurement of the product, usually side by side with a peer in the same run. */
export interface Measurement {
  /** Its name on the command line: `deno task bench NAME`. */
  name: string;
  /** What is measured, for people. */
  title: string;
  /** Programs it needs besides Deno, by their `apt-get` packages; may be empty. */
  needs: readonly Need[];
  needsRoot?: true;
  run(bench: Bench): Promise<Report>;
}

export interface Need {
  program: string;
  package: string;
}

/** A round in which other processes took more of the machine than this is repeated. */
const DISTURBED_SHARE = 0.15;
/** For each requested round. */
const ATTEMPTS_MAX = 4;

/** A table, and what a reader needs to interpret it. */
export interface Report {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  notes?: readonly string[];
}

export interface BenchOptions {
  /** Overrides the number of rounds of each measurement. */
  rounds: number | undefined;
  write(text: string): void;
}

/** What a measurement runs on: interleaved rounds, and a record of what else the machine did. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #cleanups: (() => Promise<void>)[] = [];
  /** Roots of process trees that belong to the measurement without being descendants of this process. */
  #others: () => readonly number[] = () => [];
  readonly #foreignShares: number[] = [];
  #leftOut = 0;

  constructor(options: BenchOptions) {
    this.#options = options;
  }

  rounds(usual: number): number {
    return this.#options.rounds ?? usual;
  }

  say(text: string): void {
    this.#options.write(`  ${text}\n`);
  }

  /** Clean-ups after the measurement, whether it succeeded or not; the last one first. */
  defer(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  /** Processes that count as our own although they are not descendants of this one. */
  own(others: () => readonly number[]): void {
    this.#others = others;
  }

  /**
   * Runs each contestant once a round. The one that begins moves on by one each round, so that nobody always comes
   * after the same other. A round in which other processes took much of the machine is run again, a limited number of
   * times. Resolves with the samples of each, by name; those of one index are of one round.
   */
  async interleave<T>(
    rounds: number,
    contestants: Readonly<Record<string, (round: number) => Promise<T>>>,
  ): Promise<Record<string, T[]>> {
    const names = Object.keys(contestants);
    const calm: { share: number; samples: Map<string, T> }[] = [];
    const disturbed: typeof calm = [];
    for (let round = 0; calm.length < rounds && round < rounds * ATTEMPTS_MAX; round++) {
      const samples = new Map<string, T>();
      const share = await this.#witness(async () => {
        for (let turn = 0; turn < names.length; turn++) {
          const name = names[(turn + round) % names.length]!;
          samples.set(name, await contestants[name]!(round));
        }
      });
      (share <= DISTURBED_SHARE ? calm : disturbed).push({ share, samples });
    }
    const best = disturbed.toSorted((a, b) => a.share - b.share).slice(0, rounds - calm.length);
    const taken = [...calm, ...best];
    this.#foreignShares.push(...taken.map(({ share }) => share));
    this.#leftOut += disturbed.length - best.length;
    return Object.fromEntries(
      names.map((name) => [name, taken.map(({ samples }) => samples.get(name)!)]),
    );
  }

  /** Notes what share of the machine's CPU time others had while `act` ran. */
  async witnessed<T>(act: () => Promise<T>): Promise<T> {
    let result!: T;
    this.#foreignShares.push(await this.#witness(async () => void (result = await act())));
    return result;
  }

  /** E.g. `other processes had 1 % of the machine's CPU time (0-3 % by round)`. */
  noise(): string {
    const percent = this.#foreignShares.map((share) => share * 100);
    const [low, high] = [Math.min(...percent).toFixed(0), Math.max(...percent).toFixed(0)];
    const text = `other processes had ${median(percent).toFixed(0)} % of the machine's CPU time ` +
      `(${low}-${high} % by round)`;
    if (this.#leftOut === 0) return text;
    return `${text}; ${this.#leftOut} rounds in which they had more are left out`;
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.toReversed()) {
      await cleanup().catch((error) => this.say(`Cannot clean up: ${error.message}`));
    }
  }

  async #witness(act: () => Promise<void>): Promise<number> {
    const startMs = performance.now();
    const ownBefore = this.#own();
    const before = census();
    await act();
    const seconds = (performance.now() - startMs) / 1000 * navigator.hardwareConcurrency;
    const own = new Set([...ownBefore, ...this.#own()]);
    return cpuSecondsBetween(before, census(), own) / seconds;
  }

  #own(): number[] {
    return [Deno.pid, ...this.#others()].flatMap(familyOf);
  }
}
