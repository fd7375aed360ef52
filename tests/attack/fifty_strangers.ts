import assert from "node:assert/strict";
import { threadObstacle } from "../../core/api/front/thread_front.ts";
import { eventually } from "../eventually.ts";
import { PacedLoad } from "../paced_load.ts";
import { withServer } from "../server_process.ts";
import { FIFTY, strangersAt, tallyLines, targetOf } from "./strangers.ts";
import { assertUnharmed, VitalSignsMeter } from "./vital_signs.ts";
import { startWebPods } from "./web_pod.ts";

const LOAD_PER_SECOND = 40;

/** Skips a test where the server's front cannot keep strangers from using memory. */
const obstacle = threadObstacle();
export const FRONT_NEEDED = {
  ignore: obstacle !== undefined,
  hint: obstacle ? ` (${obstacle})` : "",
};

/**
 * Fifty strangers attack for so many seconds; fails when anybody else notices. `isHasty`: it does not wait until the
 * memory is given back.
 */
export function withstandFiftyStrangers(
  { seconds, isHasty = false }: { seconds: number; isHasty?: boolean },
): Promise<void> {
  return withServer({ runtime: "process", subnet: 186 }, async (server) => {
    const gatewayPort = await startWebPods(server);
    await warm(gatewayPort);
    const target = await targetOf(server, gatewayPort);
    const meter = await VitalSignsMeter.start(server);
    const load = new PacedLoad({ port: gatewayPort, perSecond: LOAD_PER_SECOND });
    const tallies = await strangersAt(target, { crowd: FIFTY, seconds });
    const report = await load.stop();
    const told = `${report.sent} requests of pods\n${tallyLines(tallies)}`;
    assert.deepEqual(report.failures, [], told);
    assertUnharmed(await meter.stop({ isHasty }), told);
  });
}

/** Warms the server up before its memory is measured. */
async function warm(port: number): Promise<void> {
  const load = new PacedLoad({ port, perSecond: LOAD_PER_SECOND });
  await eventually("the load is under way", () => load.sent >= LOAD_PER_SECOND / 2);
  await load.stop();
}
