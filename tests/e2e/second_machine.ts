import { runProgram } from "../kubectl.ts";
import { Machine, run } from "./machine.ts";

/** Another machine on the same network, with one device, `eth0`. */
export class SecondMachine {
  /** This machine's address on that network. */
  readonly hostIP: string;
  /** The second machine's. */
  readonly ip: string;
  readonly #device: string;
  readonly #machine = new Machine();

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
    return this.#machine.folder(path);
  }

  /** Starts a program there. */
  spawn(program: string, args: readonly string[]): Deno.ChildProcess {
    return this.#machine.spawn(program, args);
  }

  /** Runs a program there until it exits; its output. */
  async run(program: string, ...args: string[]): Promise<string> {
    return await this.#machine.run(program, ...args);
  }

  /** Unplugs the network cable. */
  async cut(): Promise<void> {
    await run("ip", "link", "set", this.#device, "down");
  }

  async mend(): Promise<void> {
    await run("ip", "link", "set", this.#device, "up");
  }

  async boot(): Promise<void> {
    await this.#machine.boot();
    await this.#wire();
  }

  /** Switches it off: all its processes end at once, and its memory is lost. */
  async halt(): Promise<void> {
    await this.#machine.halt();
    await runProgram("ip", ["link", "del", this.#device]); // the kernel may be removing it already
  }

  async #wire(): Promise<void> {
    await run(
      ...["ip", "link", "add", this.#device, "type", "veth"],
      ...["peer", "name", "eth0", "netns", String(this.#machine.initPid)],
    );
    await run("ip", "addr", "add", `${this.hostIP}/24`, "dev", this.#device);
    await run("ip", "link", "set", this.#device, "up");
    await this.run("ip", "addr", "add", `${this.ip}/24`, "dev", "eth0");
    await this.run("ip", "link", "set", "eth0", "up");
    await this.run("ip", "route", "add", "default", "via", this.hostIP);
  }
}
