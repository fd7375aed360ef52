import { familyOf } from "../tests/process_family.ts";
import type { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import type { Bench, Measurement, Report } from "./harness.ts";
import { commandOf, processesNaming, type Usage, usageOf } from "./processes.ts";
import { makeImage, needsPodman, type RuntimeName, RUNTIMES, startServer } from "./server.ts";
import { awaitReady, deployment } from "./pods.ts";

const PODS = 10;
/** Deno KV looks for expired keys once a minute; the first time, that dirties two pages of its shared-memory file. */
const SETTLE_MS = 75_000;
const WINDOW_MS = 60_000;
const MIB = 1024 * 1024;

type Group = "server" | "Podman service" | "monitors and supervisors" | "containers";
type Groups = Map<Group, number[]>;

/** What a server with ten pods costs when nothing happens. */
export const idle: Measurement = {
  name: "idle",
  title: "Idle with 10 pods",
  ...needsPodman,
  async run(bench) {
    const rows: string[][] = [];
    for (const probes of [false, true]) {
      for (const runtime of RUNTIMES) rows.push(...await measure(bench, runtime, probes));
    }
    return report(rows);
  },
};

function report(rows: string[][]): Report {
  return {
    columns: ["run", "process", "CPU, % of a core", "PSS, MiB", "RSS, MiB", "written to disk, KiB"],
    rows,
    notes: [
      `${WINDOW_MS / 1000} s, ${SETTLE_MS / 1000} s after the last of ${PODS} pods was ready.`,
      "With probes, each pod has an HTTP readiness probe with the default period of 10 s.",
      "To hold for the server: 1 % and 150 MiB of RSS, and nothing written.",
    ],
  };
}

async function measure(bench: Bench, runtime: RuntimeName, probes: boolean): Promise<string[][]> {
  const run = `${runtime}, ${probes ? "with" : "without"} probes`;
  bench.say(run);
  const server = await startServer(bench, runtime);
  await makeImage(server);
  const connection = await ApiConnection.open(server);
  await connection.send("PUT", "/apply", deployment("idle", { replicas: PODS, probes }));
  await awaitReady(server, PODS);
  connection.close();
  await sleep(SETTLE_MS);
  const groups = groupsOf(server);
  const before = usages(groups);
  await bench.witnessed(() => sleep(WINDOW_MS));
  const after = usages(groups);
  await server.stop();
  return [...groups.keys()].map((group) => row(run, group, before.get(group)!, after.get(group)!));
}

function row(run: string, group: Group, before: Usage, after: Usage): string[] {
  const cpu = (after.cpuSeconds - before.cpuSeconds) / (WINDOW_MS / 1000) * 100;
  return [
    run,
    group,
    cpu.toFixed(2),
    (after.pssBytes / MIB).toFixed(1),
    (after.rssBytes / MIB).toFixed(1),
    ((after.writtenBytes - before.writtenBytes) / 1024).toFixed(0),
  ];
}

/** Tells the processes of a server apart: its detached ones have its folder in their command line. */
function groupsOf(server: ServerProcess): Groups {
  const groups: Groups = new Map([["server", [server.pid]]]);
  const add = (group: Group, pid: number) => groups.set(group, [...groups.get(group) ?? [], pid]);
  const podman = familyOf(server.pid).slice(1);
  for (const pid of podman) add("Podman service", pid);
  const monitors = processesNaming(server.dataFolder).filter((pid) =>
    pid !== server.pid && !podman.includes(pid) && !commandOf(pid).includes("main.ts")
  );
  for (const pid of monitors) {
    add("monitors and supervisors", pid);
    for (const child of familyOf(pid).slice(1)) {
      if (!monitors.includes(child)) add("containers", child);
    }
  }
  return groups;
}

function usages(groups: Groups): Map<Group, Usage> {
  return new Map([...groups].map(([group, pids]) => [group, usageOf(pids)]));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
