import assert from "node:assert/strict";
import { later } from "../eventually.ts";
import { inTemporaryFolder } from "./folders.ts";
import { Ledger } from "./ledger.ts";
import { inspect, withStore } from "./store_file.ts";
import { WriterProcess } from "./writer_process.ts";
import type { Line } from "./writer_lines.ts";

const WRITING_MS = 150;

Deno.test("a second process on the same data is refused with the pid of the first, also while that one is paused", () =>
  inWriting(async (path, first) => {
    const named = new RegExp(`another coracle server uses it \\(pid ${first.pid}\\)`);
    await assert.rejects(new WriterProcess(path, 2).ready(), named);
    first.signal("SIGSTOP");
    await assert.rejects(new WriterProcess(path, 2).ready(), named);
    first.signal("SIGCONT");
    await later(WRITING_MS);
  }));

Deno.test("a process that was paused continues where it was, and what it acknowledged is kept", () =>
  inWriting(async (_path, first) => {
    for (let i = 0; i < 5; i++) {
      first.signal("SIGSTOP");
      await later(WRITING_MS / 5);
      first.signal("SIGCONT");
      await later(WRITING_MS / 5);
    }
  }));

Deno.test("once its data was taken over past the lock, a process writes no more and says why", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/store.kv`;
    const first = new WriterProcess(path, 1);
    try {
      await first.writes();
      await later(WRITING_MS);
      await Deno.remove(`${path}.lock`); // now the lock is on an unlinked file
      const second = new WriterProcess(path, 2);
      await second.ready();
      const lines = await first.end(); // by itself
      const told = await second.kill();
      const end = lines.pop();
      assert.match(JSON.stringify(end), /Cannot write: another process has taken over the store/);
      await assertKept(path, [...lines, ...told]);
    } finally {
      await first.kill();
    }
  }));

/** Runs `body` while a process writes; kills it then, and looks at what it left. */
async function inWriting(
  body: (path: string, first: WriterProcess) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/store.kv`;
    const first = new WriterProcess(path, 1);
    try {
      await first.writes();
      await later(WRITING_MS);
      await body(path, first);
      await assertKept(path, await first.kill());
    } finally {
      await first.kill();
    }
  });
}

async function assertKept(path: string, lines: readonly Line[]): Promise<void> {
  const finding = await withStore(path, (store) => new Ledger().settle(lines, store));
  assert.deepEqual(finding.faults.slice(0, 10), []);
  assert.ok(finding.acknowledged > 0, "the writers wrote");
  assert.deepEqual(await inspect(path), { faults: [], orphans: 0 });
}
