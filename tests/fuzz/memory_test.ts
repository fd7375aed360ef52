/**
 * The memory of a server while hostile YAML is sent to it. Its heap is small, so that garbage that V8 would keep on a large
 * machine does not hide leaks.
 */
import assert from "node:assert/strict";
import { type ServerProcess, withServer } from "../server_process.ts";

/** Used by no other suite. */
const SUBNET = 56;
const HEAP_MIB = 112;
const BYTES_MAX = 3 * 1024 * 1024;
/** After one that fills what is kept of all. */
const ROUNDS = 3;
/** Allowed variation: the collector chooses its own moments. */
const NOISE_MIB = 24;
/** Bad timing happens once; a leak shows in every series. */
const SERIES_MAX = 4;
/** Read together they would take twice the heap. */
const AT_ONCE = 24;

const HOSTILE: readonly string[] = [
  `a:\n${"- {a: b}\n".repeat(9_000)}`, // as much as may be read
  filled("a: [", "1,"),
  filled("a:\n", "- &a b\n"),
  `a: &a [1]\nb:\n${"- *a\n".repeat(19_000)}`,
  filled("", "---\na: 1\n"),
  filled("a: ", "x\n  "),
  filled("", "@ ` %\n"),
  Array.from({ length: 900 }, (_, i) => `kind: Pod\nmetadata: {name: n${i}}\n`).join("---\n"),
];

test("hostile YAML that comes again and again takes no more memory than at first", () =>
  withSmallServer(async (server) => {
    await peakOf(server, 1);
    const peaks = [await peakOf(server, ROUNDS)];
    while (peaks.length <= SERIES_MAX) {
      const before = peaks.at(-1)!;
      const peak = await peakOf(server, ROUNDS);
      if (peak <= before + NOISE_MIB) return;
      peaks.push(peak);
    }
    assert.fail(`it took ever more, in MiB: ${peaks.join(", ")}`);
  }));

test("hostile YAML of many clients at once is read by a few of them at a time", () =>
  withSmallServer(async (server) => {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => send(server, HOSTILE[0]!)),
    );
    // On a slow machine, those that wait longest for their turn have waited for a minute: then nothing of them is read.
    assert.deepEqual(answers.filter((code) => code !== 504 && code !== 422), []);
    assert.ok(answers.includes(422), "none was read");
    assert.equal(await send(server, HOSTILE[0]!), 422);
  }));

function test(name: string, fn: () => Promise<void>): void {
  const canMeasure = Deno.build.os === "linux";
  Deno.test({ name: canMeasure ? name : `${name} (needs Linux)`, ignore: !canMeasure, fn });
}

/** `piece` again and again, up to what a body may have. */
function filled(start: string, piece: string): string {
  return start + piece.repeat((BYTES_MAX - start.length - 1) / piece.length);
}

function withSmallServer(body: (server: ServerProcess) => Promise<void>): Promise<void> {
  const env = { DENO_V8_FLAGS: `--max-old-space-size=${HEAP_MIB}` };
  return withServer({ runtime: "process", subnet: SUBNET, env }, body);
}

/** The most that the server takes after any of so many rounds' documents, in MiB. */
async function peakOf(server: ServerProcess, rounds: number): Promise<number> {
  let peak = 0;
  for (let round = 0; round < rounds; round++) {
    for (const text of HOSTILE) {
      assert.match(String(await send(server, text)), /^4/);
      peak = Math.max(peak, await memoryOf(server));
    }
  }
  return peak;
}

async function send(server: ServerProcess, body: string): Promise<number> {
  const headers = { "content-type": "application/yaml" };
  return (await server.fetch("/apply", { method: "PUT", headers, body })).status;
}

/** See proc(5). */
async function memoryOf(server: ServerProcess): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${server.pid}/status`);
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024);
}
