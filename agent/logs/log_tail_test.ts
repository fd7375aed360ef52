import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { BLOCK_BYTES, LogCursor } from "./log_cursor.ts";
import { type Tail, tailPlace } from "./log_tail.ts";
import { filesOfRun } from "./run_files.ts";

const MIB = 1024 * 1024;
const { signal } = new AbortController();

for (const format of ["cri", "raw"] as const) {
  Deno.test(`the tail of a ${format} log is the same however it lies in files`, async () => {
    const lines = Array.from({ length: 60 }, (_, i) => `line ${i} ${"x".repeat(i * i * 3)}`);
    const whole = lines.map((line) => entriesOf(line, format)).join("");
    for (const files of [1, 2, 3, 7]) {
      await using log = await TestLog.of(whole, files, format);
      for (const count of [0, 1, 2, 13, 59, 60, 100]) {
        const tail = lines.slice(Math.max(0, lines.length - count));
        const expected = count === 0 ? "" : tail.map((line) => entriesOf(line, format)).join("");
        assert.equal(await log.tail({ lines: count, format }), expected, `${count} in ${files}`);
      }
    }
  });
}

Deno.test("a log without newlines is looked at for a mebibyte for each line that is asked for", async () => {
  await using log = await TestLog.of("", 1, "raw");
  await Deno.truncate(log.path, 1024 * MIB); // takes no room: it is all zeros
  const place = await log.place({ lines: 3, format: "raw" });
  assert.equal(place!.offset, 1021 * MIB);
});

Deno.test("the same of a line that the runtime has cut into entries: the tail begins with a whole one", async () => {
  const entry = `2026-01-01T00:00:00Z stdout P ${"x".repeat(8_000)}\n`;
  await using log = await TestLog.of(entry.repeat(400), 1, "cri");
  const { offset } = (await log.place({ lines: 1, format: "cri" }))!;
  assert.equal(offset % entry.length, 0);
  const bytes = entry.length * 400 - offset;
  assert.ok(bytes >= MIB && bytes <= MIB + 2 * BLOCK_BYTES, `${bytes} bytes`);
});

Deno.test("no more is looked at than is allowed", async () => {
  const entry = "2026-01-01T00:00:00Z stdout P x\n";
  await using log = await TestLog.of(entry.repeat(100_000), 2, "cri");
  const { offset } = (await log.place({ lines: 80, format: "cri", bytesMax: 2 * BLOCK_BYTES }))!;
  assert.equal(offset % entry.length, 0);
  const bytes = entry.length * 50_000 - offset;
  assert.ok(bytes > BLOCK_BYTES && bytes <= 2 * BLOCK_BYTES, `${bytes} bytes`);
});

Deno.test("who asked and has gone ends the search", async () => {
  await using log = await TestLog.of("x".repeat(1_000), 1, "raw");
  const place = log.place({
    lines: 1,
    format: "raw",
    signal: AbortSignal.abort(new Error("gone")),
  });
  await assert.rejects(place, /gone/);
});

/** What a runtime writes of a line: a long one in entries of 4,000 bytes. */
function entriesOf(line: string, format: "cri" | "raw"): string {
  if (format === "raw") return `${line}\n`;
  const parts = line.match(/.{1,4000}/g)!;
  return parts.map((part, i) =>
    `2026-01-01T00:00:00.000000001+00:00 stdout ${i === parts.length - 1 ? "F" : "P"} ${part}\n`
  ).join("");
}

/** A log in some files. */
class TestLog implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** Cut where a runtime would: between entries, or anywhere when the log is raw. */
  static async of(text: string, files: number, format: "cri" | "raw"): Promise<TestLog> {
    const log = new TestLog(await Deno.makeTempDir());
    let start = 0;
    for (let i = 1; i < files; i++) {
      const middle = Math.floor(text.length * i / files);
      const end = format === "raw" ? middle : text.indexOf("\n", middle) + 1;
      await Deno.writeTextFile(`${log.path}.${i + 8}`, text.slice(start, end));
      start = end;
    }
    await Deno.writeTextFile(log.path, text.slice(start));
    return log;
  }

  get path(): string {
    return `${this.folder}/0.log`;
  }

  async place(tail: Omit<Tail, "signal"> & Partial<Tail>) {
    return await tailPlace(await filesOfRun(this.path), { signal, ...tail });
  }

  async tail(tail: Omit<Tail, "signal">): Promise<string> {
    const cursor = new LogCursor(this.path, new SystemClock(), await this.place(tail));
    let text = "";
    for (let block; (block = await cursor.read());) text += new TextDecoder().decode(block.bytes);
    cursor.close();
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
