import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { LogCursor, placeIn } from "./log_cursor.ts";
import { filesOfRun } from "./run_files.ts";

Deno.test("files are read one after the other, each to its end, whatever is put away meanwhile", async () => {
  await using log = await TestLog.make();
  await log.append("one ");
  await log.rotatedFilesOf(7);
  await log.append("two ");
  const cursor = log.cursor();
  assert.equal(await log.next(cursor), "one ");
  assert.equal(await log.next(cursor), "two ");
  assert.equal(await log.next(cursor), undefined);
  await log.append("more ");
  await log.rotatedFilesOf(8);
  assert.equal(await log.next(cursor), "more ");
  assert.equal(await log.next(cursor), undefined, "the next file is not there yet");
  await log.append("three ");
  assert.equal(await log.next(cursor), "three ");
  cursor.close();
});

Deno.test("a file that was renamed over is read to its end all the same, and then the new one", async () => {
  await using log = await TestLog.make();
  await log.append("one ");
  const cursor = log.cursor();
  assert.equal(await log.next(cursor), "one ");
  await log.append("last of it ");
  await log.replace("new ");
  assert.equal(await log.next(cursor), "last of it ");
  assert.equal(await log.next(cursor), "new ");
  cursor.close();
});

Deno.test("a second name of the file that is written to is not read twice", async () => {
  await using log = await TestLog.make();
  await log.append("one ");
  await Deno.link(log.path, `${log.path}.1`);
  const cursor = log.cursor();
  assert.equal(await log.next(cursor), "one ");
  assert.equal(await log.next(cursor), undefined);
  await log.replace("two ");
  assert.equal(await log.next(cursor), "two ");
  assert.equal(await log.next(cursor), undefined);
  cursor.close();
});

Deno.test("from a file that has gone it goes on with the oldest that is left, and never back", async () => {
  await using log = await TestLog.make();
  for (const number of [1, 2, 3]) {
    await log.append(`${number} `);
    await log.rotatedFilesOf(number);
  }
  await log.append("now ");
  const files = await filesOfRun(log.path);
  const fromSecond = new LogCursor(log.path, new SystemClock(), placeIn(files, files[1]!, 0));
  const fromLast = new LogCursor(log.path, new SystemClock(), placeIn(files, files[3]!, 0));
  await Deno.remove(`${log.path}.2`);
  assert.equal(await log.next(fromSecond), "3 ");
  assert.equal(await log.next(fromSecond), "now ");
  await log.replace("new ");
  assert.equal(await log.next(fromLast), "new ");
  for (const cursor of [fromSecond, fromLast]) cursor.close();
});

Deno.test("who rests keeps no file, and goes on where it was", async () => {
  await using log = await TestLog.make();
  await log.append("one ");
  const cursor = log.cursor();
  assert.equal(await log.next(cursor), "one ");
  cursor.close();
  await log.append("two ");
  await log.rotatedFilesOf(1);
  await log.append("three ");
  assert.equal(await log.next(cursor), "two ");
  assert.equal(await log.next(cursor), "three ");
  cursor.close();
});

Deno.test("a file without a name is left after some seconds: its room is not held for ever", async () => {
  await using log = await TestLog.make();
  const clock = new VirtualClock(0);
  await log.append("x".repeat(300_000));
  const cursor = new LogCursor(log.path, clock);
  await cursor.read();
  await log.replace("new ");
  assert.equal((await log.next(cursor))![0], "x");
  await clock.advance(6_000);
  assert.equal(await log.next(cursor), "new ");
  cursor.close();
});

Deno.test("a log that was emptied is read from its begin", async () => {
  await using log = await TestLog.make();
  await log.append("one and more ");
  const cursor = log.cursor();
  await cursor.read();
  await Deno.truncate(log.path);
  await log.append("two ");
  assert.equal(await log.next(cursor), "two ");
  cursor.close();
});

class TestLog implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<TestLog> {
    return new TestLog(await Deno.makeTempDir());
  }

  get path(): string {
    return `${this.folder}/0.log`;
  }

  cursor(): LogCursor {
    return new LogCursor(this.path, new SystemClock());
  }

  async next(cursor: LogCursor): Promise<string | undefined> {
    const block = await cursor.read();
    return block && new TextDecoder().decode(block.bytes);
  }

  async append(text: string): Promise<void> {
    await Deno.writeTextFile(this.path, text, { append: true });
  }

  /** As our supervisor does. */
  async rotatedFilesOf(number: number): Promise<void> {
    await Deno.rename(this.path, `${this.path}.${number}`);
  }

  /** As conmon does. */
  async replace(text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}.tmp`, text);
    await Deno.rename(`${this.path}.tmp`, this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
