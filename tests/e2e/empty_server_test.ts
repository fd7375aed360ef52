import assert from "node:assert/strict";
import { queryBytes, readMessage } from "../../agent/dns/dns_fixture.ts";
import { eventually } from "../eventually.ts";
import { type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { serviceOf } from "./web_app.ts";

const SUBNET = 110;
const API = `10.197.${SUBNET}.1`;
const A = 1;
const DNS = `10.197.${SUBNET}.10`;

testOnPodman({
  name: "an empty server has the threads for traffic and names when they are needed",
  subnet: SUBNET,
  steps: [{
    name: "it serves its API by the address of its Service, before and after",
    run: handOver,
  }],
});

async function handOver(cluster: PodmanCluster): Promise<void> {
  const { server } = cluster;
  const before = threadsOf(server.pid);
  const caCerts = [await Deno.readTextFile(`${server.dataFolder}/ca.crt`)];
  using kept = await Deno.connectTls({ hostname: API, port: 443, caCerts });
  assert.match(await version(kept), /^HTTP\/1.1 200/);
  assert.equal(threadsOf(server.pid), before, "nobody needs a thread for that");

  assert.equal(await addressOf("kubernetes.default.svc.cluster.local"), API);
  await cluster.apply(serviceOf("web"));
  const { spec } = JSON.parse(await cluster.kubectl("get", "service", "web", "-o", "json"));
  assert.equal(await addressOf("web.default.svc.cluster.local"), spec.clusterIP);
  await eventually("the threads are there", () => threadsOf(server.pid) >= before + 2);
  assert.match(await version(kept), /^HTTP\/1.1 200/, "what was connected stays connected");
  using fresh = await Deno.connectTls({ hostname: API, port: 443, caCerts });
  assert.match(await version(fresh), /^HTTP\/1.1 200/);
  await cluster.apply(podOf("main", { script: "exec sleep 600" }));
  await cluster.readyPod("main");
}

/** Threads that run code of ours, besides the first. */
function threadsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/task`)]
    .filter(({ name }) =>
      Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`).startsWith("worker-")
    ).length;
}

/** The answer to a request, whole. */
async function version(connection: Deno.TlsConn): Promise<string> {
  const head = `GET /version HTTP/1.1\r\nhost: ${API}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.endsWith("}\n")) {
    const count = await connection.read(buffer);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

/** Asks again until there is an answer, as resolvers do. */
async function addressOf(name: string): Promise<string> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  try {
    const answer = socket.receive();
    const timer = setInterval(
      () => void socket.send(queryBytes(name, A), { transport: "udp", hostname: DNS, port: 53 }),
      100,
    );
    const [bytes] = await answer.finally(() => clearInterval(timer));
    return readMessage(bytes).answers[0]?.split(" ").at(-1) ?? "";
  } finally {
    socket.close();
  }
}
