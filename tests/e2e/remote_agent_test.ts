import assert from "node:assert/strict";
import { programPath } from "../../core/lib/linux/program.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { eventually } from "../eventually.ts";
import { inventory, leftoversSince } from "../leftovers.ts";
import { ServerProcess } from "../server_process.ts";
import { AgentProcess, nodeKubeconfig } from "./agent_process.ts";
import { SecondMachine } from "./second_machine.ts";
import { type Fixture, testSteps } from "./steps.ts";
import { freePort } from "./web_app.ts";

const SUBNET = 130;
const RANGE_SUBNET = 131;
const RANGE = `10.143.${RANGE_SUBNET}.0/24`;
const LOOPBACK = "127.44.0.0/24";
const NODE = "edge";
const PODS = "/api/v1/namespaces/default/pods";

const PROGRAMS = [
  ["ip", "iproute2"],
  ["nsenter", "util-linux"],
  ["busybox", "busybox-static"],
] as const;

testSteps({
  name: "an agent on another machine, without Podman",
  missing: missingHere(),
  start: () => RemoteCluster.start(),
  steps: [
    { name: "the node joins and gets pods, which become ready", run: join },
    { name: "pods are reached from the other machine, both ways", run: reached },
    { name: "logs of its pods come as those of local pods do", run: logs },
    { name: "while the link is cut the pods go on", run: cutLink },
    { name: "the server is killed and comes again: nothing restarts", run: killServer },
  ],
});

testSteps({
  name: "an agent on another machine, whose pods have addresses of that machine's loopback",
  missing: missingHere(),
  start: () => RemoteCluster.start(LOOPBACK),
  steps: [
    { name: "the node joins and gets pods, which become ready", run: joinLoopback },
    { name: "a Service here leads to the pods there, and one there to those here", run: services },
  ],
});

async function joinLoopback(cluster: RemoteCluster): Promise<void> {
  await cluster.nodeIs("True");
  await cluster.create("there", NODE);
  await cluster.create("local", cluster.serverNode);
  for (const name of ["there", "local"]) await cluster.ready(name);
  assert.match((await cluster.pod("there")).status.podIP!, /^127\.44\./);
}

async function services(cluster: RemoteCluster): Promise<void> {
  const clusterIP = await cluster.serve("there");
  await eventually("it answers here", async () => {
    const answer = await fetch(`http://${clusterIP}/hostname`);
    await answer.body?.cancel();
    return answer.ok;
  });
  const nodePort = 30_000 + Math.floor(Math.random() * 2_000);
  await cluster.serve("local", nodePort);
  const url = `http://${cluster.machine.ip}:${nodePort}/hostname`;
  const ask = `const answer = await fetch("${url}"); Deno.exit(answer.ok ? 0 : 1);`;
  await eventually(
    "it answers there",
    () => cluster.machine.run(Deno.execPath(), "eval", ask).then(() => true, () => false),
  );
}

async function join(cluster: RemoteCluster): Promise<void> {
  await cluster.nodeIs("True");
  const { status, spec } = await cluster.node();
  assert.equal(status.addresses?.[0]?.address, cluster.machine.ip);
  assert.equal(spec.podCIDR, cluster.podCidr);
  for (const name of ["first", "second"]) await cluster.create(name, NODE);
  await cluster.create("local", cluster.serverNode);
  for (const name of ["first", "second", "local"]) await cluster.ready(name);
}

async function reached(cluster: RemoteCluster): Promise<void> {
  const [remote, local] = [await cluster.pod("first"), await cluster.pod("local")];
  await eventually("the remote pod answers", () => answers(remote.status.podIP!));
  await eventually("the local pod answers", () => cluster.answersThere(local));
}

async function logs(cluster: RemoteCluster): Promise<void> {
  for (const name of ["first", "local"]) {
    const log = await cluster.server.fetch(`${PODS}/${name}/log`);
    assert.deepEqual([log.status, await log.text()], [200, "started\n"], name);
  }
}

/** Until the agent has noticed; two_machines_test.ts has a longer interruption. */
async function cutLink(cluster: RemoteCluster): Promise<void> {
  const before = await cluster.runs();
  await cluster.machine.cut();
  await eventually(
    "the agent notices",
    () => cluster.log.includes("Cannot write the status of this node"),
  );
  assert.ok(await cluster.answersThere(await cluster.pod("first")));
  await cluster.machine.mend();
  await cluster.nodeIs("True");
  for (const name of ["first", "second"]) await cluster.ready(name);
  assert.deepEqual(await cluster.runs(), before);
  const remote = await cluster.pod("first");
  await eventually("the remote pod answers again", () => answers(remote.status.podIP!));
}

async function killServer(cluster: RemoteCluster): Promise<void> {
  const [before, first] = [await cluster.runs(), await cluster.pod("first")];
  await cluster.server.kill();
  const answered = await cluster.answersThere(first);
  cluster.server = await cluster.server.restart();
  assert.ok(answered);
  await cluster.create("third", NODE);
  await cluster.ready("third");
  await cluster.nodeIs("True");
  await cluster.delete("third");
  await eventually("the pod is gone", async () => !(await cluster.runs()).has("third"));
  assert.deepEqual(await cluster.runs(), before);
}

/** Identifies a run of a container: its id, its start, and its restarts. */
type Runs = ReadonlyMap<string, string>;

/** A server here, and an agent on a second machine. */
class RemoteCluster implements Fixture {
  server: ServerProcess;
  readonly machine: SecondMachine;
  readonly podCidr = RANGE;
  readonly serverNode = "here";
  readonly #agent: AgentProcess;
  readonly #agentFolder: string;
  readonly #before: Awaited<ReturnType<typeof inventory>>;

  private constructor(
    { machine, server, agent, agentFolder, before }: {
      machine: SecondMachine;
      server: ServerProcess;
      agent: AgentProcess;
      agentFolder: string;
      before: Awaited<ReturnType<typeof inventory>>;
    },
  ) {
    this.machine = machine;
    this.server = server;
    this.#agent = agent;
    this.#agentFolder = agentFolder;
    this.#before = before;
  }

  static async start(podCidr = RANGE): Promise<RemoteCluster> {
    const before = await inventory([]);
    await using undo = new AsyncDisposableStack();
    const machine = await SecondMachine.start(SUBNET);
    undo.defer(() => machine.halt());
    const listen = `${machine.hostIP}:${freePort()}`;
    const server = await ServerProcess.start({
      runtime: "process",
      subnet: SUBNET,
      args: ["--listen", listen, "--node", "here", "--stop-pods", "--temporary"],
    });
    undo.defer(() => removed(server.dataFolder));
    undo.defer(async () => void await server.stop());
    const agentFolder = await Deno.makeTempDir({ prefix: "coracle-test-" });
    undo.defer(() => removed(agentFolder));
    const kubeconfig = await nodeKubeconfig(server, NODE);
    const agent = await AgentProcess.start(machine, [
      ...["--server", `https://${listen}`, "--kubeconfig", kubeconfig, "--node", NODE],
      ...["--data", agentFolder, "--runtime", "process", "--stop-pods"],
      ...["--pod-cidr", podCidr],
      ...["--service-cidr", `10.197.${SUBNET}.0/24`, "--gateway-address", machine.ip],
    ]);
    undo.move();
    return new RemoteCluster({ machine, server, agent, agentFolder, before });
  }

  get log(): string {
    return `server:\n${this.server.log}\nagent:\n${this.#agent.log}`;
  }

  async create(name: string, node: string): Promise<void> {
    const script = `echo started; exec busybox httpd -f -p $POD_IP:8080 -h /etc`;
    const container = {
      name: "main",
      image: "none",
      command: ["sh", "-c", script],
      env: [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    };
    const spec = {
      nodeSelector: { "kubernetes.io/hostname": node },
      terminationGracePeriodSeconds: 1,
      containers: [container],
    };
    const body = JSON.stringify({ metadata: { name, labels: { app: name } }, spec });
    const headers = { "content-type": "application/json" };
    const answer = await this.server.fetch(PODS, { method: "POST", body, headers });
    assert.equal(answer.status, 201, await answer.text());
  }

  /** A Service that leads to a pod; its ClusterIP. */
  async serve(name: string, nodePort?: number): Promise<string> {
    const port = { port: 80, targetPort: 8080, ...(nodePort && { nodePort }) };
    const spec = {
      type: nodePort ? "NodePort" : "ClusterIP",
      selector: { app: name },
      ports: [port],
    };
    const body = JSON.stringify({ metadata: { name }, spec });
    const headers = { "content-type": "application/json" };
    const path = "/api/v1/namespaces/default/services";
    const answer = await this.server.fetch(path, { method: "POST", body, headers });
    const made = await answer.json() as Service;
    assert.equal(answer.status, 201);
    return made.spec.clusterIP!;
  }

  async delete(name: string): Promise<void> {
    await this.server.fetch(`${PODS}/${name}`, { method: "DELETE" });
  }

  async pod(name: string): Promise<Pod> {
    return await (await this.server.fetch(`${PODS}/${name}`)).json();
  }

  async ready(name: string): Promise<void> {
    await eventually(`pod ${name} is ready`, async () => {
      const { status } = await this.pod(name);
      return status.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    });
  }

  async node(): Promise<Node> {
    return await (await this.server.fetch(`/api/v1/nodes/${NODE}`)).json();
  }

  async nodeIs(wanted: "True"): Promise<void> {
    await eventually(`the node is Ready: ${wanted}`, async () => {
      const { conditions = [] } = (await this.node()).status;
      return conditions.find(({ type }) => type === "Ready")?.status === wanted;
    });
  }

  /** Each pod with what identifies its run. */
  async runs(): Promise<Runs> {
    const { items } = await (await this.server.fetch(PODS)).json() as { items: Pod[] };
    return new Map(items.map((pod) => {
      const { containerID, restartCount, state } = pod.status.containerStatuses?.[0] ?? {};
      return [pod.metadata.name, JSON.stringify([containerID, restartCount, state?.running])];
    }));
  }

  /** Whether a pod answers a client on the second machine. */
  async answersThere({ status }: Pod): Promise<boolean> {
    const script = `const options = { signal: AbortSignal.timeout(30_000) };
      const answer = await fetch("http://${status.podIP}:8080/hostname", options);
      if (!answer.ok) Deno.exit(1);`;
    return await this.machine.run(Deno.execPath(), "eval", script).then(() => true, () => false);
  }

  /** Stops everything; nothing may be left behind. */
  async end(): Promise<void> {
    const { machine, server } = this;
    await machine.mend();
    const code = await this.#agent.stop();
    await server.stop();
    await machine.halt();
    await Promise.all([removed(server.dataFolder), removed(this.#agentFolder)]);
    const marks = [...machine.marks, server.dataFolder, this.#agentFolder];
    assert.deepEqual(await leftoversSince(this.#before, marks), []);
    assert.equal(code, 0, this.log);
  }
}

async function answers(podIP: string): Promise<boolean> {
  const signal = AbortSignal.timeout(2_000);
  const answer = await fetch(`http://${podIP}:8080/hostname`, { signal });
  await answer.body?.cancel();
  return answer.ok;
}

async function removed(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {}); // the server has done it
}

function missingHere(): string | undefined {
  if (Deno.uid() !== 0) return "needs root";
  for (const [program, source] of PROGRAMS) {
    if (programPath(program) === undefined) {
      return `${program} is missing: apt-get install ${source}`;
    }
  }
}
