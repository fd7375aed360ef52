import type { Bench, Measurement } from "../harness.ts";
import { temporaryFolder } from "../server.ts";
import { cordonOwnNode, startNodes } from "../deployment.ts";
import { median } from "../statistics.ts";
import { type LookTime, TimedServer } from "./timed_server_process.ts";
import { allHealthy, applyAll, webRollout } from "./web_rollout.ts";

const ROLLOUTS = 100;
const REPLICAS = 5;
const NODES = 20;
const SUBNET = 230;

/** Many rollouts at once on simulated nodes: nothing else of the server may have to wait for one of them. */
export const rolloutCrowd: Measurement = {
  name: "rollouts-crowd",
  title: `${ROLLOUTS} rollouts at once on ${NODES} simulated nodes`,
  needs: [],
  async run(bench) {
    const { took, seconds } = await bench.witnessed(() => crowd(bench));
    const longest = (key: keyof LookTime) => Math.max(...took.map((each) => each[key])).toFixed(1);
    return {
      columns: [
        ...[
          "looks",
          "median by the clock, ms",
          "longest by the clock, ms",
          "longest on a processor, ms",
        ],
        "all rolled out after, s",
      ],
      rows: [
        [
          String(took.length),
          median(took.map(({ wallMs }) => wallMs)).toFixed(2),
          ...[longest("wallMs"), longest("cpuMs"), seconds.toFixed(1)],
        ],
        ["to hold", "", "", "≤ 20", ""],
      ],
      notes: [
        `Each of ${REPLICAS} pods, from one version to the next by steps of 20, 40, 60 and 80 %. A look: all that is decided about`,
        "one rollout, without the writes that follow. Time on a processor is known to a tick of the kernel.",
        "The nodes are real agents with simulated containers.",
      ],
    };
  },
};

async function crowd(bench: Bench): Promise<{ took: LookTime[]; seconds: number }> {
  const dataFolder = await temporaryFolder(bench);
  const server = await TimedServer.start(dataFolder, SUBNET);
  bench.own(() => [server.pid]);
  try {
    const seconds = await rolledOut(bench, server);
    return { took: await server.stop(), seconds };
  } finally {
    await server.end();
  }
}

async function rolledOut(bench: Bench, server: TimedServer): Promise<number> {
  await cordonOwnNode(server);
  await startNodes(bench, server, NODES);
  const names = Array.from({ length: ROLLOUTS }, (_, i) => `web-${i}`);
  const steps = [20, 40, 60, 80].map((setWeight) => ({ setWeight }));
  let startedMs = 0;
  for (const version of ["1", "2"]) {
    startedMs = performance.now();
    const strategy = { canary: { steps } };
    await applyAll(
      server,
      names.map((name) =>
        webRollout({ name, version, replicas: REPLICAS, strategy, probes: false })
      ),
    );
    await allHealthy(server);
  }
  return (performance.now() - startedMs) / 1_000;
}
