/**
 * CPU per request of the proxy beside nginx and HAProxy, interleaved: all run at once, wrk visits them in turn, and each
 * ratio is formed within a round, so that a machine that slows down slows all of them.
 */
import { fileURLToPath } from "node:url";
import { familyOf } from "../tests/process_family.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";
import { Proxy } from "../proxy/threads/proxy.ts";
import type { RouteTable } from "../proxy/table/route_table.ts";
import type { Bench, Measurement, Report } from "./harness.ts";
import { cpuSecondsOf } from "./processes.ts";
import { temporaryFolder } from "./server.ts";
import { median, ratios, spread } from "./statistics.ts";

const ROUNDS = 7;
const SECONDS = 3;
const CONNECTIONS = 64;
const RIVALS = ["nginx", "HAProxy"];

interface Contestant {
  port: number;
  /** Its CPU time and that of its children counts. */
  pid: number;
}
interface Sample {
  cpuMicros: number;
  perSecond: number;
  p99Ms: number;
}

if (import.meta.main) await serve(Number(Deno.args[0]), Deno.args[1]!.split(",").map(Number));

/** A weighted split to two backends. Run as a program, this file is the contestant of ours. */
export const proxy: Measurement = {
  name: "proxy",
  title: "The proxy beside nginx and HAProxy: a 90/10 split, HTTP/1.1, keep-alive",
  needs: ["nginx", "haproxy", "wrk"].map((program) => ({ program, package: program })),
  async run(bench) {
    const contestants = await startAll(bench);
    const turns = Object.fromEntries(
      Object.entries(contestants).map((
        [name, contestant],
      ) => [name, () => measure(contestant, SECONDS)]),
    );
    for (const contestant of Object.values(contestants)) await measure(contestant, 1);
    const rounds = bench.rounds(ROUNDS);
    return reportOf(await bench.interleave(rounds, turns), rounds);
  },
};

function reportOf(samples: Record<string, Sample[]>, rounds: number): Report {
  const of = (name: string, key: keyof Sample) => samples[name]!.map((sample) => sample[key]);
  return {
    columns: [
      "",
      "CPU µs a request",
      ...RIVALS.map((rival) => `× ${rival}`),
      "requests/s",
      "p99 ms",
    ],
    rows: Object.keys(samples).map((name) => [
      name,
      spread(of(name, "cpuMicros"), 1),
      ...RIVALS.map((rival) => spread(ratios(of(name, "cpuMicros"), of(rival, "cpuMicros")), 2)),
      spread(of(name, "perSecond")),
      median(of(name, "p99Ms")).toFixed(1),
    ]),
    notes: [
      `Median of ${rounds} rounds of ${SECONDS} s (range), ${CONNECTIONS} connections at full speed, one worker each.`,
      "Ratios are of CPU, formed within a round. To hold on Deno's sockets: 1.25 × nginx.",
    ],
  };
}

async function startAll(bench: Bench): Promise<Record<string, Contestant>> {
  const folder = await temporaryFolder(bench);
  const config = async (name: string, text: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    return `${folder}/${name}`;
  };
  const run = (command: string, args: string[], port: number) =>
    startOne(bench, { command, args, port });
  const backends = [freePort(), freePort()];
  const backendConfig = await config("backend.conf", nginxBackend(folder, backends));
  await run("nginx", ["-c", backendConfig, "-p", folder], backends[1]!);
  const [nginxPort, haproxyPort, ownPort] = [freePort(), freePort(), freePort()];
  const nginxConfig = await config("nginx.conf", nginxProxy(folder, nginxPort, backends));
  const haproxyConfig = await config("haproxy.cfg", haproxy(haproxyPort, backends));
  const script = fileURLToPath(import.meta.url);
  const own = ["run", "-A", script, String(ownPort), backends.join(",")];
  return {
    nginx: await run("nginx", ["-c", nginxConfig, "-p", folder], nginxPort),
    HAProxy: await run("haproxy", ["-f", haproxyConfig, "-db"], haproxyPort),
    Coracle: await run(Deno.execPath(), own, ownPort),
  };
}

async function startOne(
  bench: Bench,
  { command, args, port }: { command: string; args: string[]; port: number },
): Promise<Contestant> {
  const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" }).spawn();
  bench.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  await untilOpen(port);
  return { port, pid: child.pid };
}

async function serve(port: number, backendPorts: number[]): Promise<void> {
  const clock = new SystemClock();
  const proxy = new Proxy({ clock, log: silentLog(clock) });
  proxy.start();
  const shares = [{ weight: 90, backend: 0 }, { weight: 10, backend: 1 }];
  const match = { path: { type: "PathPrefix", value: "/" }, headers: [], queryParams: [] } as const;
  const table: RouteTable = {
    listeners: [{
      protocol: "HTTP",
      name: "bench",
      address: "127.0.0.1",
      port,
      hosts: [{
        hostname: "",
        routes: [{ hostname: "", match, rule: { key: "bench", shares } }],
      }],
    }],
    backends: backendPorts.map((port) => ({
      name: String(port),
      state: "valid",
      endpoints: [{ address: "127.0.0.1", port, podUid: "" }],
    })),
    problems: [],
  };
  await proxy.use(table);
  await new Promise(() => {});
}

async function measure({ port, pid }: Contestant, seconds: number): Promise<Sample> {
  const before = cpuSecondsOf(familyOf(pid));
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t2", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", `http://127.0.0.1:${port}/`],
  }).output();
  const cpuSeconds = cpuSecondsOf(familyOf(pid)) - before;
  const text = new TextDecoder().decode(stdout);
  const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(text)!;
  return {
    cpuMicros: cpuSeconds / Number(/(\d+) requests in/.exec(text)![1]) * 1e6,
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]),
    p99Ms: Number(p99) * { us: 0.001, ms: 1, s: 1000 }[unit as "us" | "ms" | "s"],
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

async function untilOpen(port: number): Promise<void> {
  const clock = new SystemClock();
  for (let tries = 0; tries < 200; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await clock.sleep(50); // not open yet
    }
  }
  throw new Error(`Cannot start the bench: nothing listens on port ${port} after 10 s`);
}

function nginxCommon(folder: string, name: string): string {
  return `daemon off; worker_processes 1; pid ${folder}/${name}.pid; error_log /dev/null;
    events { worker_connections 2048; }`;
}

function nginxBackend(folder: string, ports: readonly number[]): string {
  const servers = ports.map((port) =>
    `server { listen 127.0.0.1:${port}; location / { return 200 "${"x".repeat(100)}"; } }`
  );
  return `${nginxCommon(folder, "backend")}
    http { access_log off; keepalive_requests 100000000; ${servers.join("\n")} }`;
}

function nginxProxy(folder: string, port: number, [stable, canary]: readonly number[]): string {
  return `${nginxCommon(folder, "proxy")}
    http { access_log off; keepalive_requests 100000000;
      upstream u { server 127.0.0.1:${stable} weight=90 max_fails=0;
        server 127.0.0.1:${canary} weight=10 max_fails=0; keepalive 128;
        keepalive_requests 100000000; }
      server { listen 127.0.0.1:${port};
        location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto http;
          proxy_set_header X-Forwarded-Host $host; } } }`;
}

function haproxy(port: number, [stable, canary]: readonly number[]): string {
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  http-request set-header X-Forwarded-Proto http
  default_backend b
backend b
  balance roundrobin
  server s 127.0.0.1:${stable} weight 90
  server c 127.0.0.1:${canary} weight 10
`;
}
