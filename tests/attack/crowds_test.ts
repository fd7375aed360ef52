import { withServer } from "../server_process.ts";
import type { ActName } from "./stranger_acts.ts";
import { strangersAt, tallyLines, targetOf } from "./strangers.ts";
import { assertUnharmed, VitalSignsMeter } from "./vital_signs.ts";

const SECONDS = 4;
const CONNECTIONS = 25;

/** One kind at a time: together, one kind may hinder another. */
const KINDS: readonly ActName[] = [
  "endless body",
  "endless body of an open path",
  "endless chunks",
  "unread answers",
  "unread refusals",
  "unread upgrades",
  "held upgrade",
  "flooded upgrade",
  "dripped head",
  "dripped body",
  "half handshake",
  "junk hello",
];

Deno.test("a crowd of strangers of one kind costs neither memory nor the admin's time", async (t) => {
  await withServer({ runtime: "process", subnet: 181 }, async (server) => {
    const target = await targetOf(server);
    for (const kind of KINDS) {
      await t.step(`${CONNECTIONS} connections for ${SECONDS} s: ${kind}`, async () => {
        const meter = await VitalSignsMeter.start(server);
        const crowd = { [kind]: CONNECTIONS };
        const tallies = await strangersAt(target, { crowd, seconds: SECONDS });
        assertUnharmed(await meter.stop(), tallyLines(tallies));
      });
    }
  });
});
