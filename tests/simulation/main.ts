/**
 * Plays the scenarios of seeds, with as many processes as there are processors:
 *
 *     deno task simulate                  1,000 seeds
 *     SEEDS=10000 deno task simulate      more of them
 *     SEED=42 deno task simulate          one, with its history when it fails
 */
import { scenarioOf } from "./scenario.ts";
import { firstBadSeed, reportOf, seedsFrom } from "./seeds.ts";
import { Watchdog } from "./watchdog.ts";

const SEEDS_DEFAULT = 1_000;
/** Room for young objects: a seed allocates hundreds of megabytes of them. */
const V8_FLAGS = "--v8-flags=--min-semi-space-size=32,--max-semi-space-size=64";

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const seed = Deno.env.get("SEED");
  if (seed !== undefined) return await one(Number(seed), Deno.args.includes("--history"));
  const [first, step] = [Deno.env.get("FIRST"), Deno.env.get("STEP")];
  const count = Number(Deno.env.get("SEEDS") ?? SEEDS_DEFAULT);
  if (step !== undefined) return await some(Number(first), count, Number(step));
  return await all(Number(first ?? 1), count);
}

async function one(seed: number, showsHistory: boolean): Promise<number> {
  const bad = await firstBadSeed(new Watchdog().over([seed]), ({ lines }) => {
    if (showsHistory) write(lines.join("\n"));
  });
  if (bad === undefined) return write(`seed ${seed} passes`);
  return write(await reportOf(scenarioOf(seed)), 1);
}

/** Without stack traces, which cost time: a failed seed is played again for its report. */
async function some(first: number, count: number, step: number): Promise<number> {
  Error.stackTraceLimit = 0;
  const bad = await firstBadSeed(new Watchdog().over(seedsFrom(first, count, step)));
  return bad === undefined ? 0 : write(`BAD ${bad.seed}: ${bad.fault}`, 1);
}

/** Each of n processors plays every nth seed in a process of its own; the first failure ends them all. */
async function all(first: number, count: number): Promise<number> {
  const startMs = performance.now();
  const workers = Array.from(
    { length: navigator.hardwareConcurrency },
    (_, index) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", V8_FLAGS, import.meta.filename!],
        env: {
          FIRST: String(first + index),
          SEEDS: String(count - index),
          STEP: String(navigator.hardwareConcurrency),
        },
        stdout: "piped",
      }).spawn(),
  );
  const bad = await Promise.all(workers.map(async (worker) => {
    const { code, stdout } = await worker.output();
    if (code === 0) return [];
    for (const other of workers) if (other !== worker) stop(other);
    return [Number(/BAD (\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? NaN)];
  }));
  const seconds = (performance.now() - startMs) / 1_000;
  const seeds = bad.flat().filter((seed) => !Number.isNaN(seed));
  if (seeds.length > 0) return await one(Math.min(...seeds), false);
  if (bad.flat().length > 0) return write("A process failed without a report", 1);
  return write(`${count} seeds pass: ${(count / seconds).toFixed(1)} per second`);
}

function stop(worker: Deno.ChildProcess): void {
  try {
    worker.kill();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
}

function write(text: string, code = 0): number {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
  return code;
}
