import assert from "node:assert/strict";
import { LinkError } from "../../core/client/link_error.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { NodeReport } from "../../core/usage/node_report.ts";
import { sendReports } from "./report_loop.ts";

Deno.test("a node reports as often as the server asks for, within bounds, and goes on after a failure", async () => {
  const clock = new VirtualClock();
  const sent: number[] = [];
  const answers: unknown[] = [
    { nextMs: 15_000 },
    new LinkError("away"),
    { nextMs: 1 },
    { nextMs: 1e9 },
    "nonsense",
    { nextMs: 15_000 },
  ];
  const stop = new AbortController();
  const running = sendReports({
    clock,
    node: "edge",
    usage: { report: () => Promise.resolve({ node: "edge" } as NodeReport) },
    link: {
      ask: ({ method, path }) => {
        assert.deepEqual([method, path], ["PUT", "/node-reports/edge"]);
        sent.push(Math.round(clock.elapsed() / 1_000));
        const answer = answers.shift();
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
  }, stop.signal);
  await clock.advance(446_000);
  assert.deepEqual(sent.map((second) => second - sent[0]!), [0, 15, 75, 85, 385, 445]);
  stop.abort();
  await running;
});

Deno.test("nothing is reported to a server that asks through the tunnel", async () => {
  const clock = new VirtualClock();
  let sent = 0;
  const listeners = new Set<(tunnel: undefined) => void>();
  const dialler = {
    state: "starting" as "starting" | "up" | "down" | "unsupported",
    onChange: (listener: (tunnel: undefined) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const become = async (state: typeof dialler.state) => {
    dialler.state = state;
    listeners.forEach((each) => each(undefined));
    await clock.advance(300_000);
  };
  const stop = new AbortController();
  const running = sendReports({
    ...{ clock, dialler, node: "edge" },
    usage: { report: () => Promise.resolve({ node: "edge" } as NodeReport) },
    link: { ask: () => Promise.resolve({ nextMs: ++sent && 300_000 }) },
  }, stop.signal);
  for (const state of ["up", "down", "up"] as const) await become(state);
  assert.equal(sent, 0);
  await become("unsupported");
  assert.ok(sent > 0);
  await become("up");
  const before = sent;
  await clock.advance(3_600_000);
  assert.equal(sent, before);
  stop.abort();
  await running;
  assert.equal(listeners.size, 0);
});
