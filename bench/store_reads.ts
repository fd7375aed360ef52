import { concat } from "../core/lib/bytes.ts";
import { FilledStore, openStore } from "./filled_store.ts";
import type { Measurement } from "./harness.ts";
import { cpuSecondsOf, usageOf } from "./processes.ts";
import { spread } from "./statistics.ts";

const ROUNDS = 5;
const OBJECTS = 100_000;
const LISTED_OBJECTS = 10_000;
const LISTS_PER_ROUND = 20;
const GETS_PER_ROUND = 1_000_000;
const MIB = 1024 * 1024;

/** What a process finds that opens a filled store; see the end of this file. */
interface Opened {
  ms: number;
  cpuMs: number;
  rssMiB: number;
}

/** Reading from memory, and how a start gets it there. */
export const storeReads: Measurement = {
  name: "store-reads",
  title: `Start and reads of a store of ${OBJECTS} objects of 2 KB`,
  needs: [],
  async run(bench) {
    const rounds = bench.rounds(ROUNDS);
    const few = await FilledStore.open(bench);
    await few.fill(LISTED_OBJECTS);
    const many = await FilledStore.open(bench);
    await many.fill(OBJECTS);
    await many.store.close();
    const { size } = await Deno.stat(many.path);
    const reads = await bench.interleave(rounds, {
      list: () => cpuMsOf(LISTS_PER_ROUND, () => listOf(few)),
      get: () => cpuMsOf(GETS_PER_ROUND, (turn) => get(few, turn)),
    });
    const { start } = await bench.interleave(rounds, { start: () => openedElsewhere(many.path) });
    const of = (key: keyof Opened) => spread(start!.map((each) => each[key]));
    return {
      columns: ["", "", "to hold"],
      rows: [
        [`list ${LISTED_OBJECTS} objects as one JSON, CPU ms`, spread(reads["list"]!, 1), "≤ 40"],
        ["get one object, CPU µs", spread(reads["get"]!.map((ms) => ms * 1000), 2), "≤ 2"],
        ["open the store in a fresh process, ms", of("ms"), "≤ 5000"],
        ["the same, CPU ms", of("cpuMs"), ""],
        ["RSS of that process, MiB", of("rssMiB"), "≤ 450"],
        ["file, MiB", (size / MIB).toFixed(0), ""],
      ],
      notes: [`Median of ${rounds} rounds (range). The file is as it is after it was filled.`],
    };
  },
};

function listOf({ store }: FilledStore): void {
  const comma = new TextEncoder().encode(",");
  const parts = store.list(["configmaps"]).flatMap(({ bytes }) => [bytes, comma]);
  if (concat(parts).length < LISTED_OBJECTS) throw new Error("the list is too short");
}

function get({ store }: FilledStore, turn: number): void {
  const entry = store.get(["configmaps", "default", `map-${turn % LISTED_OBJECTS}`]);
  if (!entry) throw new Error("an object is missing");
}

/** CPU of one of so many turns. */
function cpuMsOf(turns: number, act: (turn: number) => void): Promise<number> {
  const before = cpuSecondsOf([Deno.pid]);
  for (let turn = 0; turn < turns; turn++) act(turn);
  return Promise.resolve((cpuSecondsOf([Deno.pid]) - before) * 1000 / turns);
}

async function openedElsewhere(path: string): Promise<Opened> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", import.meta.url, path],
    stdout: "piped",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)) as Opened;
}

if (import.meta.main) {
  const cpuBefore = cpuSecondsOf([Deno.pid]);
  const startMs = performance.now();
  const store = await openStore(Deno.args[0]!);
  const ms = performance.now() - startMs;
  const cpuMs = (cpuSecondsOf([Deno.pid]) - cpuBefore) * 1000;
  const objects = store.list(["configmaps"]).length;
  if (objects !== OBJECTS) throw new Error(`${objects} objects were loaded`);
  const opened: Opened = { ms, cpuMs, rssMiB: usageOf([Deno.pid]).rssBytes / MIB };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(opened)));
  await store.close();
}
