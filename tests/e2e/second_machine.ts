import { runProgram } from "../kubectl.ts";

/** The first process of the machine, which reaps orphans as an init does. */
const INIT = `set -e
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
ip link set lo up
echo up
while :; do sleep 1000000 & wait $!; done`;

/**
 * Another machine on the same network: its own namespaces for the network, with one device, `eth0`, for processes, and for
 * mounts, with its own `/run`. It shares this machine's disk. Needs root, iproute2 and util-linux.
 */
export class SecondMachine {
  /** This machine's address on that network. */
  readonly hostIP: string;
  /** The second machine's. */
  readonly ip: string;
  readonly #device: string;
  #power: Deno.ChildProcess | undefined;
  #initPid = 0;

  private constructor(name: string, subnet: number) {
    this.#device = name;
    this.hostIP = `10.144.${subnet}.1`;
    this.ip = `10.144.${subnet}.2`;
  }

  /** `subnet`: a different one for each machine of a test. Devices and files are named after it and this process. */
  static async start(subnet: number): Promise<SecondMachine> {
    const machine = new SecondMachine(`ct${subnet}-${Deno.pid}`, subnet);
    try {
      await machine.boot();
    } catch (error) {
      await machine.halt();
      throw error;
    }
    return machine;
  }

  /** Part of the names of all that belongs to the machine. */
  get marks(): string[] {
    return [this.#device, this.ip.replace(/\d+$/, "")];
  }

  /** The path on this machine of a folder over there. */
  folder(path: string): string {
    return `/proc/${this.#initPid}/root${path}`;
  }

  /** Starts a program there. */
  spawn(program: string, args: readonly string[]): Deno.ChildProcess {
    return new Deno.Command("nsenter", {
      args: [...this.#entrance(), program, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs a program there until it exits; its output. */
  async run(program: string, ...args: string[]): Promise<string> {
    return await run("nsenter", ...this.#entrance(), program, ...args);
  }

  /** Unplugs the network cable. */
  async cut(): Promise<void> {
    await run("ip", "link", "set", this.#device, "down");
  }

  async mend(): Promise<void> {
    await run("ip", "link", "set", this.#device, "up");
  }

  async boot(): Promise<void> {
    this.#power = new Deno.Command("unshare", {
      args: ["--net", "--pid", "--mount", "--propagation", "private", "--fork", "--kill-child"]
        .concat("sh", "-c", INIT),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const { value } = await this.#power.stdout.getReader().read();
    if (value === undefined) throw new Error("The second machine does not boot");
    this.#initPid = await childOf(this.#power.pid);
    await this.#wire();
  }

  /** Switches it off: all its processes end at once, and its memory is lost. */
  async halt(): Promise<void> {
    if (this.#power === undefined) return;
    const initPid = await childOf(this.#power.pid).catch(() => this.#power!.pid);
    Deno.kill(initPid, "SIGKILL");
    await this.#power.status;
    this.#power = undefined;
    await runProgram("ip", ["link", "del", this.#device]); // the kernel may be removing it already
  }

  #entrance(): string[] {
    return ["--target", String(this.#initPid), "--net", "--pid", "--mount"];
  }

  async #wire(): Promise<void> {
    await run(
      ...["ip", "link", "add", this.#device, "type", "veth"],
      ...["peer", "name", "eth0", "netns", String(this.#initPid)],
    );
    await run("ip", "addr", "add", `${this.hostIP}/24`, "dev", this.#device);
    await run("ip", "link", "set", this.#device, "up");
    await this.run("ip", "addr", "add", `${this.ip}/24`, "dev", "eth0");
    await this.run("ip", "link", "set", "eth0", "up");
    await this.run("ip", "route", "add", "default", "via", this.hostIP);
  }
}

/** The child of a process. */
export async function childOf(pid: number): Promise<number> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  const [child] = children.trim().split(" ");
  if (!child) throw new Error(`Process ${pid} has no child`);
  return Number(child);
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw new Error(`"${program} ${args.join(" ")}" failed: ${stderr}`);
  return stdout;
}
