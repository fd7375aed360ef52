import assert from "node:assert/strict";
import { programPath } from "../../core/lib/linux/program.ts";
import type { Node } from "../../core/resources/nodes.ts";
import type { Pod } from "../../core/resources/pods.ts";
import { eventually } from "../eventually.ts";
import { inventory, leftoversSince } from "../leftovers.ts";
import { ServerProcess } from "../server_process.ts";
import { AgentProcess } from "./agent_process.ts";
import { SecondMachine } from "./second_machine.ts";
import { freePort } from "./web_app.ts";

const SUBNET = 130;
const NODE = "edge";
const CUT_MS = 60_000;
/** The server waits 40 s for a lease before it calls a node lost. */
const LOST_MS_MAX = 55_000;
const BACK_MS_MAX = 30_000;
const PODS = "/api/v1/namespaces/default/pods";

const PROGRAMS = [
  ["ip", "iproute2"],
  ["nsenter", "util-linux"],
  ["busybox", "busybox-static"],
] as const;

const missing = missingHere();

Deno.test({
  name: "an agent on another machine: joins, outlives a cut link and a killed server" +
    (missing === undefined ? "" : ` (${missing})`),
  ignore: missing !== undefined,
  sanitizeOps: false, // pipes of the server and of the agent stay open as long as they run
  sanitizeResources: false,
  async fn(test) {
    const options = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
    const cluster = await RemoteCluster.start();
    try {
      for (const [name, run] of Object.entries(STEPS)) {
        await test.step({ name, fn: () => run(cluster), ...options });
      }
    } catch (error) {
      throw new Error(`${cluster.log}\n${error}`);
    } finally {
      await test.step({ name: "nothing is left", fn: () => cluster.end(), ...options });
    }
  },
});

const STEPS: Record<string, (cluster: RemoteCluster) => Promise<void>> = {
  "the node joins and gets pods, which become ready": async (cluster) => {
    await cluster.nodeIs("True");
    const { status, spec } = await cluster.node();
    assert.equal(status.addresses?.[0]?.address, cluster.machine.ip);
    assert.equal(spec.podCIDR, cluster.podCidr);
    for (const name of ["first", "second"]) await cluster.create(name, NODE);
    await cluster.create("local", cluster.serverNode);
    for (const name of ["first", "second", "local"]) await cluster.ready(name);
  },
  "pods are reached from the other machine, both ways": async (cluster) => {
    const [remote, local] = [await cluster.pod("first"), await cluster.pod("local")];
    await eventually("the remote pod answers", () => answers(remote.status.podIP!));
    await eventually("the local pod answers", () => cluster.answersThere(local));
  },
  "logs of its pods are refused in words, those of local pods come": async (cluster) => {
    const refused = await cluster.server.fetch(`${PODS}/first/log`);
    assert.equal(refused.status, 501);
    assert.match((await refused.json()).message, /runs on node "edge"/);
    const local = await cluster.server.fetch(`${PODS}/local/log`);
    assert.equal(await local.text(), "started\n");
  },
  "while the link is cut the pods go on, and the server calls the node lost": async (cluster) => {
    const before = await cluster.runs();
    const cutAt = performance.now();
    await cluster.machine.cut();
    await cluster.nodeIs("Unknown", LOST_MS_MAX);
    await eventually("the node is tainted", async () => {
      const { spec: { taints = [] } } = await cluster.node();
      return taints.some(({ key }) => key === "node.kubernetes.io/unreachable");
    });
    assert.ok(await cluster.answersThere(await cluster.pod("first")));
    const restMs = CUT_MS - (performance.now() - cutAt);
    await new Promise((resolve) => setTimeout(resolve, restMs));
    await cluster.machine.mend();
    await cluster.nodeIs("True", BACK_MS_MAX);
    for (const name of ["first", "second"]) await cluster.ready(name);
    assert.deepEqual(await cluster.runs(), before);
    const remote = await cluster.pod("first");
    await eventually("the remote pod answers again", () => answers(remote.status.podIP!), 40_000);
  },
  "the server is killed and comes again: nothing restarts, and new pods come": async (cluster) => {
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
  },
};

/** What tells that a container is the same: its id, when it started, and how often it was restarted. */
type Runs = ReadonlyMap<string, string>;

/** A server here, and an agent on a second machine. */
class RemoteCluster {
  server: ServerProcess;
  readonly machine: SecondMachine;
  readonly podCidr = `10.143.${SUBNET + 1}.0/24`;
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

  static async start(): Promise<RemoteCluster> {
    const before = await inventory([]);
    await using undo = new AsyncDisposableStack();
    const machine = await SecondMachine.start(SUBNET);
    undo.defer(() => machine.halt());
    const listen = `${machine.hostIP}:${freePort()}`;
    const server = await ServerProcess.start({
      ...{ runtime: "process", subnet: SUBNET },
      args: ["--listen", listen, "--node", "here", "--stop-pods", "--temporary"],
    });
    undo.defer(() => removed(server.dataFolder));
    undo.defer(async () => void await server.stop());
    const agentFolder = await Deno.makeTempDir({ prefix: "coracle-test-" });
    undo.defer(() => removed(agentFolder));
    const agent = await AgentProcess.start(machine, [
      ...["--server", `https://${listen}`, "--kubeconfig", server.kubeconfig, "--node", NODE],
      ...["--data", agentFolder, "--runtime", "process", "--stop-pods"],
      ...["--pod-cidr", `10.143.${SUBNET + 1}.0/24`],
      ...["--service-cidr", `10.197.${SUBNET}.0/24`, "--gateway-address", machine.ip],
    ]);
    undo.move();
    return new RemoteCluster({ machine, server, agent, agentFolder, before });
  }

  get log(): string {
    return `server:\n${this.server.log}\nagent:\n${this.#agent.log}`;
  }

  async create(name: string, node: string): Promise<void> {
    const script = `echo started; exec busybox httpd -f -p 8080 -h /etc`;
    const container = {
      ...{ name: "main", image: "none", command: ["sh", "-c", script] },
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    };
    const spec = {
      nodeSelector: { "kubernetes.io/hostname": node },
      terminationGracePeriodSeconds: 1,
      containers: [container],
    };
    const body = JSON.stringify({ metadata: { name }, spec });
    const headers = { "content-type": "application/json" };
    const answer = await this.server.fetch(PODS, { method: "POST", body, headers });
    assert.equal(answer.status, 201, await answer.text());
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

  async nodeIs(wanted: "True" | "Unknown", waitMs?: number): Promise<void> {
    await eventually(`the node is Ready: ${wanted}`, async () => {
      const { conditions = [] } = (await this.node()).status;
      return conditions.find(({ type }) => type === "Ready")?.status === wanted;
    }, waitMs);
  }

  /** Each pod with what tells its run from others. */
  async runs(): Promise<Runs> {
    const { items } = await (await this.server.fetch(PODS)).json() as { items: Pod[] };
    return new Map(items.map((pod) => {
      const { containerID, restartCount, state } = pod.status.containerStatuses?.[0] ?? {};
      return [pod.metadata.name, JSON.stringify([containerID, restartCount, state?.running])];
    }));
  }

  /** Whether a pod answers who asks on the second machine. */
  async answersThere({ status }: Pod): Promise<boolean> {
    const script = `const options = { signal: AbortSignal.timeout(2_000) };
      const answer = await fetch("http://${status.podIP}:8080/hostname", options);
      if (!answer.ok) Deno.exit(1);`;
    return await this.machine.run(Deno.execPath(), "eval", script).then(() => true, () => false);
  }

  /** Stops everything; nothing of it may be left. */
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
