import { census, cpuSecondsBetween, familyOf } from "./processes.ts";
import { median } from "./statistics.ts";

/** One measurement of the product, most often beside a peer in the same run. */
export interface Measurement {
  /** How it is asked for: `deno task bench NAME`. */
  name: string;
  /** What is measured, for people. */
  title: string;
  /** Programs it needs besides Deno, by what `apt-get install` calls them; empty when none. */
  needs: readonly Need[];
  needsRoot?: true;
  run(bench: Bench): Promise<Report>;
}

export interface Need {
  program: string;
  package: string;
}

/** A table, and what a reader must know to read it right. */
export interface Report {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  notes?: readonly string[];
}

export interface BenchOptions {
  /** Instead of the number of rounds that each measurement finds enough. */
  rounds: number | undefined;
  write(text: string): void;
}

/** What a measurement stands on: rounds that take turns, and a witness of what else the machine did. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #cleanups: (() => Promise<void>)[] = [];
  /** Roots of process trees that belong to the measurement and are not below this process. */
  #others: () => readonly number[] = () => [];
  readonly foreignShares: number[] = [];

  constructor(options: BenchOptions) {
    this.#options = options;
  }

  rounds(usual: number): number {
    return this.#options.rounds ?? usual;
  }

  say(text: string): void {
    this.#options.write(`  ${text}\n`);
  }

  /** Done when the measurement has ended, well or not; the last one first. */
  defer(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  /** Processes whose work is not foreign although they are no descendants of this one. */
  own(others: () => readonly number[]): void {
    this.#others = others;
  }

  /**
   * Runs each contestant once a round. The one that begins moves on by one each round, so that nobody always comes
   * after the same other. Resolves with the samples of each, by name; those of one index are of one round.
   */
  async interleave<T>(
    rounds: number,
    contestants: Readonly<Record<string, (round: number) => Promise<T>>>,
  ): Promise<Record<string, T[]>> {
    const names = Object.keys(contestants);
    const samples: Record<string, T[]> = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      await this.witnessed(async () => {
        for (let turn = 0; turn < names.length; turn++) {
          const name = names[(turn + round) % names.length]!;
          samples[name]!.push(await contestants[name]!(round));
        }
      });
    }
    return samples;
  }

  /** Notes what share of the machine's CPU time others had while `act` ran. */
  async witnessed<T>(act: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const ownBefore = this.#own();
    const before = census();
    const result = await act();
    const seconds = (performance.now() - startMs) / 1000 * navigator.hardwareConcurrency;
    const own = new Set([...ownBefore, ...this.#own()]);
    this.foreignShares.push(cpuSecondsBetween(before, census(), own) / seconds);
    return result;
  }

  /** E.g. `others had 1 % of the CPU (0-3 %)`. */
  noise(): string {
    const percent = this.foreignShares.map((share) => share * 100);
    if (percent.length === 0) return "";
    return `other processes had ${median(percent).toFixed(0)} % of the machine's CPU time (${
      Math.min(...percent).toFixed(0)
    }-${Math.max(...percent).toFixed(0)} % by round)`;
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.toReversed()) {
      await cleanup().catch((error) => this.say(`Cannot clean up: ${error.message}`));
    }
  }

  #own(): number[] {
    return [Deno.pid, ...this.#others()].flatMap(familyOf);
  }
}
