import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { startIn, watchShutdown } from "./machine_shutdown.ts";

Deno.test("what logind says is understood, and nothing else is", () => {
  const said = (data: unknown, member = "PrepareForShutdown") =>
    JSON.stringify({ type: "signal", member, payload: { type: "b", data } });
  assert.equal(startIn(said([true])), true);
  assert.equal(startIn(said([false])), false);
  const others = [
    said([true], "PrepareForSleep"),
    said([]),
    said(["yes"]),
    said(undefined),
    "null",
  ];
  for (const line of [...others, "Monitoring bus message stream.", '"x"', ""]) {
    assert.equal(startIn(line), undefined, line);
  }
});

Deno.test("a shutdown is held up until the pods have ended, and a lock is taken again when it is called off", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // As systemd's own do: one holds a lock while it runs, the other writes a line for each signal.
    await program(folder, "systemd-inhibit", `echo $$ >> ${folder}/locks; exec sleep 600`);
    await program(folder, "busctl", `mkfifo ${folder}/said; exec cat ${folder}/said`);
    const locks = async () =>
      (await Deno.readTextFile(`${folder}/locks`).catch(() => "")).split("\n").filter(Boolean);
    const stop = new AbortController();
    const told: string[] = [];
    const released = Promise.withResolvers<void>();
    const log = silentLog(new SystemClock());
    const watching = watchShutdown({
      begin: () => {
        told.push("begin");
        return released.promise;
      },
      cancel: () => void told.push("cancel"),
    }, { log, signal: stop.signal, tools: { path: `${folder}:/usr/bin:/bin` } });
    await until(async () => (await locks()).length === 1);
    const [first] = await locks();
    const logind = await opened(`${folder}/said`);
    const say = (isStarting: boolean) =>
      logind.write(new TextEncoder().encode(
        JSON.stringify({ member: "PrepareForShutdown", payload: { data: [isStarting] } }) + "\n",
      ));
    await say(true);
    await until(() => told.length === 1);
    assert.equal(runs(first!), true, "the lock is held while the pods end");
    released.resolve();
    await until(() => !runs(first!));
    await say(false);
    await until(async () => (await locks()).length === 2);
    assert.deepEqual(told, ["begin", "cancel"]);
    stop.abort();
    logind.close();
    await watching;
    const [, second] = await locks();
    await until(() => !runs(second!));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a machine without systemd is not held up", async () => {
  const stop = new AbortController();
  const listener = { begin: () => Promise.resolve(), cancel: () => {} };
  const log = silentLog(new SystemClock());
  const watching = watchShutdown(listener, {
    log,
    signal: stop.signal,
    tools: { path: "/nowhere" },
  });
  stop.abort();
  await watching;
});

async function program(folder: string, name: string, script: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

async function opened(path: string): Promise<Deno.FsFile> {
  await until(() => Deno.stat(path).then(() => true, () => false));
  return await Deno.open(path, { write: true });
}

function runs(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const clock = new SystemClock();
  for (let tries = 0; tries < 500; tries++) {
    if (await isSo()) return;
    await clock.sleep(10);
  }
  assert.fail("it does not happen");
}
