import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { readLog } from "./log_reader.ts";

const lines = (...texts: string[]) =>
  texts.map((text, index) => `2026-01-01T00:00:0${index}.5Z stdout F ${text}\n`).join("");

Deno.test("a log is read as the program wrote it", async () => {
  await using log = await LogUnderTest.of(lines("one", "", "three"));
  assert.equal(await log.read({}), "one\n\nthree\n");
  assert.equal(
    await log.read({ timestamps: true, tailLines: 1 }),
    "2026-01-01T00:00:02.5Z three\n",
  );
});

Deno.test("a line that was cut by the runtime is one line again", async () => {
  const parts = "2026-01-01T00:00:00Z stdout P long \n2026-01-01T00:00:01Z stdout F line\n";
  await using log = await LogUnderTest.of(parts + lines("next"));
  assert.equal(await log.read({}), "long line\nnext\n");
  assert.equal(await log.read({ tailLines: 2 }), "long line\nnext\n");
  assert.equal(await log.read({ tailLines: 1 }), "next\n");
  assert.equal(
    await log.read({ timestamps: true, tailLines: 2 }),
    "2026-01-01T00:00:00Z long line\n2026-01-01T00:00:00.5Z next\n",
  );
});

Deno.test("times are shown in UTC as the kubelet shows them", async () => {
  await using log = await LogUnderTest.of("2026-01-01T00:00:00.5+00:00 stdout F one\n");
  assert.equal(await log.read({ timestamps: true }), "2026-01-01T00:00:00.5Z one\n");
});

for (const format of ["cri", "raw"] as const) {
  Deno.test(`the tail of a large ${format} log is exact at every length`, async () => {
    const texts = Array.from(
      { length: 5_000 },
      (_, index) => `line ${index} ${"x".repeat(index % 90)}`,
    );
    const content = format === "raw"
      ? texts.map((text) => `${text}\n`).join("")
      : texts.map((text) => `2026-01-01T00:00:00Z stdout F ${text}\n`).join("");
    await using log = await LogUnderTest.of(content, format);
    for (const tailLines of [0, 1, 2, 999, 2_500, 4_999, 5_000, 6_000]) {
      const wanted = texts.slice(Math.max(0, texts.length - tailLines)).map((text) => `${text}\n`);
      const expected = tailLines === 0 ? "" : wanted.join("");
      assert.equal(await log.read({ tailLines }), expected, `the last ${tailLines}`);
    }
  });
}

Deno.test("since leaves out what is older, and limitBytes cuts the end", async () => {
  await using log = await LogUnderTest.of(lines("one", "two", "three"));
  const sinceMs = Date.parse("2026-01-01T00:00:01Z");
  assert.equal(await log.read({ sinceMs }), "two\nthree\n");
  assert.equal(await log.read({ limitBytes: 6 }), "one\ntw");
  assert.equal(await log.read({ limitBytes: 0 }), "");
});

Deno.test("a raw log is read as it is, its last line too", async () => {
  await using log = await LogUnderTest.of("one\ntwo", "raw");
  assert.equal(await log.read({}), "one\ntwo\n");
  assert.match(await log.read({ timestamps: true }), /^20\d\d-.*Z one\n20\d\d-.*Z two\n$/);
});

Deno.test("a log that is not there is empty", async () => {
  await using log = await LogUnderTest.of("");
  await Deno.remove(log.path);
  assert.equal(await log.read({}), "");
});

Deno.test("a follower gets what is written later, and ends with the container", async () => {
  await using log = await LogUnderTest.of(lines("one"));
  const reader = log.follow({ tailLines: 1 });
  assert.equal(await reader.next(), "one\n");
  await log.append(lines("two"));
  assert.equal(await reader.next(), "two\n");
  await log.append(lines("last"));
  log.ended.abort();
  assert.equal(await reader.next(), "last\n");
  assert.equal(await reader.next(), undefined);
});

Deno.test("a follower goes on in the new file after a rotation, renamed or emptied", async () => {
  await using log = await LogUnderTest.of(lines("one"));
  const reader = log.follow({});
  assert.equal(await reader.next(), "one\n");
  await Deno.rename(log.path, `${log.path}.1`);
  await log.append(lines("two"));
  assert.equal(await reader.next(), "two\n");
  await Deno.truncate(log.path);
  await log.append(lines("3"));
  assert.equal(await reader.next(), "3\n");
  log.ended.abort();
  assert.equal(await reader.next(), undefined);
});

Deno.test("a follower that nobody reads any more ends", async () => {
  await using log = await LogUnderTest.of("");
  const reader = log.follow({});
  const next = reader.next();
  log.left.abort();
  assert.equal(await next, undefined);
});

type Options = Partial<Parameters<typeof readLog>[0]["options"]>;

class LogUnderTest implements AsyncDisposable {
  readonly ended = new AbortController();
  readonly left = new AbortController();

  private constructor(readonly folder: string, readonly format: "cri" | "raw") {}

  static async of(content: string, format: "cri" | "raw" = "cri"): Promise<LogUnderTest> {
    const log = new LogUnderTest(await Deno.makeTempDir(), format);
    await Deno.writeTextFile(log.path, content);
    return log;
  }

  get path(): string {
    return `${this.folder}/0.log`;
  }

  async append(content: string): Promise<void> {
    await Deno.writeTextFile(this.path, content, { append: true });
  }

  async read(options: Options): Promise<string> {
    const chunks = await Array.fromAsync(this.#open({ follow: false, ...options }));
    return chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
  }

  follow(options: Options): { next(): Promise<string | undefined> } {
    const reader = this.#open({ follow: true, ...options })[Symbol.asyncIterator]();
    return {
      next: async () => {
        const { value } = await reader.next();
        return value === undefined ? undefined : new TextDecoder().decode(value);
      },
    };
  }

  #open(options: Options & { follow: boolean }): AsyncGenerator<Uint8Array> {
    return readLog({
      path: this.path,
      format: this.format,
      options: {
        timestamps: false,
        tailLines: undefined,
        sinceMs: undefined,
        limitBytes: undefined,
        ...options,
      },
      ended: this.ended.signal,
      signal: this.left.signal,
      clock: new SystemClock(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.left.abort();
    await Deno.remove(this.folder, { recursive: true });
  }
}
