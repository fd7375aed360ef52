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
  // The shell becomes a program that never asks for its children; the child ends when it is told to.
  const parent = new Deno.Command("/bin/sh", {
    args: ["-c", "exec 3<&0; read line <&3 & echo $!; exec sleep 1000"],
    ...{ stdin: "piped", stdout: "piped" },
  }).spawn();
  const fileOf = (pid: number, name: string) => Deno.readTextFileSync(`/proc/${pid}/${name}`);
  try {
    const { value } = await parent.stdout.getReader().read();
    const child = Number(new TextDecoder().decode(value));
    await eventually(
      "the shell is another program",
      () => fileOf(parent.pid, "comm") === "sleep\n",
    );
    assert.ok(isRunning(identityOf(child)!));
    await parent.stdin.getWriter().write(new TextEncoder().encode("end\n"));
    await eventually("the child has ended", () => / Z /.test(fileOf(child, "stat")));
    const identity = identityOf(child)!;
    assert.deepEqual([isAlive(identity), isRunning(identity)], [true, false]);
  } finally {
    parent.kill("SIGKILL");
    await parent.status;
  }
});
