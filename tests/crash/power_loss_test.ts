/**
 * What a store keeps when the power fails: a process that writes is traced, and what it did to its disk is replayed
 * up to random moments.
 *
 *     CUTS=600 deno task crash         600 moments instead of 60
 *     SEED=42 deno task crash          others
 */
import assert from "node:assert/strict";
import { Random } from "../../core/lib/random.ts";
import { inTemporaryFolder } from "./folders.ts";
import { Ledger } from "./ledger.ts";
import { cutPower, type CutTally, type Trace } from "./power_cuts.ts";
import { oldestSegment, withStore } from "./store_file.ts";
import { canTrace, type SystemCall, systemCalls, traceCommand } from "./system_calls.ts";
import { WriterProcess } from "./writer_process.ts";

const CUTS_DEFAULT = 60;
/** A disk that lies must be found within this many cuts. */
const CUTS_TO_FIND_MAX = 60;
/** Enough for a few checkpoints of the log. */
const ACKNOWLEDGED = 2_000;
/** Writes of an earlier process: enough that the log is being cleaned. */
const ACKNOWLEDGED_BEFORE = 10_000;
const FILE = "store.kv";
const MEMORY_FOLDER = "/dev/shm";

const cutsInAll = Number(Deno.env.get("CUTS") ?? CUTS_DEFAULT);
const seed = Number(Deno.env.get("SEED") ?? 1);
const isTraceable = await canTrace();

for (const before of ["nothing", "what another process left"] as const) {
  const cuts = Math.ceil(cutsInAll / 2);
  test(`${cuts} power cuts of a store that began with ${before} lose nothing that was acknowledged`, async () => {
    const startedAt = performance.now();
    const trace = await traced(before);
    const tally = await cut(trace, cuts);
    report(tally, trace, performance.now() - startedAt);
    assert.deepEqual(tally.faults.slice(0, 10), []);
    assert.ok(tally.acknowledged > 0, "the writers wrote");
    assert.equal(trace.isCleaned, before !== "nothing");
  });
}

test("a disk that does not sync is found, always or between two checkpoints only", async () => {
  const trace = await traced("nothing");
  for (const calls of [neverSynced(trace.calls), syncedAtCheckpoints(trace.calls)]) {
    assert.ok(calls.length < trace.calls.length);
    const { faults } = await cut({ ...trace, calls }, CUTS_TO_FIND_MAX);
    assert.match(faults.join("\n"), /is lost|holds|is at revision|was removed and is there/);
  }
});

function test(name: string, fn: () => Promise<void>): void {
  const needed = isTraceable
    ? ""
    : " (needs strace: apt-get install strace; and the right to use it)";
  Deno.test({ name: `${name}${needed}`, ignore: !isTraceable, fn });
}

/** What a writer does until it has acknowledged enough. */
function traced(before: "nothing" | "what another process left"): Promise<Trace> {
  return inTemporaryFolder(async (above) => {
    const [folder, traceFile] = [`${above}/data`, `${above}/trace`];
    const path = `${folder}/${FILE}`;
    const ledger = new Ledger();
    await Deno.mkdir(folder);
    if (before !== "nothing") {
      const options = { acknowledgedMax: ACKNOWLEDGED_BEFORE };
      const lines = await new WriterProcess(path, 1, options).end();
      await withStore(path, (store) => ledger.settle(lines, store));
    }
    const oldest = before === "nothing" ? 0 : await oldestSegment(path);
    const files = await filesIn(folder);
    const options = { acknowledgedMax: ACKNOWLEDGED, under: traceCommand(traceFile) };
    await new WriterProcess(path, 2, options).end();
    const calls = systemCalls(await Deno.readTextFile(traceFile), folder);
    return { files, ledger, calls, isCleaned: await oldestSegment(path) > oldest };
  });
}

/** A replay needs no syncs, so it runs in memory where possible. */
function cut(trace: Trace, cuts: number): Promise<CutTally> {
  return inTemporaryFolder(
    (above) => cutPower(trace, { cuts, random: new Random(seed), folder: `${above}/cut` }),
    MEMORY_FOLDER,
  );
}

async function filesIn(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".lock")) files.set(name, await Deno.readFile(`${folder}/${name}`));
  }
  return files;
}

function neverSynced(calls: readonly SystemCall[]): SystemCall[] {
  return calls.filter(({ kind }) => kind !== "sync");
}

/** As with SQLite's `synchronous=NORMAL`: the log is synced only before it is written back to the file. */
function syncedAtCheckpoints(calls: readonly SystemCall[]): SystemCall[] {
  const onDisk = calls.filter(({ kind }) => kind !== "say");
  const late = new Set(onDisk.filter((call, i) => {
    const next = onDisk[i + 1];
    const isCheckpoint = next?.kind === "write" && next.file === FILE;
    return call.kind === "sync" && call.file !== FILE && !isCheckpoint;
  }));
  return calls.filter((call) => !late.has(call));
}

function report({ cuts, acknowledged, faults }: CutTally, { calls }: Trace, tookMs: number): void {
  const syncs = calls.filter(({ kind }) => kind === "sync").length;
  const text = `${cuts} cuts in ${(tookMs / 1000).toFixed(1)} s, of ${calls.length} calls with ` +
    `${syncs} syncs: ${acknowledged} acknowledged before them, ${faults.length} faults\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
