import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { PacedLoad } from "../paced_load.ts";
import { withServer } from "../server_process.ts";
import { FIFTY, strangersAt, tallyLines, targetOf } from "./strangers.ts";
import { assertUnharmed, VitalSignsMeter } from "./vital_signs.ts";
import { startWebPods } from "./web_pod.ts";

const LOAD_PER_SECOND = 40;

/** Registers the test: fifty strangers do all that they can for so long, and nobody else notices. */
export function testFiftyStrangers(seconds: number): void {
  const name =
    `50 strangers who do their worst for ${seconds} s take neither memory, nor the admin's time, nor a pod's request`;
  Deno.test(name, () =>
    withServer({ runtime: "process" }, async (server) => {
      const gatewayPort = await startWebPods(server);
      await warm(gatewayPort);
      const target = await targetOf(server, gatewayPort);
      const meter = await VitalSignsMeter.start(server);
      const load = new PacedLoad({ port: gatewayPort, perSecond: LOAD_PER_SECOND });
      const tallies = await strangersAt(target, { crowd: FIFTY, seconds });
      const report = await load.stop();
      const told = `${report.sent} requests of pods\n${tallyLines(tallies)}`;
      assert.deepEqual(report.failures, [], told);
      assertUnharmed(await meter.stop(), told);
    }));
}

/** What a server does only once is done before its memory is measured. */
async function warm(port: number): Promise<void> {
  const load = new PacedLoad({ port, perSecond: LOAD_PER_SECOND });
  await eventually("the load is under way", () => load.sent >= LOAD_PER_SECOND / 2);
  await load.stop();
}
