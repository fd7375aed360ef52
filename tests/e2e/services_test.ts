import assert from "node:assert/strict";
import type { Service } from "../../core/resources/core/services/services.ts";
import { eventually } from "../eventually.ts";
import { mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { freePort, serviceOf } from "./web_app.ts";

const SERVE = "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www";
const WEB = { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } };

testOnPodman({
  name: "services on Podman, seen from outside",
  subnet: 106,
  steps: [
    { name: "the pods come up", run: bringUp },
    { name: "pods reach each other by their addresses", run: podToPod },
    { name: "a ClusterIP is reached from the host and from a pod, and shared", run: clusterIP },
    { name: "a NodePort is reached from the host", run: nodePort },
    { name: "a pod on the node's network has its ports there", run: hostNetwork },
    { name: "a process of the host has a port of services before and after them", run: samePort },
    { name: "an address of a service has the ports of that service only", run: otherPorts },
    { name: "a Service without pods refuses, and answers once it has some", run: emptyService },
  ],
});

async function bringUp(cluster: PodmanCluster): Promise<void> {
  const web = (name: string) =>
    podOf(name, { script: SERVE, container: WEB, labels: { app: "web" } });
  await cluster.apply(web("web-a"), web("web-b"), serviceOf("web", { type: "NodePort" }));
  await cluster.readyPod("web-a");
  await cluster.readyPod("web-b");
}

async function podToPod(cluster: PodmanCluster): Promise<void> {
  const { status } = await cluster.readyPod("web-a");
  const script =
    `wget -q -O - http://${status.podIP}:8080/; ip -4 addr show dev eth0 | grep -c inet`;
  assert.equal(await said(cluster, "visitor", script), "web-a\n1\n");
}

async function clusterIP(cluster: PodmanCluster): Promise<void> {
  const ip = (await serviceNow(cluster, "web")).spec.clusterIP!;
  const names = new Set<string>();
  await eventually("both pods answer the host", async () => {
    names.add(await textAt(`http://${ip}/`));
    return names.size === 2;
  });
  assert.deepEqual([...names].sort(), ["web-a", "web-b"]);
  const script = "for i in 1 2 3 4 5 6 7 8; do wget -q -O - http://$WEB_SERVICE_HOST/; done";
  assert.equal(unique(await said(cluster, "caller", script)), "web-a web-b");
}

async function nodePort(cluster: PodmanCluster): Promise<void> {
  const { nodePort } = (await serviceNow(cluster, "web")).spec.ports![0]!;
  const name = await eventually("the port answers", () => textAt(`http://127.0.0.1:${nodePort}/`));
  assert.match(name, /^web-[ab]$/);
}

async function hostNetwork(cluster: PodmanCluster): Promise<void> {
  const port = freePort();
  const script = SERVE.replace("8080", `127.0.0.1:${port}`);
  await cluster.apply(podOf("on-host", { script, spec: { hostNetwork: true } }));
  const { status } = await cluster.readyPod("on-host");
  assert.equal(status.podIP, status.hostIP);
  await eventually("it answers on the host", () => textAt(`http://127.0.0.1:${port}/`));
}

async function samePort(cluster: PodmanCluster): Promise<void> {
  const [early, late] = [freePort(), freePort()];
  const { hostIP } = (await cluster.readyPod("web-a")).status;
  const ask = async (name: string, port: number) => {
    const ip = (await serviceNow(cluster, name)).spec.clusterIP!;
    const answer = await eventually("the service answers", () => textAt(`http://${ip}:${port}/`));
    assert.match(answer, /^web-[ab]$/);
    const script = `wget -q -O - http://${ip}:${port}/; wget -q -O - http://${hostIP}:${port}/`;
    assert.match(await said(cluster, `asks-${name}`, script), /^web-[ab]\nhost$/);
    assert.equal(await textAt(`http://127.0.0.1:${port}/`), "host");
  };
  const web = (port: number) => ({ selector: { app: "web" }, ports: [{ port, targetPort: 8080 }] });
  await using _before = hostServer(early);
  await cluster.apply(serviceOf("after-host", web(early)));
  await ask("after-host", early);
  await cluster.apply(serviceOf("before-host", web(late)));
  const ip = (await serviceNow(cluster, "before-host")).spec.clusterIP!;
  await eventually("the service answers", () => textAt(`http://${ip}:${late}/`));
  await using _after = hostServer(late);
  await ask("before-host", late);
}

async function otherPorts(cluster: PodmanCluster): Promise<void> {
  const port = freePort();
  await using _server = hostServer(port);
  assert.equal(await textAt(`http://127.0.0.1:${port}/`), "host");
  const ip = (await serviceNow(cluster, "web")).spec.clusterIP!;
  await assert.rejects(Deno.connect({ hostname: ip, port }), Deno.errors.ConnectionRefused);
}

/** A process of this machine that listens on all addresses. */
function hostServer(port: number): AsyncDisposable {
  return Deno.serve({ hostname: "0.0.0.0", port, onListen: () => {} }, () => new Response("host"));
}

async function emptyService(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(serviceOf("late"));
  const ip = (await serviceNow(cluster, "late")).spec.clusterIP!;
  await assert.rejects(textAt(`http://${ip}/`));
  await cluster.apply(podOf("late", { script: SERVE, container: WEB }));
  await cluster.readyPod("late");
  const name = await eventually("it answers", () => textAt(`http://${ip}/`));
  assert.equal(name, "late");
}

/** The output of a pod that runs a script once. */
async function said(cluster: PodmanCluster, name: string, script: string): Promise<string> {
  await cluster.apply(podOf(name, { script, spec: { restartPolicy: "Never" } }));
  const pod = await cluster.podWhen(name, ({ status }) => /^(Succ|Fail)/.test(status.phase));
  assert.equal(mainStatus(pod).state.terminated?.exitCode, 0, await cluster.logs(name));
  return await cluster.logs(name);
}

async function serviceNow(cluster: PodmanCluster, name: string): Promise<Service> {
  return (await cluster.get<Service>(`/api/v1/namespaces/default/services/${name}`))!;
}

async function textAt(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return (await answer.text()).trim();
}

function unique(text: string): string {
  return [...new Set(text.trim().split("\n"))].sort().join(" ");
}
