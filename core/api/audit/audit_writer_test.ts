import assert from "node:assert/strict";
import { Log } from "../../lib/log.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { AuditWriter, type WriterThread } from "./audit_writer.ts";
import type { Observation } from "./event.ts";
import { RotatingFile } from "./rotating_file.ts";
import type { ToWriter } from "./writer_messages.ts";

function observed(auditId: string): Observation {
  return {
    level: "Metadata",
    auditId,
    stage: "ResponseComplete",
    requestUri: "/version",
    info: { isResource: false, verb: "get", path: "/version" },
    sourceIps: [],
    receivedMs: 0,
    stageMs: 0,
    annotations: {},
    omitManagedFields: false,
    isPatch: false,
  };
}

class FakeThread implements WriterThread {
  onmessage: WriterThread["onmessage"] = null;
  onerror: WriterThread["onerror"] = null;
  readonly batches: string[][] = [];
  isEnded = false;
  postMessage(message: ToWriter): void {
    if ("write" in message) this.batches.push(message.write.map(({ auditId }) => auditId));
  }
  answer(problem?: string): void {
    this.onmessage?.(new MessageEvent("message", { data: problem ? { problem } : {} }));
  }
  terminate(): void {
    this.isEnded = true;
  }
}

function writerWith(events: number) {
  const clock = new VirtualClock(0);
  const lines: string[] = [];
  const log = new Log({ clock, level: "info", format: "text", sink: (line) => lines.push(line) });
  const thread = new FakeThread();
  return { clock, lines, thread, writer: new AuditWriter(thread, log, { events, bytes: 1e9 }) };
}

Deno.test("audit writer: what comes while the thread writes is the next batch", () => {
  const { writer, thread } = writerWith(10);
  for (const id of ["a", "b", "c"]) writer.write(observed(id));
  assert.deepEqual(thread.batches, [["a"]]);
  thread.answer();
  assert.deepEqual(thread.batches, [["a"], ["b", "c"]]);
});

Deno.test("audit writer: of too many the oldest are dropped, and the log says how many", () => {
  const { writer, thread, lines } = writerWith(2);
  for (const id of ["a", "b", "c", "d", "e"]) writer.write(observed(id));
  thread.answer();
  assert.deepEqual(thread.batches, [["a"], ["d", "e"]]);
  assert.match(lines.join("\n"), /were dropped.*count.*2/);
});

Deno.test("audit writer: a stop waits for what is not written yet", async () => {
  const { writer, thread, clock } = writerWith(10);
  writer.write(observed("a"));
  writer.write(observed("b"));
  const stopped = writer.stop(clock);
  assert.equal(thread.isEnded, false);
  thread.answer();
  thread.answer();
  await stopped;
  assert.deepEqual(thread.batches, [["a"], ["b"]]);
  assert.equal(thread.isEnded, true);
});

Deno.test("audit writer: a problem is told of once", () => {
  const { writer, thread, lines } = writerWith(10);
  for (const id of ["a", "b", "c"]) {
    writer.write(observed(id));
    thread.answer(id === "c" ? undefined : "no space");
  }
  assert.equal(lines.filter((line) => line.includes("no space")).length, 1);
  assert.match(lines.at(-1)!, /written again/);
});

Deno.test("rotating file: rotates by size, keeps the newest, and is its owner's alone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const day = 24 * 60 * 60 * 1000;
    let now = Date.parse("2026-01-01T00:00:00Z");
    const path = `${folder}/audit.log`;
    await Deno.writeTextFile(`${folder}/audit-notes.log`, "not ours");
    const limits = { bytesMax: 10, backupsMax: 2, ageMsMax: 2 * day };
    const file = new RotatingFile(path, limits, { now: () => now });
    for (const text of ["one\n", "two\n", "three\n", "four four\n", "five five\n", "six six 6\n"]) {
      await file.append(new TextEncoder().encode(text));
      now += 1000;
    }
    const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names(), [
      "audit-2026-01-01T00-00-04.000.log",
      "audit-2026-01-01T00-00-05.000.log",
      "audit-notes.log",
      "audit.log",
    ]);
    assert.equal(await Deno.readTextFile(path), "six six 6\n");
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    now += 3 * day;
    await file.append(new TextEncoder().encode("seven\n"));
    assert.equal(names().length, 3); // the one put aside just now, and what is not ours
    file.close();
    const again = new RotatingFile(path, limits, { now: () => now });
    await again.append(new TextEncoder().encode("8\n"));
    again.close();
    assert.equal(await Deno.readTextFile(path), "seven\n8\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
