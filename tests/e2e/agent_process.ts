import { fileURLToPath } from "node:url";
import { runProgram } from "../kubectl.ts";
import type { ServerProcess } from "../server_process.ts";
import { childOf, type Machine } from "./machine.ts";

/** Only a failure takes this long. */
const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 120_000;
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** Creates credentials for the agent of a node, as a user does; returns the path of the kubeconfig. */
export async function nodeKubeconfig(server: ServerProcess, node: string): Promise<string> {
  const path = `${server.dataFolder}/${node}.kubeconfig`;
  const { code, stderr } = await runProgram(Deno.execPath(), [
    ...["run", "-A", MAIN, "credentials", "create", "node", node],
    ...["--kubeconfig", server.kubeconfig, "--output", path],
  ]);
  if (code !== 0) throw new Error(`No credentials for "${node}": ${stderr}`);
  return path;
}

export interface AgentOptions {
  /** `agent` unless given. */
  command?: string;
  /** What its environment has besides, each as `NAME=value`. */
  env?: readonly string[];
}

/** A `coracle agent` on another machine. */
export class AgentProcess {
  readonly #child: Deno.ChildProcess;
  readonly #log: string[];
  /** The process of the agent, inside those that start it in the second machine. */
  readonly #pid: number;

  private constructor(child: Deno.ChildProcess, { log, pid }: { log: string[]; pid: number }) {
    this.#child = child;
    this.#log = log;
    this.#pid = pid;
  }

  /** Resolves when it says that it is ready. */
  static async start(
    machine: Pick<Machine, "spawn">,
    args: readonly string[],
    { command = "agent", env = [] }: AgentOptions = {},
  ): Promise<AgentProcess> {
    const program = [...env, Deno.execPath(), "run", "-A", MAIN, command, ...args];
    const child = machine.spawn("env", program);
    const log: string[] = [];
    const ready = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => ready.resolve(false), READY_MS_MAX);
    void collect(child.stderr, (text) => log.push(text));
    void collect(child.stdout, (text) => {
      log.push(text);
      if (text.includes("is ready")) ready.resolve(true);
    });
    void child.status.then(() => ready.resolve(false));
    const isReady = await ready.promise;
    clearTimeout(timer);
    const agent = new AgentProcess(child, { log, pid: await childOf(child.pid).catch(() => 0) });
    if (isReady) return agent;
    await agent.stop();
    throw new Error(`The agent was not ready within ${READY_MS_MAX} ms:\n${agent.log}`);
  }

  get log(): string {
    return this.#log.join("");
  }

  /** The exit code, once it has ended. */
  get ended(): Promise<number> {
    return this.#child.status.then(({ code }) => code);
  }

  /** Sends SIGTERM and waits for the exit; the exit code. */
  async stop(): Promise<number> {
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), STOP_MS_MAX);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    return code;
  }

  /** `kill -9`: nothing is cleaned up. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#child.status;
  }

  #signal(signal: Deno.Signal): void {
    try {
      Deno.kill(this.#pid, signal);
    } catch {
      // it has exited already: its status says how
    }
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
