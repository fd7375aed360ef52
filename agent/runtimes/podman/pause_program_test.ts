import assert from "node:assert/strict";
import { SystemClock } from "../../../core/lib/clock.ts";
import { pauseProgram } from "./pause_program.ts";

/** The bit of SIGCHLD, 17, in the masks of proc(5). */
const SIGCHLD_BIT = 1n << 16n;

Deno.test("the program waits for ever without work or memory, and ignores the ends of orphans", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/pause`;
  await Deno.writeFile(path, pauseProgram(Deno.build.arch)!, { mode: 0o700 });
  const child = new Deno.Command(path).spawn();
  try {
    const clock = new SystemClock();
    const read = () => Deno.readTextFile(`/proc/${child.pid}/status`);
    let status = await read();
    for (let round = 0; round < 1_000 && !/State:\tS/.test(status); round++) {
      await clock.sleep(5);
      status = await read();
    }
    const ignored = BigInt(`0x${/SigIgn:\t(\w+)/.exec(status)![1]}`);
    assert.equal(ignored & SIGCHLD_BIT, SIGCHLD_BIT);
    assert.ok(Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) < 100, status);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("there is a program for each architecture that Deno has on Linux, and for no other", () => {
  const machineOf = (architecture: string) => {
    const file = pauseProgram(architecture);
    return file && new DataView(file.buffer).getUint16(18, true); // elf(5): e_machine
  };
  assert.deepEqual(["x86_64", "aarch64", "riscv64"].map(machineOf), [62, 183, undefined]);
});

Deno.test("code refers to what follows it in the same file", () => {
  // AArch64 cannot be run everywhere: what `adr` at its place names are the eight words at the end.
  const file = pauseProgram("aarch64")!;
  const view = new DataView(file.buffer);
  const at = 120 + 4;
  const word = view.getUint32(at, true);
  const distance = (((word >>> 5) & 0x7ffff) << 2) | ((word >>> 29) & 3);
  assert.equal(at + distance, file.length - 32);
  assert.equal(view.getUint32(at + distance, true), 1); // SIG_IGN
});
