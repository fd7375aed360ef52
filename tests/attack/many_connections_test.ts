import assert from "node:assert/strict";
import { PacedLoad } from "../paced_load.ts";
import { withServer } from "../server_process.ts";
import type { ActName } from "./stranger_acts.ts";
import { strangersAt, tallyLines, targetOf } from "./strangers.ts";
import { assertUnharmed, VitalSignsMeter } from "./vital_signs.ts";
import { startWebPods } from "./web_pod.ts";

/** More than a server accepts. */
const CONNECTIONS = 4_200;
/** After half of it all are open. */
const SECONDS = 16;
const AGAIN_MS = 5_000;

const API_KINDS: readonly ActName[] = ["silent", "idle", "held upgrade"];
const GATEWAY_KINDS: readonly ActName[] = ["gateway: silent", "gateway: idle"];

Deno.test("more connections than a server has places lock nobody out", async (t) => {
  await withServer({ runtime: "process", subnet: 182 }, async (server) => {
    const gatewayPort = await startWebPods(server);
    const target = await targetOf(server, gatewayPort);
    const plan = { seconds: SECONDS, againMs: AGAIN_MS };
    for (const kind of [...API_KINDS, ...GATEWAY_KINDS]) {
      await t.step(`${CONNECTIONS} connections: ${kind}`, async () => {
        const meter = await VitalSignsMeter.start(server);
        const crowd = { [kind]: CONNECTIONS };
        const service = await clusterIpOf(server);
        const pace = { perSecond: 10, freshEvery: 1 };
        const inside = new PacedLoad({ hostname: service, port: 80, ...pace });
        const outside = new PacedLoad({ port: gatewayPort, ...pace });
        const tallies = await strangersAt(target, { crowd, ...plan });
        const told = tallyLines(tallies);
        assert.deepEqual((await inside.stop()).failures, [], `requests to the ClusterIP: ${told}`);
        assert.deepEqual((await outside.stop()).failures, [], `requests to the Gateway: ${told}`);
        assertUnharmed(await meter.stop(), told);
      });
    }
  });
});

async function clusterIpOf(server: { fetch(path: string): Promise<Response> }): Promise<string> {
  const answer = await server.fetch("/api/v1/namespaces/default/services/web");
  return (await answer.json()).spec.clusterIP;
}
