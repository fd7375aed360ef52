/**
 * How large the data stay when the same objects are written again and again:
 *
 *     OVERWRITES=1000000 deno task crash       a million times instead of 20,000
 */
import assert from "node:assert/strict";
import { KvJournal } from "../../core/store/kv/kv_journal.ts";
import { inTemporaryFolder } from "./folders.ts";
import { keyOf } from "./writer_lines.ts";

const OVERWRITES_DEFAULT = 20_000;
const OBJECTS = 100;
const OBJECT_BYTES = 2_000;
const MIB = 1024 * 1024;
/** The slack that the log is given, with what cleaning owes; of 40 MB and more that are written. */
const FILE_BYTES_MAX = 24 * MIB;
/** SQLite checkpoints its log after 1,000 pages, and restarts it. */
const LOG_BYTES_MAX = 16 * MIB;

const overwrites = Number(Deno.env.get("OVERWRITES") ?? OVERWRITES_DEFAULT);

Deno.test(`${overwrites} overwrites of ${OBJECTS} objects leave the file and its log small`, () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/store.kv`;
    const journal = await KvJournal.open(path);
    await journal.load();
    const largest = { file: 0, log: 0 };
    for (let revision = OBJECTS; revision <= overwrites; revision += OBJECTS) {
      await journal.commit({ revision, writes: writesOf(revision) });
      largest.file = Math.max(largest.file, await bytesOf(path));
      largest.log = Math.max(largest.log, await bytesOf(`${path}-wal`));
    }
    await journal.close();
    report(largest, await bytesOf(path));
    assert.ok(largest.file <= FILE_BYTES_MAX, `the file took ${largest.file} bytes`);
    assert.ok(largest.log <= LOG_BYTES_MAX, `its log took ${largest.log} bytes`);
    const again = await KvJournal.open(path);
    const { revision, rows } = await again.load();
    await again.close();
    assert.deepEqual([revision, [...rows].length], [overwrites, OBJECTS]);
    for (const { bytes } of rows) assert.ok(bytes.every((byte) => byte === overwrites % 251));
  }));

function writesOf(revision: number): { key: ReturnType<typeof keyOf>; value: Uint8Array }[] {
  return Array.from({ length: OBJECTS }, (_, i) => ({
    key: keyOf(`map-${i}`),
    value: new Uint8Array(OBJECT_BYTES).fill(revision % 251),
  }));
}

async function bytesOf(path: string): Promise<number> {
  return await Deno.stat(path).then(({ size }) => size, () => 0);
}

function report(largest: { file: number; log: number }, closed: number): void {
  const inMib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  const text = `at most ${inMib(largest.file)} of file and ${inMib(largest.log)} of log; ` +
    `${inMib(closed)} once closed\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
