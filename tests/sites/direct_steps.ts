import assert from "node:assert/strict";
import type { Service } from "../../core/resources/core/services/services.ts";
import { podOf } from "../e2e/podman_cluster.ts";
import type { Step } from "../e2e/steps.ts";
import { freePort, gatewayOn, routeTo, serviceOf } from "../e2e/web_app.ts";
import { eventually } from "../eventually.ts";
import { NODES, onNode, saidOn, webAppOn } from "./site_pods.ts";
import type { SitesLab } from "./sites_lab.ts";

/** What goes between pods of sites besides Services over HTTP, and what is cut off. */
export const DIRECT_STEPS: readonly Step<SitesLab>[] = [
  { name: "pods reach each other by their addresses, which they keep", run: byAddress },
  { name: "the names of a headless Service lead to pods elsewhere", run: headless },
  { name: "datagrams reach a Service whose pod is elsewhere", run: datagrams },
  { name: "a Gateway of one site listens there and nowhere else", run: placed },
  { name: "nothing but pods is reached: no host, by no address of its own", run: hostsAreNot },
  { name: "pods of a node whose agent has gone are passed over at once", run: passedOver },
];

async function byAddress(lab: SitesLab): Promise<void> {
  const script = "mkdir /www; echo seen > /www/index.html; exec httpd -f -vv -p 8080 -h /www";
  await lab.cluster.apply(podOf("watcher", { script, spec: onNode("site-b") }));
  const { status: { podIP } } = await lab.cluster.readyPod("watcher");
  for (const node of NODES) {
    const lines = await saidOn(
      lab,
      node,
      `hostname -i; wget -q -O - http://${podIP}:8080/`,
    );
    assert.deepEqual(lines.slice(1), ["seen"], `from a pod on ${node}`);
    const log = await lab.cluster.kubectl("logs", "watcher");
    assert.ok(log.includes(`${lines[0]}]:`), `${lines[0]} of ${node} is not in\n${log}`);
  }
  await lab.a.machine.run("busybox", "ping", "-c", "2", "-W", "5", podIP!);
  await lab.cluster.delete("pod", "watcher");
}

async function headless(lab: SitesLab): Promise<void> {
  await lab.cluster.apply(serviceOf("all", { selector: { app: "web" }, clusterIP: "None" }));
  const name = "all.default.svc.cluster.local";
  for (const node of NODES) {
    const lines = await saidOn(
      lab,
      node,
      `i=0; while [ $i -lt 30 ]; do i=$((i+1));
        ips=$(nslookup ${name} 2> /dev/null | grep -A1 ^Name: | grep ^Address | sed 's/.* //');
        [ $(echo "$ips" | wc -l) -ge 3 ] && break; sleep 1; done;
        for ip in $ips; do wget -q -O - http://$ip:8080/; done`,
    );
    assert.deepEqual(lines.toSorted(), NODES.map((each) => `on-${each}`).sort(), node);
  }
}

const ECHO = `
import { createSocket } from "node:dgram";
const socket = createSocket("udp4");
socket.on("message", (bytes, { port, address }) => socket.send(bytes, port, address));
socket.bind(8080);
Deno.serve({ port: 8080, hostname: "0.0.0.0" }, () => new Response("ready"));
`;

async function datagrams(lab: SitesLab): Promise<void> {
  const [file, ...rest] = webAppOn("site-b", { name: "echo", version: "1", replicas: 1 });
  const { data, ...script } = file as { data: Record<string, string> };
  const [name] = Object.keys(data);
  const ports = [{ port: 9, targetPort: 8080, protocol: "UDP" }];
  const service = serviceOf("udp", { selector: { app: "echo" }, ports });
  await lab.cluster.apply({ ...script, data: { [name!]: ECHO } }, ...rest, service);
  await lab.cluster.kubectl("rollout", "status", "deployment/echo", "--timeout=60s");
  const { spec } = (await lab.cluster.get<Service>("/api/v1/namespaces/default/services/udp"))!;
  const asking = `import { createSocket } from "node:dgram";
    const socket = createSocket("udp4");
    const ask = () => socket.send("hello", 9, ${JSON.stringify(spec.clusterIP)});
    socket.on("message", (bytes) => { console.log(String(bytes)); Deno.exit(0); });
    ask(); setInterval(ask, 500); setTimeout(() => Deno.exit(1), 10_000);`;
  assert.equal((await lab.a.machine.run(Deno.execPath(), "eval", asking)).trim(), "hello");
}

async function placed(lab: SitesLab): Promise<void> {
  const port = freePort(), gateway = gatewayOn(port) as { metadata: object; spec: object };
  await lab.cluster.apply(
    {
      ...gateway,
      metadata: {
        name: "edge",
        annotations: { "coracle.dev/nodes": "kubernetes.io/hostname=site-b" },
      },
    },
    serviceOf("web"),
    routeTo({ web: 1 }),
  );
  const url = (host: string) => `http://${host}:${port}/`;
  await eventually(
    "it answers at its site",
    async () => (await lab.b.get(url(lab.b.router.siteIP))).startsWith("on-"),
  );
  const path = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/edge";
  const { status } = (await lab.cluster.get<{ status: { addresses: object[] } }>(path))!;
  assert.deepEqual(status.addresses, [{ type: "IPAddress", value: lab.b.router.siteIP }]);
  await assert.rejects(lab.a.get(url(lab.a.router.siteIP)));
  await assert.rejects(fetch(url("127.0.0.1")), /failed|refused/);
  await lab.cluster.delete("gateway", "edge");
}

/** The first address of a node's range is its own towards its pods. */
async function hostsAreNot(lab: SitesLab): Promise<void> {
  const { spec: { podCIDR } } = await lab.node(lab.b);
  const port = freePort(), gatewayIP = podCIDR!.replace(/0\/24$/, "1");
  const serve = `Deno.serve({ hostname: "0.0.0.0", port: ${port} }, () => new Response("host"))`;
  const running = lab.b.machine.run("timeout", "8", Deno.execPath(), "eval", serve).catch(
    () => {},
  );
  await eventually(
    "it serves",
    async () => await lab.b.get(`http://${gatewayIP}:${port}/`) === "host",
  );
  const [line] = await saidOn(
    lab,
    "site-a",
    `timeout 3 wget -q -O - http://${gatewayIP}:${port}/ 2> /dev/null || echo nothing`,
  );
  assert.equal(line, "nothing");
  await running;
}

async function passedOver(lab: SitesLab): Promise<void> {
  const answersFrom = async () => {
    const lines = await saidOn(
      lab,
      "here",
      "for i in 1 2 3 4 5 6 7 8 9; do timeout 2 wget -q -O - http://web.default.svc.cluster.local/ || echo failed; done",
    );
    return [...new Set(lines)].sort();
  };
  await eventually("all answer", async () => (await answersFrom()).length === 3);
  await lab.b.agent!.kill();
  assert.deepEqual(await answersFrom(), ["on-here", "on-site-a"]);
  await lab.startJoined(lab.b);
  await lab.nodeIs(lab.b, "True");
  await eventually("all answer again", async () => (await answersFrom()).length === 3);
}
