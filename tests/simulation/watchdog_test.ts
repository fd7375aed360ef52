import assert from "node:assert/strict";

/** Loops as a bug of the product can: no timer, no virtual time, and nothing else gets a turn. */
const LOOPING = `
  import { Watchdog } from ${JSON.stringify(import.meta.resolve("./watchdog.ts"))};
  for (const seed of new Watchdog(100).over([7, 8, 9])) {
    console.log("seed", seed);
    while (seed === 8) await undefined;
  }`;

Deno.test("a seed that loops while virtual time stands still is reported and ended", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", LOOPING],
    signal: AbortSignal.timeout(60_000),
    stdout: "piped",
    stderr: "null",
  });
  const { signal, stdout } = await child.output();
  assert.deepEqual(new TextDecoder().decode(stdout).trim().split("\n"), [
    "seed 7",
    "seed 8",
    "BAD 8: loops while virtual time stands still, for 0.1 s now",
  ]);
  assert.equal(signal, "SIGKILL");
});
