import { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import { GoProgram } from "./go_program.ts";
import type { Bench, Measurement, Report } from "./harness.ts";
import { cpuSecondsOf, usageOf } from "./processes.ts";
import { temporaryFolder } from "./server.ts";
import { quantile } from "./statistics.ts";

const COUNTS = [100, 1_000, 10_000];
const SUBNET = 197;
const BEAT_SECONDS = 10;
/** Over how long agents that have lost the server come back, each at a moment of its own. */
const SPREAD_SECONDS_MIN = 1;
/** As many as come back in a second. */
const COMEBACKS_PER_SECOND = 500;
/** While the agents are at rest. */
const REST_MS = 30_000;
const SETTLE_MS = 10_000;
const CONNECT_MS_MAX = 120_000;
const ASK_EVERY_MS = 200;
/** Between requests of a client that is no agent. */
const OTHER_EVERY_MS = 20;
const WRITERS = 8;
const MIB = 1024 * 1024;

/** What the crowd tells (`bench/agent_crowd/main.go`). */
interface Crowd {
  connected: number;
  attempts: number;
  refused: number;
  failed: number;
  lost: number;
  beats: number;
  feedBytes: number;
  handshakeP99Ms: number;
  handshakeMaxMs: number;
  beatP99Ms: number;
  reasons: Record<string, number>;
}

interface Sample {
  emptyMib: number;
  rssMib: number;
  /** After the restart, when all are back. */
  backMib: number;
  cpuPercent: number;
  beatsPerSecond: number;
  beatP99Ms: number;
  joinSeconds: number;
  backSeconds: number;
  refused: number;
  failed: number;
  othersP99Ms: number;
  othersRestP99Ms: number;
}

/** What agents at rest cost a server, and what happens when it is killed and all come back at once. */
export const agents: Measurement = {
  name: "agents",
  title: "Many agents, without pods, on one server",
  needs: [{ program: "go", package: "golang-go" }],
  async run(bench) {
    const samples = new Map<number, Sample>();
    for (const count of countsOf(Deno.env.get("AGENTS"))) {
      samples.set(count, await bench.witnessed(() => measure(bench, count)));
    }
    return reportOf(samples);
  },
};

/** `AGENTS=1000,5000` measures other numbers of agents. */
function countsOf(text: string | undefined): number[] {
  return text === undefined ? COUNTS : text.split(",").map(Number);
}

function reportOf(samples: ReadonlyMap<number, Sample>): Report {
  return {
    columns: [
      "agents",
      "RSS without, MiB",
      "RSS with, MiB",
      "KiB each",
      "RSS after the restart, MiB",
      "CPU at rest, % of a core",
      "heartbeat p99, ms",
      "first connection of all, s",
      "killed → all back, s",
      "refused / failed attempts",
      "API p99 for others meanwhile (at rest), ms",
    ],
    rows: [...samples].map(([count, sample]) => [
      count.toLocaleString("en"),
      sample.emptyMib.toFixed(0),
      sample.rssMib.toFixed(0),
      ((sample.rssMib - sample.emptyMib) * 1024 / count).toFixed(1),
      sample.backMib.toFixed(0),
      sample.cpuPercent.toFixed(1),
      sample.beatP99Ms.toFixed(1),
      sample.joinSeconds.toFixed(1),
      sample.backSeconds.toFixed(1),
      `${sample.refused} / ${sample.failed}`,
      `${sample.othersP99Ms.toFixed(0)} (${sample.othersRestP99Ms.toFixed(0)})`,
    ]),
    notes: [
      `Each has a certificate of its own, a full TLS handshake, the tunnel's protocol, a node, and a heartbeat every`,
      `${BEAT_SECONDS} s; no pods. The client shares the machine's cores with the server. "Killed": \`kill -9\` until the`,
      `last agent is back, with the server's own start. To hold with 10,000: 300 MiB, 15 % of a core, 60 s, 100 ms.`,
    ],
  };
}

async function measure(bench: Bench, count: number): Promise<Sample> {
  const dataFolder = await temporaryFolder(bench);
  const port = freePort();
  const args = ["--listen", `127.0.0.1:${port}`, "--stop-pods", "--temporary"];
  let server = await ServerProcess.start({ runtime: "process", dataFolder, subnet: SUBNET, args });
  bench.defer(async () => void await server.stop());
  await addNodes(server, count);
  await settle();
  const emptyMib = rssMib(server);
  const crowd = await startCrowd(bench, server, count);
  await crowd.ask("connect");
  const joinSeconds = await untilConnected(bench, crowd, count);
  await settle();
  const rest = await atRest(server, crowd);
  await crowd.ask("reset");
  const killedAtMs = performance.now();
  await server.kill();
  server = await server.restart();
  const readySeconds = (performance.now() - killedAtMs) / 1000;
  const readyCpu = cpuSecondsOf([server.pid]);
  const others = askOften(server);
  await untilConnected(bench, crowd, count);
  const backSeconds = (performance.now() - killedAtMs) / 1000;
  const cpuMs = (cpuSecondsOf([server.pid]) - readyCpu) * 1000 / count;
  bench.say(
    `ready again after ${readySeconds.toFixed(1)} s and ${readyCpu.toFixed(1)} s of CPU, then ${
      cpuMs.toFixed(2)
    } ms of CPU for each agent`,
  );
  const { refused, failed, reasons } = await crowd.ask<Crowd>("status");
  bench.say(`why connections ended: ${JSON.stringify(reasons)}`);
  const othersP99Ms = quantile(await others.stop(), 0.99);
  await settle();
  const backMib = rssMib(server);
  return { ...rest, backMib, emptyMib, joinSeconds, backSeconds, refused, failed, othersP99Ms };
}

function startCrowd(bench: Bench, server: ServerProcess, count: number): Promise<GoProgram> {
  const { dataFolder, address } = server;
  const spreadSeconds = Math.max(SPREAD_SECONDS_MIN, count / COMEBACKS_PER_SECOND);
  return GoProgram.start(bench, "agent_crowd", [
    ...[new URL(address).host, `${dataFolder}/ca.crt`, `${dataFolder}/pki/ca.key`],
    ...[String(count), String(BEAT_SECONDS), String(spreadSeconds)],
  ]);
}

async function atRest(server: ServerProcess, crowd: GoProgram) {
  await crowd.ask("reset");
  const startMs = performance.now();
  const startCpu = cpuSecondsOf([server.pid]);
  await later(REST_MS);
  const seconds = (performance.now() - startMs) / 1000;
  const cpuPercent = (cpuSecondsOf([server.pid]) - startCpu) / seconds * 100;
  const { beats, beatP99Ms } = await crowd.ask<Crowd>("status");
  const others = askOften(server);
  await settle();
  return {
    ...{ cpuPercent, beatP99Ms, beatsPerSecond: beats / seconds, rssMib: rssMib(server) },
    othersRestP99Ms: quantile(await others.stop(), 0.99),
  };
}

/** Seconds until all are connected. */
async function untilConnected(bench: Bench, crowd: GoProgram, count: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const status = await crowd.ask<Crowd>("status");
    const ms = performance.now() - startMs;
    if (status.connected === count) return ms / 1000;
    if (ms > CONNECT_MS_MAX) {
      bench.say(JSON.stringify(status));
      throw new Error(`only ${status.connected} of ${count} agents are connected`);
    }
    await later(ASK_EVERY_MS);
  }
}

/** Small reads and writes by somebody else, one after another; their times in ms. */
function askOften(server: ServerProcess): { stop(): Promise<number[]> } {
  const times: number[] = [];
  let isOver = false;
  const running = (async () => {
    const connection = await ApiConnection.open(server);
    for (let count = 0; !isOver; count++) {
      const startMs = performance.now();
      await (count % 2 === 0
        ? connection.send("GET", "/api/v1/namespaces/default/configmaps?limit=10")
        : connection.send("PATCH", "/api/v1/namespaces/default", patch(count), MERGE));
      times.push(performance.now() - startMs);
      await later(OTHER_EVERY_MS);
    }
    connection.close();
  })();
  return {
    async stop() {
      isOver = true;
      await running;
      return times;
    },
  };
}

const MERGE = "application/merge-patch+json";

function patch(count: number): string {
  return JSON.stringify({ metadata: { annotations: { count: String(count) } } });
}

/** As their agents would register them. */
async function addNodes(server: ServerProcess, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `agent-${String(i).padStart(5, "0")}`);
  await Promise.all(Array.from({ length: WRITERS }, async () => {
    const connection = await ApiConnection.open(server);
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const metadata = { name, labels: { "kubernetes.io/hostname": name } };
      const node = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata });
      const { status, body } = await connection.send("POST", "/api/v1/nodes", node);
      if (status !== 201) throw new Error(`node ${name}: ${new TextDecoder().decode(body)}`);
    }
    connection.close();
  }));
}

function rssMib({ pid }: ServerProcess): number {
  return usageOf([pid]).rssBytes / MIB;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function settle(): Promise<void> {
  return later(SETTLE_MS);
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
