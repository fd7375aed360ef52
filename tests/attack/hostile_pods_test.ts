import { later } from "../eventually.ts";
import { withServer } from "../server_process.ts";
import { assertUnharmed, VitalSignsMeter } from "./vital_signs.ts";
import { startWebPods, type WebPod } from "./web_pod.ts";

const SECONDS = 4;
const CONNECTIONS = 8;
const PODS: readonly (WebPod & { request: string; floods: boolean })[] = [
  { name: "hints", mode: "interim answers without end", request: "GET", floods: false },
  { name: "endless", mode: "an answer without end", request: "GET", floods: false },
  { name: "down", mode: "a tunnel that floods", request: "UPGRADE", floods: false },
  { name: "up", mode: "a tunnel that reads nothing", request: "UPGRADE", floods: true },
  { name: "deaf", mode: "reads no body", request: "POST", floods: true },
];
const PIECE = new Uint8Array(64 * 1024).fill(97);

Deno.test("hostile pods and clients that do not read cost the gateway no memory", async (t) => {
  await withServer({ runtime: "process", subnet: 183 }, async (server) => {
    const gatewayPort = await startWebPods(server, [{ name: "web", mode: "web" }, ...PODS]);
    for (const pod of PODS) {
      await t.step(`${CONNECTIONS} connections for ${SECONDS} s: ${pod.mode}`, async () => {
        const meter = await VitalSignsMeter.start(server);
        const clients = await Promise.all(
          Array.from({ length: CONNECTIONS }, () => clientOf(gatewayPort, pod)),
        );
        await later(SECONDS * 1_000);
        for (const client of clients) client.close();
        assertUnharmed(await meter.stop(), pod.mode);
      });
    }
  });
});

/** A client that sends its request, then floods endlessly if it is to, and reads nothing. */
async function clientOf(
  port: number,
  { name, request, floods }: (typeof PODS)[number],
): Promise<Deno.TcpConn> {
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  const fields = {
    GET: "",
    POST: `content-length: ${10 ** 12}\r\n`,
    UPGRADE: "connection: upgrade\r\nupgrade: websocket\r\n",
  }[request];
  const method = request === "POST" ? "POST" : "GET";
  const head = `${method} /${name}/x HTTP/1.1\r\nhost: x\r\n${fields}\r\n`;
  await client.write(new TextEncoder().encode(head));
  if (floods) void flood(client);
  return client;
}

async function flood(client: Deno.TcpConn): Promise<void> {
  try {
    for (;;) await client.write(PIECE);
  } catch {
    // closed, by the test or by the gateway
  }
}
