import assert from "node:assert/strict";
import { eventually, within } from "../../eventually.ts";
import { answerOf, type Manifest, type ManifestCase } from "./manifest.ts";

/** Manifests of Services, names and routes. */
export const NETWORK_CASES: readonly ManifestCase[] = [
  { name: "log-collector", check: logCollector },
  { name: "headless", check: headless },
  { name: "outside-services", check: outsideServices },
  { name: "session-affinity", check: sessionAffinity },
  { name: "host-port", check: hostPort },
  { name: "canary-route", check: canaryRoute },
];

async function logCollector(applied: Manifest): Promise<void> {
  const address = await applied.nodeAddress();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: address, port: 0 });
  try {
    const { port } = socket.addr as Deno.NetAddr;
    await applied.write(`
apiVersion: v1
kind: Endpoints
metadata: {name: collector}
subsets: [{addresses: [{ip: ${address}}], ports: [{name: syslog, port: ${port}, protocol: UDP}]}]`);
    const [bytes] = await within("a line comes", 60_000, () => socket.receive());
    assert.match(new TextDecoder().decode(bytes), /talker: ahoy/);
  } finally {
    socket.close();
  }
}

async function headless(applied: Manifest): Promise<void> {
  const [one, two] = await applied.ready("app=member", 2);
  const look = (name: string) => `busybox nslookup ${name}.headless.svc.cluster.local`;
  const of = (address?: string) => new RegExp(`Address.*: ${address}\\b`);
  await applied.says("one", look("nodes"), of(two!.status.podIP));
  await applied.says("one", look("nodes"), of(one!.status.podIP));
  await applied.says("one", look("two.nodes"), of(two!.status.podIP));
  assert.equal(await applied.exec("one", "hostname"), "one\n");
  const search = await applied.exec("two", "ping -c 1 one.nodes 2>&1 || :"); // may ask, but not ping
  assert.match(search, new RegExp(`^PING one.nodes \\(${one!.status.podIP}\\)`));
}

async function outsideServices(applied: Manifest): Promise<void> {
  const { status } = await applied.pod("target");
  await applied.says(
    "target",
    "busybox nslookup alias.outside-services.svc.cluster.local",
    new RegExp(`Address.*: ${status.podIP}\\b`),
  );
  await applied.write(`
apiVersion: v1
kind: Endpoints
metadata: {name: by-hand}
subsets: [{addresses: [{ip: ${status.podIP}}], ports: [{port: 8080}]}]`);
  await applied.says("target", "wget -qO- http://by-hand/", "by hand");
  await applied.says("target", "wget -qO- http://alias:8080/", "by hand");
}

async function sessionAffinity(applied: Manifest): Promise<void> {
  await applied.ready("app=sticky", 3);
  const { spec } = (await applied.get("services/sticky"))!;
  for (const url of [`http://${spec.clusterIP}/`, `http://127.0.0.1:${spec.ports[0].nodePort}/`]) {
    await eventually("all pods are known", () => answerOf(url));
    const names = new Set<string>();
    for (let i = 0; i < 12; i++) names.add(await answerOf(url));
    assert.equal(names.size, 1, `${url}: ${[...names]}`);
  }
}

async function hostPort(applied: Manifest): Promise<void> {
  await applied.pod("on-node");
  assert.equal(await answerOf("http://127.0.0.1:21280/"), "on the node");
}

async function canaryRoute(applied: Manifest): Promise<void> {
  await applied.pod("stable");
  await applied.pod("canary");
  const url = "http://127.0.0.1:21380/";
  await eventually("both versions answer", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 10; i++) seen.add(await answerOf(url));
    return seen.size === 2;
  });
  const answers: string[] = [];
  for (let i = 0; i < 100; i++) answers.push(await answerOf(url));
  const canaries = answers.filter((text) => text === "canary").length;
  assert.equal(canaries, 10, "each thread of the proxy counts for all");
}
