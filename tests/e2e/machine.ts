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
 * Another machine: its own namespaces for the network, with loopback alone, for processes, and for mounts, with its own
 * `/run`. It shares this machine's disk. Needs root, iproute2 and util-linux.
 */
export class Machine {
  #power: Deno.ChildProcess | undefined;
  #initPid = 0;

  /** Its first process, as seen from here. */
  get initPid(): number {
    return this.#initPid;
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

  async boot(): Promise<void> {
    this.#power = new Deno.Command("unshare", {
      args: ["--net", "--pid", "--mount", "--propagation", "private", "--fork", "--kill-child"]
        .concat("sh", "-c", INIT),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const { value } = await this.#power.stdout.getReader().read();
    if (value === undefined) throw new Error("The machine does not boot");
    this.#initPid = await childOf(this.#power.pid);
  }

  /** Switches it off: all its processes end at once, and its memory is lost. */
  async halt(): Promise<void> {
    if (this.#power === undefined) return;
    const initPid = await childOf(this.#power.pid).catch(() => this.#power!.pid);
    Deno.kill(initPid, "SIGKILL");
    await this.#power.status;
    this.#power = undefined;
  }

  #entrance(): string[] {
    return ["--target", String(this.#initPid), "--net", "--pid", "--mount"];
  }
}

/** The child of a process. */
export async function childOf(pid: number): Promise<number> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  const [child] = children.trim().split(" ");
  if (!child) throw new Error(`Process ${pid} has no child`);
  return Number(child);
}

/** Runs a program on this machine until it exits; its output. Rejects when it fails. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw new Error(`"${program} ${args.join(" ")}" failed: ${stderr}`);
  return stdout;
}

/** Groups that only what has ended was in: a freshly booted kernel has none. */
export async function forgetCgroups(containerIds: readonly string[]): Promise<void> {
  for await (const { name } of Deno.readDir("/sys/fs/cgroup")) {
    const parent = `/sys/fs/cgroup/${name}/libpod_parent`;
    for (const id of containerIds) {
      for (const group of [`libpod-${id}`, `libpod-conmon-${id}`]) {
        await Deno.remove(`${parent}/${group}`).catch(() => {}); // not in this hierarchy
      }
    }
  }
}
