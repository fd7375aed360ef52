import assert from "node:assert/strict";
import { keepHistory } from "./log_history.ts";
import { filesOfRun } from "./run_files.ts";

const LIMITS = { bytesMax: 1_000, filesMax: 3 };

Deno.test("what conmon begins anew is kept, within the bound at every moment", async () => {
  await using log = await TestLog.make();
  for (let i = 0; i < 10; i++) {
    await log.replace(String(i).repeat(900));
    assert.ok(await log.bytes() <= LIMITS.bytesMax * LIMITS.filesMax);
    for (let times = 0; times < 3; times++) await keepHistory(log.path, "cri", LIMITS);
    assert.ok(await log.bytes() <= LIMITS.bytesMax * LIMITS.filesMax);
  }
  const files = await filesOfRun(log.path);
  assert.deepEqual(files.map(({ bytes }) => bytes), [900, 900]);
  await log.replace("now");
  assert.equal((await filesOfRun(log.path)).length, 3);
});

Deno.test("a log that our supervisor rotates is left alone", async () => {
  await using log = await TestLog.make();
  await log.replace("x".repeat(1_500));
  await keepHistory(log.path, "raw", LIMITS);
  assert.deepEqual(await log.names(), ["0.log"]);
});

Deno.test("a log that nobody rotates is cut when it is twice too long; its newest part is kept", async () => {
  for (const format of ["cri", "raw"] as const) {
    await using log = await TestLog.make();
    await log.replace("a".repeat(1_500) + "b".repeat(1_000));
    await keepHistory(log.path, format, LIMITS);
    assert.deepEqual(await log.names(), ["0.log", "0.log.1"]);
    assert.equal(await Deno.readTextFile(`${log.path}.1`), "b".repeat(1_000));
    assert.equal((await Deno.stat(log.path)).size, 0);
  }
});

Deno.test("a log that is not there needs nothing", async () => {
  await using log = await TestLog.make();
  await keepHistory(log.path, "cri", LIMITS);
  assert.deepEqual(await log.names(), []);
});

class TestLog implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<TestLog> {
    return new TestLog(await Deno.makeTempDir());
  }

  get path(): string {
    return `${this.folder}/0.log`;
  }

  async replace(text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/new`, text);
    await Deno.rename(`${this.folder}/new`, this.path);
  }

  /** What it takes of the disk. */
  async bytes(): Promise<number> {
    return (await filesOfRun(this.path)).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async names(): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.folder))).map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
