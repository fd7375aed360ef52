import assert from "node:assert/strict";
import { Log, type LogOptions } from "./log.ts";
import { VirtualClock } from "./virtual_clock.ts";

function logOf(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = new Log({
    clock: new VirtualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
    sink: (text) => lines.push(text),
    level: "info",
    format: "json",
    ...options,
  });
  return { log, lines };
}

Deno.test("a line for machines is one object with its time, level, message and fields", () => {
  const { log, lines } = logOf();
  log.with({ pod: "web-1" }).warn("Cannot pull", { error: new Error("no such image"), tries: 3 });
  assert.deepEqual(JSON.parse(lines[0]!), {
    time: "2026-01-02T03:04:05.006Z",
    level: "warn",
    message: "Cannot pull",
    pod: "web-1",
    error: "no such image",
    tries: 3,
  });
});

Deno.test("a line for people quotes what would be read wrongly", () => {
  const { log, lines } = logOf({ format: "text" });
  log.info("Pod started", { pod: "web-1", image: "a b", empty: "" });
  assert.equal(lines[0], '03:04:05.006 info  Pod started pod=web-1 image="a b" empty=""');
});

Deno.test("lines below the level are dropped", () => {
  const { log, lines } = logOf({ level: "warn" });
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), ["c", "d"]);
});

Deno.test("what is logged can neither forge a line nor break the log", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  for (const format of ["json", "text"] as const) {
    const { log, lines } = logOf({ format });
    log.info("a\n03:04:05.006 error forged", { level: "error", circle, big: 10n, deep: { n: 1n } });
    log.info("\x1b[2J", { long: "x".repeat(1e6) });
    assert.equal(lines.length, 2);
    for (const line of lines) {
      assert.doesNotMatch(line, /\p{Cc}/u);
      assert.ok(line.length < 10_000);
    }
    if (format === "json") assert.equal(JSON.parse(lines[0]!).level, "info");
  }
});

Deno.test("an error is written with its causes, and at level debug with its stack", () => {
  const error = new Error("Cannot start", { cause: new Error("port in use") });
  const quiet = logOf();
  quiet.log.info("x", { error });
  assert.equal(JSON.parse(quiet.lines[0]!).error, "Cannot start: port in use");
  const talkative = logOf({ level: "debug" });
  talkative.log.info("x", { error });
  assert.match(JSON.parse(talkative.lines[0]!).error, /log_test\.ts/);
});
