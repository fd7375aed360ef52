/**
 * Measures the product, side by side with the peer in one run where there is one.
 *
 *     deno task bench                       everything, about 20 minutes
 *     deno task bench start ready           two measurements
 *     deno task bench --rounds 3 ready      fewer rounds
 *     deno task bench --write start         puts the results into docs/BENCHMARKS.md
 */
import { fileURLToPath } from "node:url";
import { onPath } from "../tests/kubectl.ts";

import { Bench, type Measurement, type Report } from "./harness.ts";
import { dns } from "./dns.ts";
import { idle } from "./idle.ts";
import { agents } from "./agents.ts";
import { feeds } from "./feeds.ts";
import { api } from "./api.ts";
import { markdownTable, withSection } from "./markdown.ts";
import { memory } from "./memory.ts";
import { machineClass } from "./processes.ts";

import { probes } from "./probes.ts";
import { proxy } from "./proxy.ts";
import { deploymentOnNodes } from "./deployment.ts";
import { scheduling } from "./scheduler.ts";
import { rolloutCrowd } from "./rollouts/crowd.ts";
import { rolloutDetection } from "./rollouts/detection.ts";
import { finishedRollouts } from "./rollouts/finished.ts";
import { ready } from "./ready.ts";
import { readyInitialized } from "./ready_initialized.ts";
import { rebootAlone } from "./reboot_alone.ts";
import { restart } from "./restart.ts";
import { start } from "./start.ts";
import { store } from "./store.ts";
import { storeOverwrites } from "./store_overwrites.ts";
import { tunnel } from "./tunnel.ts";
import { storeReads } from "./store_reads.ts";

const MEASUREMENTS: readonly Measurement[] = [
  start,
  idle,
  ready,
  readyInitialized,
  restart,
  rebootAlone,
  memory,
  agents,
  feeds,
  tunnel,
  probes,
  dns,
  proxy,
  api,
  scheduling,
  deploymentOnNodes,
  rolloutDetection,
  finishedRollouts,
  rolloutCrowd,
  store,
  storeReads,
  storeOverwrites,
];
const PAGE = new URL("../docs/BENCHMARKS.md", import.meta.url);

interface Flags {
  names: readonly string[];
  rounds: number | undefined;
  write: boolean;
}

/** When asked to end, it cleans up too. */
const ENDINGS = ["SIGINT", "SIGTERM"] as const;
const EXIT_INTERRUPTED = 130;

if (import.meta.main) Deno.exit(await runBenches(readFlags(Deno.args)));

async function runBenches({ names, rounds, write }: Flags): Promise<number> {
  say(`${machineClass()}, Deno ${Deno.version.deno}\n`);
  let failures = 0;
  for (const measurement of MEASUREMENTS) {
    if (names.length > 0 && !names.includes(measurement.name)) continue;
    const missing = missingFor(measurement);
    if (missing !== undefined) {
      say(`\n## ${measurement.title}\n\nSkipped: ${missing}\n`);
      continue;
    }
    const text = await measure(measurement, rounds);
    if (text === undefined) failures++;
    else if (write) await writeSection(measurement.name, text);
  }
  return failures === 0 ? 0 : 1;
}

/** The result as Markdown; `undefined` when it failed. */
async function measure(
  measurement: Measurement,
  rounds: number | undefined,
): Promise<string | undefined> {
  say(`\n## ${measurement.title}\n\n`);
  const bench = new Bench({ rounds, write: say });
  const stop = () => bench.close().finally(() => Deno.exit(EXIT_INTERRUPTED));
  for (const signal of ENDINGS) Deno.addSignalListener(signal, stop);
  try {
    const text = sectionOf(await measurement.run(bench), bench);
    say(`\n${text}\n`);
    return text;
  } catch (error) {
    say(`Failed: ${error instanceof Error ? error.stack : error}\n`);
    return undefined;
  } finally {
    for (const signal of ENDINGS) Deno.removeSignalListener(signal, stop);
    await bench.close();
  }
}

function sectionOf(report: Report, bench: Bench): string {
  const day = new Date().toISOString().slice(0, 10);
  const notes = [...report.notes ?? [], `Measured on ${day}; ${bench.noise()}.`];
  return `${markdownTable(report)}\n\n${notes.join(" ")}`;
}

async function writeSection(name: string, text: string): Promise<void> {
  await Deno.writeTextFile(PAGE, withSection(await Deno.readTextFile(PAGE), name, text));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", fileURLToPath(PAGE)] })
    .output();
}

function missingFor({ needs, needsRoot }: Measurement): string | undefined {
  if (needsRoot && Deno.uid() !== 0) return "it needs root";
  const absent = needs.filter(({ program }) => onPath(program) === undefined);
  if (absent.length === 0) return undefined;
  return `apt-get install ${absent.map((need) => need.package).join(" ")}`;
}

function readFlags(args: readonly string[]): Flags {
  const at = args.indexOf("--rounds");
  const rounds = at < 0 ? undefined : Number(args[at + 1]);
  const names = args.filter((arg, index) =>
    !arg.startsWith("--") && index !== at + 1 || at < 0 && !arg.startsWith("--")
  );
  const unknown = names.filter((name) => !MEASUREMENTS.some((known) => known.name === name));
  if (unknown.length > 0 || Number.isNaN(rounds)) {
    const all = MEASUREMENTS.map(({ name }) => name).join(", ");
    throw new Error(`There is no measurement "${unknown.join('", "')}"; there are ${all}`);
  }
  return { names, rounds, write: args.includes("--write") };
}

function say(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
