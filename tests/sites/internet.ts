import { runProgram } from "../kubectl.ts";
import { run } from "../e2e/machine.ts";

/** What all sites and the server are connected to: a bridge on this machine, which has the server's public address. */
export class Internet {
  readonly device: string;
  /** The server's. */
  readonly serverIP: string;
  readonly #subnet: number;

  private constructor(subnet: number) {
    this.#subnet = subnet;
    this.device = `ci${subnet}-${Deno.pid}`;
    this.serverIP = this.ip(1);
  }

  /** `subnet`: a different one for each lab on this machine. */
  static async start(subnet: number): Promise<Internet> {
    const internet = new Internet(subnet);
    try {
      await run("ip", "link", "add", internet.device, "type", "bridge");
      await run("ip", "addr", "add", `${internet.serverIP}/24`, "dev", internet.device);
      await run("ip", "link", "set", internet.device, "up");
    } catch (error) {
      await internet.end();
      throw error;
    }
    return internet;
  }

  /** A public address. */
  ip(host: number): string {
    return `10.144.${this.#subnet}.${host}`;
  }

  /** The name on this machine of the other end of what a router calls `wan`. */
  portOf(router: number): string {
    return `cr${this.#subnet}${router}-${Deno.pid}`;
  }

  /** Part of the names of all that belongs to it. */
  get marks(): string[] {
    return [this.device, `cr${this.#subnet}`, this.ip(0).replace(/0$/, "")];
  }

  async end(): Promise<void> {
    await runProgram("ip", ["link", "del", this.device]); // it may not have been made
  }
}
