import { fileURLToPath } from "node:url";
import { nodeUser } from "../core/api/access/nodes/node_identity.ts";
import { issueClient } from "../core/api/access/pki_certificates.ts";
import type { Bench, Measurement } from "./harness.ts";
import { cpuSecondsOf } from "./processes.ts";
import { median, quantile } from "./statistics.ts";
import { SlowUplink } from "./tunnel/slow_uplink.ts";

const MEGABYTES = 400;
const BESIDE_MEGABYTES = 600;
const ROUND_TRIPS = 3_000;
/** 20 Mbit/s. */
const UPLINK_BYTES_PER_SECOND = 2_500_000;
const UPLINK_MEGABYTES = 20;
const YEAR_MS = 365 * 24 * 3600 * 1000;

const CARRIERS = ["tunnel", "tls"] as const;
type Carrier = typeof CARRIERS[number];

interface Task {
  task: "up" | "down" | "small" | "beside";
  amount: number;
  uplink?: true;
}

interface Round {
  ms: number;
  times: number[];
  /** Of both ends. */
  cpuMs: number;
}

const TASKS: Readonly<Record<string, Task>> = {
  up: { task: "up", amount: MEGABYTES },
  down: { task: "down", amount: MEGABYTES },
  small: { task: "small", amount: ROUND_TRIPS },
  beside: { task: "beside", amount: BESIDE_MEGABYTES },
  uplink: { task: "beside", amount: UPLINK_MEGABYTES, uplink: true },
};

/** The tunnel of an agent against bare TLS with a connection for each purpose, both through loopback. */
export const tunnel: Measurement = {
  name: "tunnel",
  title:
    "The tunnel between an agent and its server, beside bare TLS (one connection for each purpose)",
  needs: [],
  async run(bench: Bench) {
    const server = await startServer(bench);
    const names = CARRIERS.flatMap((carrier) =>
      Object.keys(TASKS).map((task) => [`${carrier} ${task}`, { carrier, task }] as const)
    );
    const rounds = await bench.interleave<Round>(
      bench.rounds(3),
      Object.fromEntries(
        names.map((
          [name, { carrier, task }],
        ) => [name, () => measured(server, carrier, TASKS[task]!)]),
      ),
    );
    const of = (carrier: Carrier, task: string) => rounds[`${carrier} ${task}`]!;
    return {
      columns: ["", ...CARRIERS.map((each) => each === "tls" ? "bare TLS" : each)],
      rows: [
        ["up, MB/s", ...CARRIERS.map((each) => rate(of(each, "up"), MEGABYTES))],
        ["down, MB/s", ...CARRIERS.map((each) => rate(of(each, "down"), MEGABYTES))],
        ["up, CPU ms a MB, both ends", ...CARRIERS.map((each) => cpu(of(each, "up"), MEGABYTES))],
        [
          "down, CPU ms a MB, both ends",
          ...CARRIERS.map((each) => cpu(of(each, "down"), MEGABYTES)),
        ],
        ["300 B there and back, p50 / p99 ms", ...CARRIERS.map((each) => times(of(each, "small")))],
        [
          "the same, CPU µs, both ends",
          ...CARRIERS.map((each) =>
            `${Math.round(Number(cpu(of(each, "small"), ROUND_TRIPS)) * 1000)}`
          ),
        ],
        ["the same beside bulk", ...CARRIERS.map((each) => times(of(each, "beside")))],
        ["the same beside bulk on 20 Mbit/s", ...CARRIERS.map((each) => times(of(each, "uplink")))],
      ],
      notes: [
        "The line of 20 Mbit/s has a queue of 200 KB, as a router has; bare TLS shares it between two connections.",
      ],
    };
  },
};

interface Running {
  pid: number;
  place: { tunnel: number; tls: number; authority: string; pair: unknown };
}

async function startServer(bench: Bench): Promise<Running> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      fileURLToPath(new URL("./tunnel/server.ts", import.meta.url)),
    ],
    stdout: "piped",
  }).spawn();
  bench.defer(async () => {
    child.kill("SIGKILL");
    await child.status;
  });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.endsWith("\n")) text += (await reader.read()).value ?? "";
  const { tunnel, tls, authority, authorityKey } = JSON.parse(text);
  const { name, groups } = nodeUser("bench");
  const pair = await issueClient(
    { certificate: authority, key: authorityKey },
    { commonName: name, organization: groups[0]! },
    Date.now() + YEAR_MS,
  );
  return { pid: child.pid, place: { tunnel, tls, authority, pair } };
}

async function measured({ pid, place }: Running, carrier: Carrier, task: Task): Promise<Round> {
  using uplink = task.uplink && await SlowUplink.open(UPLINK_BYTES_PER_SECOND, place[carrier]);
  const seen = uplink ? { ...place, [carrier]: uplink.port } : place;
  const before = cpuSecondsOf([pid]);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", fileURLToPath(new URL("./tunnel/client.ts", import.meta.url))],
      ...[carrier, task.task, `${task.amount}`, JSON.stringify(seen)],
    ],
    stdout: "piped",
  });
  const { stdout, stderr, success } = await child.output();
  if (!success) {
    throw new Error(
      `the client of "${carrier} ${task.task}" failed: ${new TextDecoder().decode(stderr)}`,
    );
  }
  const { ms, times, cpuMs } = JSON.parse(new TextDecoder().decode(stdout));
  return { ms, times, cpuMs: cpuMs + (cpuSecondsOf([pid]) - before) * 1000 };
}

function rate(rounds: readonly Round[], megabytes: number): string {
  return `${Math.round(median(rounds.map(({ ms }) => megabytes * 1000 / ms)))}`;
}

function cpu(rounds: readonly Round[], count: number): string {
  return median(rounds.map(({ cpuMs }) => cpuMs / count)).toFixed(2);
}

function times(rounds: readonly Round[]): string {
  const at = (share: number) =>
    median(rounds.map(({ times }) => quantile(times, share))).toFixed(2);
  return `${at(0.5)} / ${at(0.99)}`;
}
