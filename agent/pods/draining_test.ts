import assert from "node:assert/strict";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { untilDrained } from "./draining.ts";
import type { NodeContext } from "./node_context.ts";

const { signal } = new AbortController();

/** What has happened when a pod drains on a node of so many, by milliseconds. */
async function course(nodes: number, isProxyHere = true): Promise<string[]> {
  const clock = new VirtualClock();
  const startMs = clock.elapsed();
  const seen: string[] = [];
  const note = (what: string) => seen.push(`${clock.elapsed() - startMs} ${what}`);
  const context = {
    clock,
    view: { list: () => Array.from({ length: nodes }) },
    ...(isProxyHere && {
      untilDrained: async (uid: string) => {
        note(`asked about ${uid}`);
        await clock.sleep(300);
      },
    }),
  } as unknown as NodeContext;
  const drained = untilDrained(context, "u", signal).then(() => note("drained"));
  await clock.advance(10_000);
  await drained;
  return seen;
}

Deno.test("the proxy of the only node is asked at once", async () => {
  assert.deepEqual(await course(1), ["0 asked about u", "300 drained"]);
});

Deno.test("where there are others, their proxies stop first: requests may come until then", async () => {
  assert.deepEqual(await course(2), ["2000 asked about u", "2300 drained"]);
});

Deno.test("without a proxy here those elsewhere get their time", async () => {
  assert.deepEqual(await course(1, false), ["2000 drained"]);
});
