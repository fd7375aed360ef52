import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { IMAGE, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { freePort, serviceOf } from "./web_app.ts";

/** Says who it is, and who has asked, by TCP and by UDP. */
const ECHO = `
const name = Deno.env.get("HOSTNAME");
const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 5353 });
(async () => {
  for await (const [bytes, from] of socket) {
    await socket.send(new TextEncoder().encode(name + " " + new TextDecoder().decode(bytes)), from);
  }
})();
Deno.serve({ port: 8080, hostname: "0.0.0.0" }, () => new Response(name));
`;
/** Deno and the libraries that it is linked with come from this machine. */
const HOST_FOLDERS = ["/lib", "/lib64", "/usr"];
const LB_PORT = freePort(), HOST_PORT = freePort();
const ANSWER_MS = 1_000;

testOnPodman({
  name: "kinds of Services on Podman",
  subnet: 161,
  steps: [
    { name: "the pods come up", run: bringUp },
    { name: "datagrams reach pods by ClusterIP and NodePort, and answers come back", run: udp },
    { name: "a load balancer has an address, and serves there", run: loadBalancer },
    { name: "a client with affinity stays with its pod", run: affinity },
    { name: "a pod has its port of the node, by TCP and by UDP", run: hostPorts },
    { name: "a pod reaches itself by its Service", run: hairpin },
    { name: "a port that changes is served at its new number", run: portChange },
    { name: "an Ingress leads requests by host and path", run: ingress },
    { name: "an ExternalName that becomes a ClusterIP, and back", run: typeChange },
  ],
});

function echoPod(name: string, rest: object = {}): object {
  const spec = {
    terminationGracePeriodSeconds: 1,
    containers: [{
      name: "main",
      image: IMAGE,
      imagePullPolicy: "Never",
      command: ["/deno", "run", "-A", "--unstable-net", "--no-remote", "/app/echo.ts"],
      env: [{ name: "DENO_DIR", value: "/tmp/deno" }, { name: "HOSTNAME", value: name }],
      readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1, timeoutSeconds: 5 },
      volumeMounts: [
        { name: "app", mountPath: "/app" },
        { name: "deno", mountPath: "/deno", readOnly: true },
        ...HOST_FOLDERS.map((mountPath, i) => ({ name: `host-${i}`, mountPath, readOnly: true })),
      ],
      ...rest,
    }],
    volumes: [
      { name: "app", configMap: { name: "echo" } },
      { name: "deno", hostPath: { path: Deno.execPath(), type: "File" } },
      ...HOST_FOLDERS.map((path, i) => ({ name: `host-${i}`, hostPath: { path } })),
    ],
  };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: "echo" } }, spec };
}

async function bringUp(cluster: PodmanCluster): Promise<void> {
  const ports = [
    { containerPort: 8080, hostPort: HOST_PORT, hostIP: "127.0.0.1" },
    { containerPort: 5353, hostPort: HOST_PORT, hostIP: "127.0.0.1", protocol: "UDP" },
  ];
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "echo" },
      data: { "echo.ts": ECHO },
    },
    echoPod("echo-a", { ports }),
    echoPod("echo-b"),
  );
  await cluster.readyPod("echo-a");
  await cluster.readyPod("echo-b");
}

/** Case 02. */
async function udp(cluster: PodmanCluster): Promise<void> {
  const port = { port: 53, targetPort: 5353, protocol: "UDP" };
  const warnings = await cluster.apply(service("dns", { type: "NodePort", ports: [port] }));
  assert.equal(warnings, "");
  const { clusterIP, nodePort } = await placeOf(cluster, "dns");
  for (
    const place of [{ hostname: clusterIP, port: 53 }, { hostname: "127.0.0.1", port: nodePort }]
  ) {
    const names = new Set<string>();
    await eventually("both pods answer", async () => {
      const answer = await answerBy(place, "hello");
      assert.match(answer ?? "echo-a hello", /^echo-[ab] hello$/);
      if (answer) names.add(answer);
      return names.size === 2;
    });
  }
}

/** Case 11. */
async function loadBalancer(cluster: PodmanCluster): Promise<void> {
  const ports = [{ port: LB_PORT, targetPort: 8080 }];
  assert.equal(await cluster.apply(service("lb", { type: "LoadBalancer", ports })), "");
  const listed = await eventually("it has an address", async () => {
    const text = await cluster.kubectl("get", "service", "lb");
    return !text.includes("<pending>") && text;
  });
  assert.match(listed, new RegExp(`LoadBalancer +\\S+ +127\\.0\\.0\\.1 +${LB_PORT}:3\\d{4}/TCP`));
  await eventually("it answers", () => textAt(`http://127.0.0.1:${LB_PORT}/`));
}

async function affinity(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(service("loyal", { sessionAffinity: "ClientIP" }));
  const { clusterIP } = await placeOf(cluster, "loyal");
  const first = await eventually("it answers", () => textAt(`http://${clusterIP}/`));
  for (let i = 0; i < 10; i++) assert.equal(await textAt(`http://${clusterIP}/`), first);
}

async function hostPorts(): Promise<void> {
  const address = { hostname: "127.0.0.1", port: HOST_PORT };
  assert.equal(await eventually("TCP", () => textAt(`http://127.0.0.1:${HOST_PORT}/`)), "echo-a");
  assert.equal(await eventually("UDP", () => answerBy(address, "x")), "echo-a x");
}

async function hairpin(cluster: PodmanCluster): Promise<void> {
  const script = "mkdir /www; echo self > /www/index.html; exec httpd -f -p 8080 -h /www";
  await cluster.apply(podOf("self", { script }), mirror({}));
  await cluster.readyPod("self");
  await eventually("it answers itself", async () => {
    const args = ["exec", "self", "--", "wget", "-q", "-O", "-", "http://mirror/"];
    return await cluster.kubectl(...args) === "self\n";
  });
}

async function portChange(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(mirror({ ports: [{ port: 81, targetPort: 8080 }] }));
  const { clusterIP } = await placeOf(cluster, "mirror");
  await eventually("it answers", () => textAt(`http://${clusterIP}:81/`).catch(() => undefined));
  await assert.rejects(textAt(`http://${clusterIP}/`));
}

async function ingress(cluster: PodmanCluster): Promise<void> {
  const backend = (name: string, port: number) => ({ service: { name, port: { number: port } } });
  const path = { path: "/", pathType: "Prefix", backend: backend("mirror", 81) };
  const spec = {
    defaultBackend: backend("loyal", 80),
    rules: [{ host: "self.example.test", http: { paths: [path] } }],
  };
  const warnings = await cluster.apply({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "edge" },
    spec,
  });
  assert.equal(warnings, "");
  await eventually(
    "by its host",
    async () => (await answerOf("self.example.test")).endsWith("self\n"),
  );
  await eventually(
    "by default",
    async () => /echo-[ab]/.test(await answerOf("other.example.test")),
  );
  const listed = await cluster.kubectl("get", "ingress", "edge");
  assert.match(listed, /edge +coracle +self\.example\.test +127\.0\.0\.1 +80/);
}

/** What is answered at port 80 to a request for a host. */
async function answerOf(host: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: 80 });
  const request = `GET /index.html HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

async function typeChange(cluster: PodmanCluster): Promise<void> {
  const patch = (spec: object) =>
    cluster.kubectl("patch", "service", "mirror", "--type=merge", "-p", JSON.stringify({ spec }));
  await patch({
    type: "ExternalName",
    externalName: "web.example.test",
    clusterIP: null,
    clusterIPs: null,
  });
  await patch({ type: "ClusterIP", externalName: null });
  const { clusterIP } = await placeOf(cluster, "mirror");
  assert.match(clusterIP, /^10\.197\./);
  await eventually("it answers", () => textAt(`http://${clusterIP}:81/`).catch(() => undefined));
}

/** Of a name that is not the pod's own: that is in its /etc/hosts. */
function mirror(spec: object): object {
  return serviceOf("mirror", { selector: { app: "self" }, ...spec });
}

function service(name: string, spec: object): object {
  return serviceOf(name, { selector: { app: "echo" }, ...spec });
}

async function placeOf(cluster: PodmanCluster, name: string) {
  const { spec } = JSON.parse(await cluster.kubectl("get", "service", name, "-o", "json"));
  return { clusterIP: spec.clusterIP as string, nodePort: spec.ports[0].nodePort as number };
}

async function textAt(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { connection: "close" } });
  return await answer.text();
}

/** What is answered to a datagram, from the address that it was sent to; `undefined`: nothing in time. */
async function answerBy(
  to: { hostname: string; port: number },
  text: string,
): Promise<string | undefined> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const timer = setTimeout(() => socket.close(), ANSWER_MS);
  try {
    await socket.send(new TextEncoder().encode(text), { transport: "udp", ...to });
    const [bytes, from] = await socket.receive();
    const { hostname, port } = from as Deno.NetAddr;
    assert.deepEqual({ hostname, port }, to);
    socket.close();
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return undefined; // the time is over
  } finally {
    clearTimeout(timer);
  }
}
