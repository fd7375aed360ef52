import { fileURLToPath } from "node:url";
import type { Shown } from "../crash/ledger.ts";
import { type Line, RESOURCE } from "../crash/writer_lines.ts";
import type { Entry } from "../../core/store/store.ts";
import type { ContenderLine } from "./contender_lines.ts";

const CONTENDER = fileURLToPath(new URL("./contender.ts", import.meta.url));
const ENCODER = new TextEncoder();

/** Faults that the suite must find. `unfenced`: writes whoever the owner is. `hasty`: reports a batch as durable too early. */
export type PlantedFault = "unfenced" | "hasty";

export interface ContenderOptions {
  endpoints: readonly string[];
  prefix: string;
  leaseMs: number;
  /** Higher than that of any before on the same store. */
  seed: number;
  planted?: PlantedFault | undefined;
}

/** A process that contends for a store, and its output. */
export class ContenderProcess {
  readonly #child: Deno.ChildProcess;
  readonly #standsBy = Promise.withResolvers<void>();
  readonly #won = Promise.withResolvers<Shown>();
  readonly #wrote = Promise.withResolvers<number>();
  #writesAgain = Promise.withResolvers<number>();
  readonly #lines: Line[] = [];
  readonly #read: Promise<void>;
  readonly #stderr: Promise<string>;

  constructor(
    { endpoints, prefix, leaseMs, seed, planted = "" as PlantedFault }: ContenderOptions,
  ) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", "--unstable-kv", CONTENDER],
        ...[endpoints.join(","), prefix, String(leaseMs), String(seed), planted],
      ],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#child.stderr).text();
    this.#read = this.#readLines();
  }

  /** Resolves when it follows an owner. */
  get standsBy(): Promise<void> {
    return this.#standsBy.promise;
  }

  /** What it shows when it has taken over, before it writes. */
  get won(): Promise<Shown> {
    return this.#won.promise;
  }

  /** When its first write was acknowledged, by `performance.now()`. */
  get wrote(): Promise<number> {
    return this.#wrote.promise;
  }

  /** When the next write is acknowledged, by `performance.now()`; never when there is none. */
  writesAgain(): Promise<number> {
    this.#writesAgain = Promise.withResolvers();
    return this.#writesAgain.promise;
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // it has ended by itself: its lines say why
    }
  }

  /** Waits until it ends by itself. Returns its output about writes, up to the last whole line. */
  async end(): Promise<Line[]> {
    const { code, signal } = await this.#child.status;
    await this.#read;
    const isExplained = signal === "SIGKILL" || this.#lines.some((line) => "refused" in line);
    if (!isExplained) this.#lines.push({ refused: `it ended with ${code}: ${await this.#stderr}` });
    return this.#lines;
  }

  async #readLines(): Promise<void> {
    const shown: Entry[] = [];
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#hear(JSON.parse(line) as ContenderLine, shown);
    }
    for (const waiting of [this.#standsBy, this.#won, this.#wrote]) {
      waiting.promise.catch(() => {}); // nobody may be waiting for it
      waiting.reject(new Error(`The contender has ended: ${await this.#stderr}`));
    }
  }

  #hear(line: ContenderLine, shown: Entry[]): void {
    if ("standsBy" in line) return this.#standsBy.resolve();
    if ("object" in line) {
      const { object, revision } = line;
      const key = [RESOURCE, object.metadata.namespace ?? "", object.metadata.name] as const;
      const bytes = ENCODER.encode("");
      shown.push({ key, object, revision, bytes });
      return;
    }
    if ("ready" in line) this.#won.resolve(shownFrom(shown, line.ready));
    if ("done" in line) {
      this.#wrote.resolve(performance.now());
      this.#writesAgain.resolve(performance.now());
    }
    this.#lines.push(line);
  }
}

function shownFrom(entries: readonly Entry[], revision: number): Shown {
  const byName = new Map(entries.map((entry) => [entry.key[2], entry]));
  return { revision, get: ([, , name]) => byName.get(name), list: () => entries };
}
