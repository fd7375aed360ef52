import assert from "node:assert/strict";
import { later } from "../eventually.ts";
import { ServerProcess } from "../server_process.ts";
import type { ActName } from "./stranger_acts.ts";
import { strangersAt, targetOf } from "./strangers.ts";

const STOP_MS_MAX = 10_000;
const KINDS: readonly ActName[] = [
  "idle",
  "held upgrade",
  "endless body",
  "unread answers",
  "dripped head",
  "half handshake",
];

for (const kind of KINDS) {
  Deno.test(`a stranger cannot keep a server from stopping: ${kind}`, async () => {
    const server = await ServerProcess.start({
      runtime: "process",
      args: ["--stop-pods", "--temporary"],
    });
    try {
      await stopsInTime(server, kind);
    } finally {
      await server.destroy();
    }
  });
}

async function stopsInTime(server: ServerProcess, kind: ActName): Promise<void> {
  const end = new AbortController();
  const plan = { crowd: { [kind]: 3 }, seconds: 2 * STOP_MS_MAX / 1_000, signal: end.signal };
  const strangers = strangersAt(await targetOf(server), plan);
  await later(2_000); // until all attack
  const startMs = performance.now();
  const code = await server.stop();
  const stopMs = performance.now() - startMs;
  end.abort();
  await strangers;
  assert.equal(code, 0, server.log);
  assert.ok(stopMs <= STOP_MS_MAX, `It took ${Math.round(stopMs)} ms`);
}
