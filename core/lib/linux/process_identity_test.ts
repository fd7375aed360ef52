import assert from "node:assert/strict";
import { eventually } from "../../../tests/eventually.ts";
import { identityOf, isAlive, isRunning, parseIdentity, signal } from "./process_identity.ts";

Deno.test("a process is told from others by its start, whatever its name is", () => {
  const fields = Array.from({ length: 30 }, (_, index) => index);
  const line = `boot 42 (odd) (name)) S 7 ${fields.slice(5).join(" ")}`;
  assert.deepEqual(parseIdentity(line), {
    pid: 42,
    parentPid: 7,
    startTicks: 22,
    bootId: "boot",
  });
});

Deno.test("a line that was cut off is no identity", () => {
  for (const text of ["", "boot ", "boot 42 (a) S 7", "boot x"]) {
    assert.equal(parseIdentity(text), undefined, text);
  }
});

Deno.test("this process is alive, and one with its number from another boot is not", () => {
  const own = identityOf(Deno.pid)!;
  assert.ok(isAlive(own));
  assert.ok(!isAlive({ ...own, bootId: "another" }));
  assert.ok(!isAlive({ ...own, startTicks: own.startTicks - 1 }));
});

Deno.test("a signal to nobody is no error", async () => {
  const child = new Deno.Command("true").spawn();
  await child.status;
  assert.equal(signal(child.pid, "SIGKILL"), false);
  assert.equal(identityOf(child.pid), undefined);
});

Deno.test("a process that has ended and was not waited for is alive, but runs no more", async () => {
  // The shell becomes a program that never asks for its children.
  const parent = new Deno.Command("/bin/sh", {
    args: ["-c", "true & echo $!; exec sleep 1000"],
    stdout: "piped",
  }).spawn();
  try {
    const { value } = await parent.stdout.getReader().read();
    const child = Number(new TextDecoder().decode(value));
    const isZombie = () =>
      / Z /.test(Deno.readTextFileSync(`/proc/${child}/stat`)) && identityOf(child);
    const identity = await eventually("it has ended", () => Promise.resolve(isZombie()));
    assert.deepEqual([isAlive(identity), isRunning(identity)], [true, false]);
    assert.ok(isRunning(identityOf(parent.pid)!));
  } finally {
    parent.kill("SIGKILL");
    await parent.status;
  }
});
