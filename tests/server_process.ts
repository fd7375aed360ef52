import { type Output, runProgram } from "./kubectl.ts";
import { rangesOf, removeNetwork } from "./server_network.ts";

/** Only a failure takes this long. */
const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 120_000;
/** Each server in the tests has its own pod and service addresses, so that suites do not collide. */
let nextSubnet = 0;
/** Flags and main module of `deno task start`: a server of the tests may do what a user's may. */
const START = startCommand();

export interface ServerOptions {
  runtime: "podman" | "process";
  /** Kept when given; else a temporary one that goes with the server. */
  dataFolder?: string;
  subnet?: number;
  /** Of the sources; absent: these. */
  folder?: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** In its own process group: Ctrl-C in the terminal does not reach it. */
  detached?: boolean;
}

/** A `coracle server` as a user runs it: in its own process, on a free port, with its own data folder. */
export class ServerProcess {
  readonly dataFolder: string;
  readonly options: ServerOptions;
  /** The line that it printed when it was ready, and how long that took. */
  readonly readyLine: string;
  readonly readyMs: number;
  readonly #child: Deno.ChildProcess;
  readonly #log: string[];

  private constructor(
    options: ServerOptions & { dataFolder: string },
    started: { child: Deno.ChildProcess; log: string[]; readyLine: string; readyMs: number },
  ) {
    this.options = options;
    this.dataFolder = options.dataFolder;
    this.#child = started.child;
    this.#log = started.log;
    this.readyLine = started.readyLine;
    this.readyMs = started.readyMs;
  }

  /** Starts a server and resolves when it says that it is ready. */
  static async start(given: ServerOptions): Promise<ServerProcess> {
    const dataFolder = given.dataFolder ?? await Deno.makeTempDir({ prefix: "coracle-test-" });
    const options = { ...given, dataFolder, subnet: given.subnet ?? nextSubnet++ };
    const startedAt = performance.now();
    const child = spawn(options);
    const log: string[] = [];
    void collect(child.stderr, log);
    const readyLine = await firstLine(child, log);
    return new ServerProcess(options, {
      child,
      log,
      readyLine,
      readyMs: performance.now() - startedAt,
    });
  }

  get pid(): number {
    return this.#child.pid;
  }
  get address(): string {
    return this.readyLine.match(/https:\/\/[^\s,]+/)![0];
  }
  get kubeconfig(): string {
    return `${this.dataFolder}/admin.kubeconfig`;
  }
  get log(): string {
    return this.#log.join("");
  }

  /** Runs kubectl against this server, with its own home so that no cache is shared. */
  kubectl(
    path: string,
    args: readonly string[],
    input?: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Output> {
    return runProgram(path, ["--kubeconfig", this.kubeconfig, ...args], {
      env: { ...this.#kubectlEnv(path), ...env },
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Starts a kubectl that goes on until it is killed. */
  startKubectl(
    path: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Deno.ChildProcess {
    return new Deno.Command(path, {
      args: ["--kubeconfig", this.kubeconfig, ...args],
      env: { ...this.#kubectlEnv(path), ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  }

  #kubectlEnv(path: string): Record<string, string> {
    return { HOME: `${this.dataFolder}/home-${path.split("/").at(-1)}` };
  }

  /** A request, as the admin unless it says otherwise. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const ca = await Deno.readTextFile(`${this.dataFolder}/ca.crt`);
    const token = (await Deno.readTextFile(`${this.dataFolder}/admin.token`)).trim();
    using client = Deno.createHttpClient({ caCerts: [ca] });
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
    const answer = await fetch(`${this.address}${path}`, { ...init, headers, client });
    const body = await answer.arrayBuffer();
    return new Response(answer.status === 204 ? null : body, answer);
  }

  /** Creates an object, as kubectl would. */
  create(
    path: string,
    object: object,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Response> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(object);
    return this.fetch(path, { method: "POST", headers, body, ...(signal && { signal }) });
  }

  /** The exit code, once it has ended. */
  get ended(): Promise<number> {
    return this.#child.status.then(({ code }) => code);
  }

  /** Sends SIGTERM and waits for the exit; the exit code. */
  async stop(): Promise<number> {
    return await this.#end("SIGTERM");
  }

  /** `kill -9`: nothing is cleaned up. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** `kill -9`, then removes what that leaves behind on this machine: its network and its data. */
  async destroy(): Promise<void> {
    await this.kill();
    await removeNetwork(this.dataFolder, this.options.subnet!);
    await Deno.remove(this.dataFolder, { recursive: true }).catch(() => {}); // a mount may linger
  }

  async #end(signal: Deno.Signal): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch {
      // it has exited already: its status says how
    }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS_MAX);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    return code;
  }

  /** Starts a new process on the same data. */
  restart(): Promise<ServerProcess> {
    return ServerProcess.start(this.options);
  }
}

/** Runs `body` with a server, then stops it and its pods and removes its data, also when `body` throws. */
export async function withServer(
  options: ServerOptions,
  body: (server: ServerProcess) => Promise<void>,
): Promise<void> {
  const server = await ServerProcess.start({
    ...options,
    args: ["--stop-pods", "--temporary", ...options.args ?? []],
  });
  try {
    await body(server);
  } catch (error) {
    throw new Error(`${server.log}\n${error instanceof Error ? error.stack : error}`);
  } finally {
    const isOrderly = await server.stop() === 0;
    if (!isOrderly) await removeNetwork(server.dataFolder, server.options.subnet!);
    await Deno.remove(server.dataFolder, { recursive: true }).catch(() => {}); // a mount may linger
  }
}

function spawn(options: ServerOptions & { dataFolder: string; subnet: number }): Deno.ChildProcess {
  const { podCIDR, serviceCIDR } = rangesOf(options.subnet);
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...START,
      ...["--data", options.dataFolder, "--listen", "127.0.0.1:0", "--runtime", options.runtime],
      ...["--pod-cidr", podCIDR, "--service-cidr", serviceCIDR, "--gateway-address", "127.0.0.1"],
      ...options.args ?? [],
    ],
    env: options.env ?? {},
    ...(options.folder !== undefined && { cwd: options.folder }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: options.detached ?? false,
  }).spawn();
}

/** `run`, the flags, `main.ts` and `server`. */
function startCommand(): readonly string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync("deno.json"));
  return tasks.start.command.split(" ").slice(1);
}

async function firstLine(child: Deno.ChildProcess, log: string[]): Promise<string> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => child.kill("SIGKILL"), READY_MS_MAX);
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) {
      const { code } = await child.status;
      clearTimeout(timer);
      throw new Error(`The server ended with code ${code} before it was ready:\n${log.join("")}`);
    }
    text += value;
  }
  clearTimeout(timer);
  void drain(reader);
  return text.slice(0, text.indexOf("\n"));
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}

async function collect(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) lines.push(text);
}
