import type { Bench, Measurement } from "../harness.ts";
import { usageOf } from "../processes.ts";
import { startServer } from "../server.ts";
import { allHealthy, applyAll, makeWebImage, webRollout } from "./web_rollout.ts";

const ROLLOUTS = 20;
/** After the last change; see the idle measurement. */
const SETTLE_MS = 75_000;
const WINDOW_MS = 60_000;
const MIB = 1024 * 1024;

/** What rollouts cost that have nothing to do. */
export const finishedRollouts: Measurement = {
  name: "rollouts-idle",
  title: `Idle with ${ROLLOUTS} finished rollouts, and with none`,
  needs: [],
  async run(bench) {
    return {
      columns: ["rollouts", "CPU of the server, % of a core", "RSS, MiB", "written to disk, KiB"],
      rows: [await measured(bench, 0), await measured(bench, ROLLOUTS)],
      notes: [
        `${WINDOW_MS / 1_000} s, ${
          SETTLE_MS / 1_000
        } s after the last change. Each rollout has gone through two versions and has`,
        "no pod now, so that its pods cost nothing. To hold: none measurable.",
      ],
    };
  },
};

async function measured(bench: Bench, count: number): Promise<string[]> {
  bench.say(`${count} rollouts`);
  const server = await startServer(bench, "process");
  await makeWebImage(server);
  const names = Array.from({ length: count }, (_, i) => `web-${i}`);
  const strategy = { canary: { steps: [{ setWeight: 50 }, { pause: { duration: 1 } }] } };
  for (const version of ["1", "2"]) {
    const all = names.map((name) => webRollout({ name, version, replicas: 0, strategy }));
    if (count > 0) await applyAll(server, all);
    await allHealthy(server);
  }
  await sleep(SETTLE_MS);
  const before = usageOf([server.pid]);
  await bench.witnessed(() => sleep(WINDOW_MS));
  const after = usageOf([server.pid]);
  await server.stop();
  return [
    String(count),
    ((after.cpuSeconds - before.cpuSeconds) / (WINDOW_MS / 1_000) * 100).toFixed(2),
    (after.rssBytes / MIB).toFixed(1),
    ((after.writtenBytes - before.writtenBytes) / 1024).toFixed(0),
  ];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
