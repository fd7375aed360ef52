import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { DataLock } from "../../core/store/kv/data_lock.ts";
import { KvJournal } from "../../core/store/kv/kv_journal.ts";
import { takeLockOver } from "../../core/store/kv/lock_take_over.ts";
import { eventually } from "../eventually.ts";
import { removeNetwork } from "../server_network.ts";
import { ServerProcess } from "../server_process.ts";
import { inTemporaryFolder } from "./folders.ts";
import { Ledger } from "./ledger.ts";
import { withStore } from "./store_file.ts";
import { WriterProcess } from "./writer_process.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
/** Used by no other suite. */
const SUBNET = 58;
const WRITERS = 8;
/** Enough to be in the middle of something. */
const WRITES_BEFORE = 40;

test("a server that is taken over ends well, and the next has all that was acknowledged", () =>
  withWriters(async ({ server, next, acknowledged }) => {
    const second = await next("--take-over");
    assert.equal(await server.ended, 0);
    await assertKept(second, await acknowledged());
  }));

test("a server that hangs is killed after the time given, and nothing acknowledged is lost", () =>
  withWriters(async ({ server, next, acknowledged }) => {
    Deno.kill(server.pid, "SIGSTOP");
    const second = await next("--take-over", "0.2");
    assert.notEqual(await server.ended, 0);
    await assertKept(second, await acknowledged());
  }));

test("without the flag a second server is refused, with the pid of the first and the way to take over", () =>
  withWriters(async ({ server, next, acknowledged }) => {
    const words = new RegExp(
      `another coracle server uses it \\(pid ${server.pid}\\); stop it first, take over from it with --take-over`,
    );
    await assert.rejects(next(), words);
    await acknowledged();
  }));

test("a server that cannot be ended is shut out: it stops at its next write and says why", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/store.kv`;
    const first = new WriterProcess(path, 1);
    try {
      await first.ready();
      const second = await shuttingOut(path);
      const lines = await first.end(); // by itself
      assert.match(JSON.stringify(lines.pop()), /another process has taken over the store/);
      const isOurs = (error: Error) => error.message.includes(`(pid ${Deno.pid})`);
      await eventually(
        "the lock of who is gone is ours",
        () =>
          DataLock.take(`${path}.lock`).then((free) => {
            free.release();
            return false;
          }, isOurs),
      );
      await second.close();
      const { faults } = await withStore(path, (store) => new Ledger().settle(lines, store));
      assert.deepEqual(faults.slice(0, 10), []);
    } finally {
      await first.kill();
    }
  }));

test("nobody is ended of whom it is not shown that he has the data", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/store.kv.lock`;
    const bystander = new Deno.Command("sleep", { args: ["600"] }).spawn();
    const lock = await DataLock.take(path);
    try {
      await Deno.writeTextFile(path, `${bystander.pid} server\n`);
      const signals: string[] = [];
      const taken = takeLockOver(path, {
        clock: new SystemClock(),
        signal: new AbortController().signal,
        tell: (what) => signals.push(what),
        endMs: 1,
      });
      await assert.rejects(taken, { name: "DataLockedError" });
      assert.deepEqual(signals, []);
      await Deno.writeTextFile(path, `${Deno.pid} restore\n`);
      await assert.rejects(DataLock.take(path), /"coracle restore" uses it .*; wait until/);
    } finally {
      lock.release();
      bystander.kill("SIGKILL");
      await bystander.status;
    }
  }));

function test(name: string, fn: () => Promise<void>): void {
  const canTakeOver = Deno.build.os === "linux";
  Deno.test({ name: canTakeOver ? name : `${name} (needs Linux)`, ignore: !canTakeOver, fn });
}

interface Scene {
  server: ServerProcess;
  /** Another server on the same data. */
  next(...args: string[]): Promise<ServerProcess>;
  /** Ends the writers. The names of all that was acknowledged. */
  acknowledged(): Promise<Set<string>>;
}

/** A server under writers, which go on until asked or until it is gone. */
async function withWriters(body: (scene: Scene) => Promise<void>): Promise<void> {
  await inTemporaryFolder(async (dataFolder) => {
    const options = { runtime: "process" as const, dataFolder, subnet: SUBNET };
    const server = await ServerProcess.start({ ...options, args: ["--temporary"] });
    const others: ServerProcess[] = [];
    const written = new Set<string>();
    const stop = new AbortController();
    const writers = Array.from({ length: WRITERS }, (_, i) => write(server, i, written, stop));
    try {
      await eventually("the writers write", () => written.size >= WRITES_BEFORE);
      const next = async (...args: string[]) => {
        const other = await ServerProcess.start({ ...options, args: ["--temporary", ...args] });
        others.push(other);
        return other;
      };
      const acknowledged = async () => {
        stop.abort();
        await Promise.all(writers);
        return written;
      };
      await body({ server, next, acknowledged });
    } finally {
      stop.abort();
      await server.kill();
      await Promise.all([...writers, ...others.map((other) => other.stop())]);
      await removeNetwork(dataFolder, SUBNET); // left by the killed server
    }
  });
}

async function write(
  server: ServerProcess,
  writer: number,
  written: Set<string>,
  { signal }: AbortController,
): Promise<void> {
  for (let i = 0; !signal.aborted; i++) {
    const name = `w${writer}-${i}`;
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
    try {
      const { status } = await server.create(CONFIG_MAPS, object, { signal });
      if (status === 201) written.add(name);
    } catch {
      if (signal.aborted || await isOver(server)) return;
    }
  }
}

async function isOver(server: ServerProcess): Promise<boolean> {
  return await Promise.race([server.ended.then(() => true), Promise.resolve(false)]);
}

async function assertKept(server: ServerProcess, written: Set<string>): Promise<void> {
  const { items } = await (await server.fetch(CONFIG_MAPS)).json() as {
    items: { metadata: { name: string } }[];
  };
  const there = new Set(items.map(({ metadata: { name } }) => name));
  assert.deepEqual([...written].filter((name) => !there.has(name)), []);
}

/** Takes over the store while the other still writes. */
async function shuttingOut(path: string): Promise<KvJournal> {
  const options = {
    clock: new SystemClock(),
    signal: new AbortController().signal,
    tell: () => {},
    endMs: 1,
    killedMs: 1,
    kill: () => {}, // it hangs in the kernel, say
  };
  (await takeLockOver(`${path}.lock`, options)).release(); // a failed take-over must not block others
  return await KvJournal.open(path, { takeLock: (lock) => takeLockOver(lock, options) });
}
