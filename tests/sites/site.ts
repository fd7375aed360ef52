import { fileURLToPath } from "node:url";
import { importBusybox } from "../../agent/runtimes/podman/busybox_image.ts";
import { PodmanClient } from "../../agent/runtimes/podman/podman_client.ts";
import { ownSocketPath } from "../../agent/runtimes/podman/podman_service.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { type AgentOptions, AgentProcess } from "../e2e/agent_process.ts";
import { forgetCgroups, Machine, run } from "../e2e/machine.ts";
import { IMAGE } from "../e2e/podman_cluster.ts";
import type { Internet } from "./internet.ts";
import { Router } from "./router.ts";

/** The server's name in the site's `/etc/hosts`. */
export const SERVER_NAME = "server.sites.test";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** An answer that takes longer is none. */
const ANSWER_SECONDS_MAX = 10;

export interface SiteOptions {
  internet: Internet;
  /** Of its router. */
  number: number;
  /** Of its node. */
  node: string;
}

/** A machine behind a router, with its own Podman, and the agent on it. */
export class Site {
  readonly node: string;
  readonly router: Router;
  readonly machine = new Machine();
  /** The agent's data: it survives reboots. */
  readonly folder: string;
  /** The latest one; absent before the first. */
  agent: AgentProcess | undefined;
  readonly #internet: Internet;
  #log = "";

  private constructor({ node, internet }: SiteOptions, router: Router, folder: string) {
    this.node = node;
    this.router = router;
    this.folder = folder;
    this.#internet = internet;
  }

  /** A machine that runs, without an agent. */
  static async start(options: SiteOptions): Promise<Site> {
    await using undo = new AsyncDisposableStack();
    const router = await Router.start(options.internet, options.number);
    undo.defer(() => router.halt());
    const folder = await Deno.makeTempDir({ prefix: "coracle-sites-" });
    undo.defer(() => Deno.remove(folder, { recursive: true }));
    await Deno.mkdir(`${folder}/podman`); // its own storage, whatever Podman runs here
    const site = new Site(options, router, folder);
    undo.defer(() => site.machine.halt());
    await site.#boot();
    undo.move();
    return site;
  }

  /** Of all its agents. */
  get log(): string {
    return `${this.#log}${this.agent?.log ?? ""}`;
  }

  /** Starts an agent; `args`: what follows `coracle agent` besides what every site has. Resolves when it is ready. */
  async startAgent(args: readonly string[], options: AgentOptions = {}): Promise<AgentProcess> {
    this.#log = this.log;
    this.agent = undefined;
    const agent = await AgentProcess.start(this.machine, this.agentArgs(args), options);
    return this.agent = agent;
  }

  /** What every agent here is told. */
  agentArgs(args: readonly string[]): string[] {
    return [
      ...["--data", this.folder, "--runtime", "podman"],
      ...["--gateway-address", this.router.siteIP, "--stop-pods", "--temporary", ...args],
    ];
  }

  /** Runs a command of the product there; its output. */
  async coracle(...args: string[]): Promise<string> {
    return await this.machine.run(Deno.execPath(), "run", "-A", MAIN, ...args);
  }

  /** Makes the image of the tests, which no registry has. An agent must have started its Podman. */
  async importImage(): Promise<void> {
    using podman = this.openPodman();
    await importBusybox(podman.client, IMAGE);
  }

  /** Kills all its processes, and forgets what is not on the disk. No agent runs afterwards. */
  async reboot(): Promise<void> {
    const ids = await this.containerIds();
    await this.machine.halt();
    await this.agent?.ended;
    await forgetCgroups(ids);
    await this.#boot();
  }

  /** The ids of the running containers, by its Podman, even without an agent. */
  async containerIds(): Promise<string[]> {
    using podman = this.openPodman();
    const list = await podman.client.json<{ Id: string }[]>("GET", "/containers/json");
    return list.map(({ Id }) => Id).sort();
  }

  /** The site's, from here. */
  openPodman(): { client: PodmanClient } & Disposable {
    const socketPath = this.machine.folder(ownSocketPath(`${this.folder}/podman`));
    const client = new PodmanClient({ socketPath, clock: new SystemClock() });
    return { client, [Symbol.dispose]: () => client.close() };
  }

  /** The body of an answer to a client on the site's machine. Rejects without a good one. */
  async get(url: string): Promise<string> {
    const ask = ["busybox", "wget", "-q", "-O", "-", url];
    return (await this.machine.run("timeout", String(ANSWER_SECONDS_MAX), ...ask)).trim();
  }

  /** Stops all; the exit code of the agent, and part of the names of all that belonged here. */
  async end(): Promise<{ code: number; marks: string[] }> {
    await using all = new AsyncDisposableStack();
    all.defer(() => Deno.remove(this.folder, { recursive: true }));
    all.defer(() => this.router.halt());
    all.defer(() => this.machine.halt());
    const ids = await this.containerIds().catch(() => []); // Podman itself may have failed
    await this.router.fast();
    await this.router.mend();
    await this.router.plug();
    const code = await this.agent?.stop() ?? 0;
    return { code, marks: [this.folder, ...ids] };
  }

  async #boot(): Promise<void> {
    await this.machine.boot();
    await this.router.connect(this.machine);
    await this.#nameServer();
  }

  /** Over the machine's own `/etc/hosts`, there alone. */
  async #nameServer(): Promise<void> {
    const path = `${this.folder}.hosts`;
    const lines = [
      "127.0.0.1 localhost",
      `${this.#internet.serverIP} ${SERVER_NAME}`,
      `127.0.1.1 ${Deno.hostname()}`,
    ];
    await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
    await this.machine.run("mount", "--bind", path, "/etc/hosts");
    await Deno.remove(path); // what is mounted stays
  }
}

/** Runs a command of the product on this machine; its output. */
export async function coracle(...args: string[]): Promise<string> {
  return await run(Deno.execPath(), "run", "-A", MAIN, ...args);
}
