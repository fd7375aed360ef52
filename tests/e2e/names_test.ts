import assert from "node:assert/strict";
import { readQuery } from "../../agent/dns/messages/query.ts";
import { eventually } from "../eventually.ts";
import { isOver, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { serviceOf } from "./web_app.ts";

const DOMAIN = "cluster.local";

testOnPodman({
  name: "names of the cluster, asked for by pods on Podman",
  subnet: 160,
  steps: [
    { name: "a Service is found by every form of its name", run: searchForms },
    { name: "a name follows its Service at once", run: following },
    { name: "a headless Service is its pods, each by its own name too", run: headless },
    { name: "a name elsewhere is followed, by the servers of its domain", run: elsewhere },
    { name: "addresses, ports and the version are found as the specification says", run: others },
    { name: "what does not exist is told apart from what has no such record", run: absent },
  ],
});

/** Case 01: `db`, `db.NAMESPACE`, `db.NAMESPACE.svc`, and the whole name. */
async function searchForms(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(serviceOf("db"));
  const ip = await clusterIP(cluster, "db");
  const forms = ["db", "db.default", "db.default.svc", `db.default.svc.${DOMAIN}`];
  const script = [
    "cat /etc/resolv.conf",
    ...forms.map((form) => `ping -c 1 -W 1 ${form} | head -n 1`),
    "ping -c 1 -W 1 kubernetes.default | head -n 1",
  ].join("\n");
  const output = await said(cluster, "asker", script);
  assert.match(output, /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/);
  assert.match(output, /^nameserver 10\.197\.\d+\.10$/m);
  assert.match(output, /^options ndots:5$/m);
  const found = [...output.matchAll(/^PING \S+ \(([\d.]+)\)/gm)].map(([, address]) => address);
  const api = await clusterIP(cluster, "kubernetes");
  assert.deepEqual(found, [...forms.map(() => ip), api], output);
  const dns = await cluster.kubectl("get", "service", "kube-dns", "-n", "kube-system");
  assert.match(dns, /kube-dns +ClusterIP +10\.197\.\d+\.10 +<none> +53\/UDP,53\/TCP/);
}

async function following(cluster: PodmanCluster): Promise<void> {
  const script = `
until nslookup soon.default.svc.${DOMAIN} > /dev/null; do sleep 0.05; done; echo there
while nslookup soon.default.svc.${DOMAIN} > /dev/null; do sleep 0.05; done; echo gone`;
  await cluster.apply(podOf("watcher", { script, spec: { restartPolicy: "Never" } }));
  await cluster.podWhen("watcher", ({ status }) => status.phase === "Running");
  await cluster.apply(serviceOf("soon"));
  await eventually("it is there", async () => (await cluster.logs("watcher")).includes("there"));
  await cluster.delete("service", "soon");
  const pod = await cluster.podWhen("watcher", isOver);
  assert.equal(mainStatus(pod).state.terminated?.exitCode, 0);
}

async function headless(cluster: PodmanCluster): Promise<void> {
  const peer = (name: string) =>
    podOf(name, {
      script: "exec sleep 600",
      labels: { app: "peers" },
      spec: { hostname: name, subdomain: "peers" },
    });
  const service = serviceOf("peers") as { spec: object };
  await cluster.apply(
    { ...service, spec: { ...service.spec, clusterIP: "None" } },
    peer("peer-0"),
    peer("peer-1"),
  );
  const ips = [];
  for (const name of ["peer-0", "peer-1"]) ips.push((await cluster.readyPod(name)).status.podIP!);
  const all = await eventually("both are found", async () => {
    const found = await answersOf(cluster, "peers");
    return found.length === 2 && found;
  });
  assert.deepEqual(all.toSorted(), ips.toSorted());
  assert.deepEqual(await answersOf(cluster, "peer-1.peers"), [ips[1]]);
  const reverse = await said(cluster, "reverse", `nslookup ${ips[0]}`);
  assert.match(reverse, /name = peer-0\.peers\.default\.svc\.cluster\.local/);
}

/** Case 12, and a stub domain. */
async function elsewhere(cluster: PodmanCluster): Promise<void> {
  await using server = new FixedServer([192, 0, 2, 7]);
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kube-dns", namespace: "kube-system" },
      data: { stubDomains: JSON.stringify({ "example.test": [`127.0.0.1:${server.port}`] }) },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "other" },
      spec: { type: "ExternalName", externalName: "db.example.test" },
    },
  );
  const script = "ping -c 1 -W 1 other | head -n 1; ping -c 1 -W 1 www.example.test | head -n 1";
  const output = await said(cluster, "traveller", script);
  assert.match(output, /^PING other \(192\.0\.2\.7\)/m);
  assert.match(output, /^PING www\.example\.test \(192\.0\.2\.7\)/m);
}

async function others(cluster: PodmanCluster): Promise<void> {
  const ip = await clusterIP(cluster, "db");
  const { podIP } = (await cluster.pod("peer-0"))!.status;
  const label = podIP!.replaceAll(".", "-");
  const script = [
    `nslookup ${ip}`,
    `nslookup -type=txt dns-version.${DOMAIN}`,
    `nslookup ${label}.default.pod.${DOMAIN}`,
    `nslookup -type=srv _http._tcp.named.default.svc.${DOMAIN}`,
  ].join("\n");
  const named = serviceOf("named") as { spec: object };
  const ports = [{ name: "http", port: 80, targetPort: 8080 }];
  await cluster.apply({ ...named, spec: { ...named.spec, ports } });
  const output = await said(cluster, "curious", script);
  assert.match(output, /name = db\.default\.svc\.cluster\.local/);
  assert.match(output, /text = "1\.1\.0"/);
  assert.match(output, new RegExp(`Address: ${podIP}`));
  assert.match(output, /service = 0 100 80 named\.default\.svc\.cluster\.local/);
}

async function absent(cluster: PodmanCluster): Promise<void> {
  const script = `
nslookup nothing.default.svc.${DOMAIN} 2>&1 | grep -c NXDOMAIN
nslookup -type=aaaa db.default.svc.${DOMAIN} 2>&1 | grep -c NXDOMAIN
true`;
  const [missing, existing] = (await said(cluster, "doubter", script)).split("\n");
  assert.ok(Number(missing) > 0);
  assert.equal(existing, "0");
}

/** The addresses of a name, as a pod's resolver finds them. */
async function answersOf(cluster: PodmanCluster, name: string): Promise<string[]> {
  const host = `${name}.default.svc.${DOMAIN}`;
  const output = await cluster.kubectl("exec", "peer-0", "--", "nslookup", host);
  const answers = output.slice(output.indexOf("\nName:")); // the server's own address comes first
  return [...answers.matchAll(/^Address: ([\d.]+)$/gm)].map(([, ip]) => ip!);
}

async function clusterIP(cluster: PodmanCluster, name: string): Promise<string> {
  return (await cluster.kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIP}")).trim();
}

/** The output of a pod that runs a script once. */
async function said(cluster: PodmanCluster, name: string, script: string): Promise<string> {
  await cluster.apply(podOf(name, { script, spec: { restartPolicy: "Never" } }));
  const pod = await cluster.podWhen(name, isOver);
  assert.notEqual(mainStatus(pod).state.terminated, undefined);
  return await cluster.logs(name);
}

/** A name server elsewhere, which has one address for all names. */
class FixedServer {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #running: Promise<void>;

  constructor(address: readonly number[]) {
    this.#running = this.#serve(address);
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  async #serve(address: readonly number[]): Promise<void> {
    for await (const [message, from] of this.#socket) {
      const received = readQuery(message);
      if (received === undefined || !("query" in received)) continue;
      const { questionEnd, type } = received.query;
      const answers = type === 1 ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, ...address] : [];
      const head = [message[0]!, message[1]!, 0x81, 0x80, 0, 1, 0, answers.length > 0 ? 1 : 0];
      const question = message.subarray(12, questionEnd);
      await this.#socket.send(
        Uint8Array.from([...head, 0, 0, 0, 0, ...question, ...answers]),
        from,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#running;
  }
}
