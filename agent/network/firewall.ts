import { programPath } from "../../core/lib/linux/program.ts";
import type { Log } from "../../core/lib/log.ts";
import {
  type Cluster,
  clusterText,
  type Guarded,
  NO_CLUSTER,
  removalText,
  tableText,
} from "./firewall_rules.ts";
import { type LedPorts, ledText, type PortRules, USUAL_PORTS, withPorts } from "./service_ports.ts";

const NFT_MISSING = '"nft" is not installed; install it with "apt-get install nftables"';

/** In which ways rules are loaded: as long as one fails, the next is tried. */
const LOADS = [
  { isNew: false, hasFib: true, leads: true },
  { isNew: true, hasFib: true, leads: true },
  { isNew: true, hasFib: false, leads: true },
  { isNew: true, hasFib: true, leads: false },
  { isNew: true, hasFib: false, leads: false },
];

export interface FirewallOptions extends Omit<Guarded, "hasFib"> {
  log: Log;
  /** Changes with each change of any rule on the machine; absent where that is not known. */
  generation?(): number | undefined;
}

/** The node's rules in the kernel: a table of nftables of our own. They stay when the process ends. */
export class Firewall implements PortRules {
  readonly #log: Log;
  readonly #generation: () => number | undefined;
  #guarded: Guarded;
  /** `undefined`: as the last process left it. */
  #cluster: Cluster | undefined;
  #isLoaded = false;
  /** `undefined`: this kernel cannot, or there are no services here. */
  #led: LedPorts | undefined;
  /** The generation in which the rules are as they should be, and the kernel's words for them, once it was asked. */
  #known: { text?: string; generation: number | undefined } = { generation: undefined };
  /** One change at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ log, generation, ...guarded }: FirewallOptions) {
    this.#log = log;
    this.#generation = generation ?? (() => undefined);
    this.#guarded = { ...guarded, hasFib: true };
    if (guarded.serviceCIDR !== undefined) this.#led = withPorts(new Map(), new Set(USUAL_PORTS));
  }

  get led(): LedPorts | undefined {
    return this.#isLoaded ? this.#led : undefined;
  }

  /** Leads these ports of services, and no others. */
  async lead(ports: LedPorts): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#isLoaded || this.#led === undefined) return;
      const problem = await nft(this.#ledText(ports));
      await this.#noteRules();
      if (problem === undefined) this.#led = ports;
      else this.#log.warn("Cannot lead connections to all ports of services", { problem });
    });
  }

  /** Whether the kernel follows the rules. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Loads the rules, in place of what is there. Where that is not possible the log says what that means. */
  async load(): Promise<void> {
    await this.#inTurn(() => this.#load());
  }

  /** Sets who else is in the cluster. */
  async use(cluster: Cluster): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#isLoaded || isSame(cluster, this.#cluster)) return;
      const problem = await nft(clusterText(this.#guarded, cluster));
      await this.#noteRules();
      if (problem === undefined) this.#cluster = cluster;
      else this.#log.warn("Cannot let the pods of other nodes reach this node's", { problem });
    });
  }

  /** Restores the rules when something has changed or removed them. */
  async repair(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#isLoaded) return;
      const { text, generation } = this.#known;
      const now = this.#generation();
      const isUntouched = now !== undefined && now === generation;
      if (isUntouched && text !== undefined) return;
      const words = await listing(this.#guarded.table);
      if (words !== undefined && (isUntouched || words === text)) {
        this.#known = { text: words, generation: now };
        return;
      }
      if (text !== undefined) {
        this.#log.warn("The rules that protect pods were changed from outside: restoring them");
      }
      await this.#load();
    });
  }

  async remove(): Promise<void> {
    await this.#inTurn(async () => {
      this.#isLoaded = false;
      await nft(removalText(this.#guarded.table));
    });
  }

  async #load(): Promise<void> {
    const problem = await this.#tryLoad();
    this.#isLoaded = problem === undefined;
    if (problem !== undefined) {
      this.#log.warn(
        "Cannot load the rules that protect pods and let them reach the outside: pods have no address there, " +
          "other machines with a route reach them, and only rp_filter keeps pods to their own addresses",
        { problem },
      );
      return;
    }
    await this.#noteRules();
  }

  /** That they are right now; their words can wait as long as their generation tells whether they are still. */
  async #noteRules(): Promise<void> {
    const generation = this.#generation();
    const text = generation === undefined ? await listing(this.#guarded.table) : undefined;
    this.#known = { generation, ...(text !== undefined && { text }) };
  }

  /** What an older version has left may not fit, and a small kernel may not know all. */
  async #tryLoad(): Promise<string | undefined> {
    if (programPath("nft") === undefined) return NFT_MISSING;
    let first: string | undefined;
    for (const { isNew, hasFib, leads } of LOADS) {
      const guarded = { ...this.#guarded, hasFib: hasFib && this.#guarded.hasFib };
      const led = leads ? this.#led : undefined;
      const problem = await nft(this.#text(guarded, led, isNew));
      if (problem !== undefined) {
        first ??= problem;
        continue;
      }
      if (guarded.hasFib !== this.#guarded.hasFib) {
        this.#log.warn(
          "This kernel has no nft_fib_ipv4: only rp_filter keeps pods to their addresses",
        );
      }
      if (led !== this.#led) {
        this.#log.warn(
          "The kernel does not lead what is sent to services: processes of this machine cannot listen on all addresses at their ports",
          { problem: first },
        );
      }
      this.#guarded = guarded;
      this.#led = led;
      return undefined;
    }
    return first;
  }

  #text(guarded: Guarded, led: LedPorts | undefined, isNew: boolean): string {
    const cluster = this.#cluster ?? (isNew ? NO_CLUSTER : undefined);
    return [
      isNew ? removalText(guarded.table) : "",
      tableText(guarded),
      cluster ? clusterText(guarded, cluster) : "",
      this.#ledText(led),
    ].join("");
  }

  #ledText(ports: LedPorts | undefined): string {
    const { table, serviceCIDR } = this.#guarded;
    return serviceCIDR === undefined || ports === undefined
      ? ""
      : ledText(table, serviceCIDR, ports);
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {}); // its own caller gets the error
    return done;
  }
}

function isSame(one: Cluster, other: Cluster | undefined): boolean {
  const text = ({ machine, elsewhere, nodes, far }: Cluster) =>
    [machine, elsewhere, nodes, far].map((list) => list.toSorted().join()).join(" ");
  return other !== undefined && text(one) === text(other);
}

/** Runs a script of nft(8). `undefined`: done; else why none of it was done. */
async function nft(script: string): Promise<string | undefined> {
  const program = programPath("nft");
  if (program === undefined) return NFT_MISSING;
  const child = new Deno.Command(program, {
    args: ["-f", "-"],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(script)).then(() => writer.close());
  const [{ success, code, stderr }] = await Promise.all([
    child.output(),
    written.catch(() => {}), // it has ended before: its code says so
  ]);
  if (success) return undefined;
  return new TextDecoder().decode(stderr).trim().split("\n")[0] || `"nft" ended with code ${code}`;
}

/** The table in the kernel's words; `undefined` when there is none. */
async function listing(table: string): Promise<string | undefined> {
  const args = ["list", "table", "ip", table];
  const { success, stdout } = await new Deno.Command(programPath("nft")!, { args, stderr: "null" })
    .output();
  return success ? new TextDecoder().decode(stdout) : undefined;
}
