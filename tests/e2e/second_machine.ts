import { runProgram } from "../kubectl.ts";

/** Reached by failures alone. */
const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 120_000;

/**
 * Another machine on the same wire: a network namespace with one device, `eth0`. It has its own addresses and routes;
 * files and processes are this machine's. Needs root, iproute2 and util-linux.
 */
export class SecondMachine {
  /** This machine's address on the wire. */
  readonly hostIP: string;
  /** The second machine's. */
  readonly ip: string;
  readonly namespacePath: string;
  readonly #device: string;

  private constructor(name: string, subnet: number) {
    this.namespacePath = `/run/netns/${name}`;
    this.#device = name;
    this.hostIP = `10.144.${subnet}.1`;
    this.ip = `10.144.${subnet}.2`;
  }

  /** `subnet`: of its own for each test. What it makes is named after it and the process. */
  static async start(subnet: number): Promise<SecondMachine> {
    const machine = new SecondMachine(`ct${subnet}-${Deno.pid}`, subnet);
    try {
      await machine.#wire();
    } catch (error) {
      await machine.remove();
      throw error;
    }
    return machine;
  }

  /** What things of this machine are known by. */
  get marks(): string[] {
    return [this.#device];
  }

  /** Starts a program there. */
  spawn(program: string, args: readonly string[]): Deno.ChildProcess {
    return new Deno.Command("nsenter", {
      args: [`--net=${this.namespacePath}`, program, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs a program there to its end; its output. */
  async run(program: string, ...args: string[]): Promise<string> {
    return await run("nsenter", `--net=${this.namespacePath}`, program, ...args);
  }

  /** Pulls the plug. */
  async cut(): Promise<void> {
    await run("ip", "link", "set", this.#device, "down");
  }

  async mend(): Promise<void> {
    await run("ip", "link", "set", this.#device, "up");
  }

  /** Leaves nothing; succeeds when there is nothing. */
  async remove(): Promise<void> {
    await runProgram("ip", ["link", "del", this.#device]);
    await runProgram("umount", ["--lazy", this.namespacePath]);
    await Deno.remove(this.namespacePath).catch(() => {}); // it was not made
  }

  async #wire(): Promise<void> {
    await Deno.mkdir("/run/netns", { recursive: true });
    // Not by "ip netns add": that mounts /run/netns upon itself and leaves it so.
    await Deno.writeFile(this.namespacePath, new Uint8Array(), { createNew: true });
    await run("unshare", `--net=${this.namespacePath}`, "true");
    const name = this.namespacePath.split("/").at(-1)!;
    await run(
      ...["ip", "link", "add", this.#device, "type", "veth"],
      ...["peer", "name", "eth0", "netns", name],
    );
    await run("ip", "addr", "add", `${this.hostIP}/24`, "dev", this.#device);
    await run("ip", "link", "set", this.#device, "up");
    await this.run("ip", "addr", "add", `${this.ip}/24`, "dev", "eth0");
    await this.run("ip", "link", "set", "lo", "up");
    await this.run("ip", "link", "set", "eth0", "up");
  }
}

/** A `coracle agent` on a second machine. */
export class AgentProcess {
  readonly #child: Deno.ChildProcess;
  readonly #log: string[];

  private constructor(child: Deno.ChildProcess, log: string[]) {
    this.#child = child;
    this.#log = log;
  }

  /** Resolves when it says that it is ready. */
  static async start(machine: SecondMachine, args: readonly string[]): Promise<AgentProcess> {
    const child = machine.spawn(Deno.execPath(), ["run", "-A", "main.ts", "agent", ...args]);
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
    const agent = new AgentProcess(child, log);
    if (isReady) return agent;
    await agent.stop();
    throw new Error(`The agent was not ready within ${READY_MS_MAX} ms:\n${agent.log}`);
  }

  get log(): string {
    return this.#log.join("");
  }

  /** SIGTERM, and waits for the end; the exit code. */
  async stop(): Promise<number> {
    this.#kill("SIGTERM");
    const timer = setTimeout(() => this.#kill("SIGKILL"), STOP_MS_MAX);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    return code;
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // it has ended by itself: its status says how
    }
  }
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw new Error(`"${program} ${args.join(" ")}" failed: ${stderr}`);
  return stdout;
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
