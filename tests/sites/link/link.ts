import { fileURLToPath } from "node:url";
import { carry, type LinkOptions } from "./cable.ts";

const MAIN = fileURLToPath(import.meta.url);

/** A cable in a process of its own, so that nothing else holds packets up. Its devices go with it. */
export class Link {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Resolves when both devices are there. */
  static async start(options: LinkOptions): Promise<Link> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", MAIN, JSON.stringify(options)],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const { value } = await child.stdout.getReader().read();
    if (value === undefined) throw new Error("The link did not start");
    return new Link(child);
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

if (import.meta.main) await carry(JSON.parse(Deno.args[0]!) as LinkOptions);
