import { fileURLToPath } from "node:url";
import { childOf } from "../e2e/machine.ts";
import { type LoadOptions, type LoadReport, PacedLoad } from "../paced_load.ts";
import type { Site } from "./site.ts";

const MAIN = fileURLToPath(import.meta.url);

type Written = Omit<LoadReport, "answers"> & { answers: [string, number][] };

/** A {@linkcode PacedLoad} by a client on a site's machine, in a process of its own. */
export class SiteLoad {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#output = new Response(child.stdout).text();
  }

  /** The load has begun when it resolves. */
  static async start(site: Site, options: LoadOptions): Promise<SiteLoad> {
    const args = ["run", "-A", MAIN, JSON.stringify(options)];
    const child = site.machine.spawn(Deno.execPath(), args);
    const reader = child.stderr.getReader();
    const { done, value } = await reader.read();
    const said = new TextDecoder().decode(value);
    if (done || said !== BEGUN) throw new Error(`The load did not begin: ${said}`);
    return new SiteLoad(child);
  }

  /** Ends it; resolves when the last answer has arrived. */
  async stop(): Promise<LoadReport> {
    const pid = await childOf(this.#child.pid);
    Deno.kill(pid, "SIGTERM"); // nsenter passes no signals on
    const { answers, ...report } = JSON.parse(await this.#output) as Written;
    await this.#child.status;
    return { ...report, answers: new Map(answers) };
  }
}

const BEGUN = "begun\n";

if (import.meta.main) {
  const load = new PacedLoad(JSON.parse(Deno.args[0]!) as LoadOptions);
  await Deno.stderr.write(new TextEncoder().encode(BEGUN));
  await new Promise<void>((resolve) => Deno.addSignalListener("SIGTERM", () => resolve()));
  const report = await load.stop();
  const written: Written = { ...report, answers: [...report.answers] };
  const text = JSON.stringify(written);
  await Deno.stdout.write(new TextEncoder().encode(text));
  Deno.exit(0);
}
