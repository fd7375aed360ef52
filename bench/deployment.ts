import type { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Bench, Measurement } from "./harness.ts";
import { deployment, PodFeed } from "./pods.ts";
import { cpuSecondsOf } from "./processes.ts";
import { startServer } from "./server.ts";
import { median } from "./statistics.ts";

const REPLICAS = 1_000;
const ROUNDS = 3;
const PATH = "/apis/apps/v1/namespaces/default/deployments";
const NODES_MS_MAX = 120_000;

interface Sample {
  boundS: number;
  availableS: number;
  goneS: number;
  serverCpuS: number;
  nodesCpuS: number;
}

/** A Deployment on simulated nodes, over HTTPS. Kubernetes on kwok at 1,000 nodes: 13, 26 and 14 s, 49 s of CPU. */
export const deploymentOnNodes: Measurement = {
  name: "deployment",
  title: `A Deployment of ${REPLICAS} pods on simulated nodes`,
  needs: [],
  async run(bench) {
    const rows: string[][] = [];
    for (const count of [100, 1_000]) {
      bench.say(`${count} nodes`);
      const samples = await onNodes(bench, count, bench.rounds(ROUNDS));
      const of = (key: keyof Sample) => median(samples.map((sample) => sample[key]));
      rows.push([
        String(count),
        of("boundS").toFixed(2),
        of("availableS").toFixed(2),
        of("goneS").toFixed(2),
        of("serverCpuS").toFixed(2),
        of("nodesCpuS").toFixed(2),
      ]);
    }
    return {
      columns: [
        "nodes",
        "all bound, s",
        "all available, s",
        "gone, s",
        "CPU of the server, s",
        "CPU of all nodes, s",
      ],
      rows: [...rows, ["to hold", "≤ 2", "≤ 3", "≤ 2", "≤ 5", ""]],
      notes: [
        "From the request that creates the Deployment, and from the one that scales it to 0. CPU: from the first request",
        "until all pods are available. The nodes are real agents with simulated containers, in a process of their own.",
      ],
    };
  },
};

async function onNodes(bench: Bench, count: number, rounds: number): Promise<Sample[]> {
  const server = await startServer(bench, "process");
  await cordonOwnNode(server);
  const nodes = await startNodes(bench, server, count);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    samples.push(await bench.witnessed(() => once(server, nodes.pid, `web-${round}`)));
  }
  return samples;
}

/** The server's own node is to get no pods: it has to be there first. */
export async function cordonOwnNode(server: Pick<ServerProcess, "fetch">): Promise<void> {
  let name: string | undefined;
  while (name === undefined) {
    const { items } = await (await server.fetch("/api/v1/nodes")).json();
    name = items[0]?.metadata.name;
  }
  await server.fetch(`/api/v1/nodes/${name}`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ spec: { unschedulable: true } }),
  });
}

/** Many nodes in a process of their own. Resolves when all have joined. */
export async function startNodes(
  bench: Bench,
  { address, dataFolder }: Pick<ServerProcess, "address" | "dataFolder">,
  count: number,
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "-A", "bench/simulated_nodes.ts", address],
      ...[`${dataFolder}/ca.crt`, `${dataFolder}/admin.token`, String(count)],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  bench.defer(async () => {
    child.kill("SIGKILL");
    await child.status;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), NODES_MS_MAX);
  const { value } = await child.stdout.getReader().read();
  clearTimeout(timer);
  if (value === undefined) throw new Error(`Cannot start ${count} nodes within ${NODES_MS_MAX} ms`);
  return child;
}

async function once(server: ServerProcess, nodesPid: number, name: string): Promise<Sample> {
  const feed = await PodFeed.open(server);
  const connection = await ApiConnection.open(server);
  const cpu = () => [cpuSecondsOf([server.pid]), cpuSecondsOf([nodesPid])] as const;
  try {
    const before = cpu();
    const startMs = performance.now();
    const passed = () => (performance.now() - startMs) / 1_000;
    const body = deployment(name, { replicas: REPLICAS, probes: false });
    await connection.send("POST", PATH, body);
    await feed.when((pods) =>
      pods.filter(({ isBound }) => isBound).length >= REPLICAS || undefined
    );
    const boundS = passed();
    await feed.when((pods) =>
      pods.filter(({ isReady }) => isReady).length >= REPLICAS || undefined
    );
    await untilAvailable(connection, name);
    const availableS = passed();
    const after = cpu();
    const scaledS = passed();
    const patch = JSON.stringify({ spec: { replicas: 0 } });
    await connection.send("PATCH", `${PATH}/${name}`, patch, "application/merge-patch+json");
    await feed.when((pods) => pods.length === 0 || undefined);
    const goneS = passed() - scaledS;
    await connection.send("DELETE", `${PATH}/${name}`);
    return {
      ...{ boundS, availableS, goneS },
      serverCpuS: after[0] - before[0],
      nodesCpuS: after[1] - before[1],
    };
  } finally {
    feed.close();
    connection.close();
  }
}

/** The status of the Deployment follows that of its pods. */
async function untilAvailable(connection: ApiConnection, name: string): Promise<void> {
  while (true) {
    const { body } = await connection.send("GET", `${PATH}/${name}`);
    const { status } = JSON.parse(new TextDecoder().decode(body));
    if (status.availableReplicas >= REPLICAS) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
