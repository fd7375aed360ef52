import { fileURLToPath } from "node:url";
import type { Bench, Measurement, Report } from "./harness.ts";
import { median } from "./statistics.ts";

const PROBES = 10;
const SECONDS = 20;
const ROUNDS = 3;
const TYPES = ["none", "tcpSocket", "httpGet"] as const;

/** What probes cost the agent. */
export const probes: Measurement = {
  name: "probes",
  title: "CPU of a probe",
  needs: [],
  async run(bench) {
    const server = spawn("probed.ts", []);
    bench.defer(async () => {
      server.kill();
      await server.status;
    });
    const port = new TextDecoder().decode((await server.stdout.getReader().read()).value).trim();
    const costs = new Map<string, number[]>(TYPES.map((type) => [type, []]));
    for (let round = 0; round < bench.rounds(ROUNDS); round++) {
      for (const type of TYPES) costs.get(type)!.push(await costOf(bench, type, port));
    }
    return report(costs);
  },
};

async function costOf(bench: Bench, type: string, port: string): Promise<number> {
  const args = [type, port, `${PROBES}`, `${SECONDS}`];
  const { stdout } = await bench.witnessed(() => spawn("probing.ts", args).output());
  const { asked, failed, cpuMs } = JSON.parse(new TextDecoder().decode(stdout));
  if (failed > 0) throw new Error(`${failed} of ${asked} probes of type ${type} failed`);
  bench.say(`${type}: ${asked} probes, ${cpuMs.toFixed(0)} ms`);
  return type === "none" ? cpuMs : cpuMs / asked;
}

function spawn(file: string, args: readonly string[]): Deno.ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return new Deno.Command(Deno.execPath(), { args: ["run", "-A", path, ...args], stdout: "piped" })
    .spawn();
}

function report(costs: ReadonlyMap<string, readonly number[]>): Report {
  const rows = [...costs].filter(([type]) => type !== "none")
    .map(([type, all]) => [type, median(all).toFixed(2)]);
  return {
    columns: ["probe", "CPU of the agent, ms"],
    rows,
    notes: [
      `${PROBES} containers, each asked once a second for ${SECONDS} s; the server is another process.`,
      `A process that asks nothing used ${median(costs.get("none")!).toFixed(1)} ms in that time.`,
      "To hold: 0.4 ms.",
    ],
  };
}
