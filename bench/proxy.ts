/**
 * CPU per request of the proxy beside nginx and HAProxy, interleaved: all run at once, wrk visits them in turn, and each
 * ratio is formed within a cycle, so that a machine that slows down slows all of them. Linux; needs `nginx`, `haproxy`, `wrk`.
 *
 * `deno task bench:proxy [cycles] [seconds]`
 */
import { MonotonicClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";
import { Proxy } from "../proxy/proxy.ts";
import type { RouteTable } from "../proxy/route_table.ts";

const CONNECTIONS = 64;
const CLOCK_TICKS_PER_SECOND = 100;

interface Contestant {
  name: string;
  port: number;
  /** Processes whose CPU time counts, children included. */
  pids: () => number[];
}
interface Sample {
  cpuSecondsPer100k: number;
  requestsPerSecond: number;
}

if (Deno.args[0] === "serve") {
  await serve(Number(Deno.args[1]), Deno.args[2]!.split(",").map(Number));
} else await compare(Number(Deno.args[0] ?? 3), Number(Deno.args[1] ?? 2));

async function compare(cycles: number, seconds: number): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bench-proxy-" });
  const children: Deno.ChildProcess[] = [];
  try {
    const backends = [freePort(), freePort()];
    const contestants = await start(folder, backends, children);
    const samples = new Map<string, Sample[]>(contestants.map(({ name }) => [name, []]));
    for (const contestant of contestants) await measure(contestant, 1);
    for (let cycle = 0; cycle < cycles; cycle++) {
      for (const contestant of contestants) {
        samples.get(contestant.name)!.push(await measure(contestant, seconds));
      }
    }
    print(samples);
  } finally {
    for (const child of children) child.kill("SIGTERM");
    await Promise.all(children.map((child) => child.status));
    await Deno.remove(folder, { recursive: true });
  }
}

async function start(
  folder: string,
  backends: number[],
  children: Deno.ChildProcess[],
): Promise<Contestant[]> {
  const run = async (name: string, command: string, args: string[], port: number) => {
    const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" }).spawn();
    children.push(child);
    await untilOpen(port);
    return { name, port, pids: () => familyOf(child.pid) };
  };
  const config = async (name: string, text: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    return `${folder}/${name}`;
  };
  const backendConfig = await config("backend.conf", nginxBackend(folder, backends));
  await run("backend", "nginx", ["-c", backendConfig, "-p", folder], backends[1]!);
  const [nginxPort, haproxyPort, ownPort] = [freePort(), freePort(), freePort()];
  const nginxConfig = await config("nginx.conf", nginxProxy(folder, nginxPort, backends));
  const haproxyConfig = await config("haproxy.cfg", haproxy(haproxyPort, backends));
  const script = new URL(import.meta.url).pathname;
  return [
    await run("nginx", "nginx", ["-c", nginxConfig, "-p", folder], nginxPort),
    await run("haproxy", "haproxy", ["-f", haproxyConfig, "-db"], haproxyPort),
    await run(
      "coracle",
      Deno.execPath(),
      ["run", "-A", script, "serve", String(ownPort), backends.join(",")],
      ownPort,
    ),
  ];
}

async function serve(port: number, backendPorts: number[]): Promise<void> {
  const clock = new MonotonicClock();
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

async function measure({ port, pids }: Contestant, seconds: number): Promise<Sample> {
  const before = cpuSecondsOf(pids());
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t2", `-c${CONNECTIONS}`, `-d${seconds}s`, `http://127.0.0.1:${port}/`],
  }).output();
  const cpuSeconds = cpuSecondsOf(pids()) - before;
  const text = new TextDecoder().decode(stdout);
  const requests = Number(/(\d+) requests in/.exec(text)![1]);
  return {
    cpuSecondsPer100k: cpuSeconds / requests * 100_000,
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]),
  };
}

function print(samples: Map<string, Sample[]>): void {
  const rivals = ["nginx", "haproxy"];
  for (const [name, own] of samples) {
    const ratios = rivals.map((rival) => {
      const of = own.map(({ cpuSecondsPer100k }, cycle) =>
        cpuSecondsPer100k / samples.get(rival)![cycle]!.cpuSecondsPer100k
      );
      return `${median(of).toFixed(2)} x ${rival} (${Math.min(...of).toFixed(2)}..${
        Math.max(...of).toFixed(2)
      })`;
    });
    const cpu = median(own.map((sample) => sample.cpuSecondsPer100k)).toFixed(2);
    const rate = median(own.map((sample) => sample.requestsPerSecond)).toFixed(0);
    write(`${name.padEnd(8)} ${cpu} CPU s/100k, ${rate} req/s, CPU ${ratios.join(", ")}\n`);
  }
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function familyOf(pid: number): number[] {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return [pid, ...children.split(" ").filter(Boolean).flatMap((child) => familyOf(Number(child)))];
}

function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }, 0);
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

async function untilOpen(port: number): Promise<void> {
  const clock = new MonotonicClock();
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
