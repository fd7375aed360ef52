import { eventually } from "./eventually.ts";

/** What a test that needs etcd is named with when there is none. */
export const ETCD_NEEDED = hasEtcd() ? "" : " (needs etcd: apt-get install etcd-server)";
export const etcdIsThere = ETCD_NEEDED === "";

/** Members of etcd on loopback, with their data in a folder of their own. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly #folder: string;

  /** Starts so many and resolves when each of them answers. `args`: more flags of etcd. */
  static async start(
    size: number,
    { scheme = "http", args = [], client }: EtcdClusterOptions = {},
  ): Promise<EtcdCluster> {
    const folder = await Deno.makeTempDir({ prefix: "coracle-etcd-" });
    const ports = freePorts(2 * size);
    const peers = ports.slice(size);
    const initialCluster = peers.map((port, i) => `m${i}=http://127.0.0.1:${port}`).join(",");
    const members = peers.map((peerPort, i) =>
      new EtcdMember({
        ...{ name: `m${i}`, folder: `${folder}/m${i}`, port: ports[i]!, peerPort },
        ...{ initialCluster, args, scheme, client },
      })
    );
    const cluster = new EtcdCluster(folder, members);
    try {
      for (const member of members) member.start();
      for (const member of members) await member.ready();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  private constructor(folder: string, members: readonly EtcdMember[]) {
    this.#folder = folder;
    this.members = members;
  }

  get endpoints(): string[] {
    return this.members.map(({ url }) => url);
  }

  /** Ends the members and takes their data away. */
  async remove(): Promise<void> {
    for (const member of this.members) await member.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

export interface EtcdClusterOptions {
  scheme?: "http" | "https";
  args?: readonly string[];
  /** By which they are reached, when it takes certificates. */
  client?: Deno.HttpClient;
}

interface EtcdMemberOptions {
  name: string;
  folder: string;
  port: number;
  peerPort: number;
  initialCluster: string;
  args: readonly string[];
  scheme: "http" | "https";
  client: Deno.HttpClient | undefined;
}

/** One etcd process. */
export class EtcdMember {
  readonly #options: EtcdMemberOptions;
  #child: Deno.ChildProcess | undefined;

  constructor(options: EtcdMemberOptions) {
    this.#options = options;
  }

  get url(): string {
    return `${this.#options.scheme}://127.0.0.1:${this.#options.port}`;
  }

  /** Starts it, also after a kill: with the same data. */
  start(): void {
    const { name, folder, peerPort, initialCluster, args } = this.#options;
    const peer = `http://127.0.0.1:${peerPort}`;
    this.#child = new Deno.Command("etcd", {
      args: [
        ...["--name", name, "--data-dir", folder, "--log-level", "error"],
        ...["--listen-client-urls", this.url, "--advertise-client-urls", this.url],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--initial-cluster", initialCluster, ...args],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Resolves when it has a leader. */
  ready(): Promise<true> {
    return eventually("etcd is healthy", async () => {
      const { client } = this.#options;
      const answer = await fetch(`${this.url}/health`, client ? { client } : {});
      return (await answer.text()).includes("true") && true as const;
    });
  }

  signal(signal: Deno.Signal): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
    await this.#child?.status;
    this.#child = undefined;
  }
}

/** Below those that the kernel gives to connections, so that none is taken before etcd listens. */
const PORT_FIRST = 20_000;
const PORTS = 12_000;

/** Ports that nobody listens on. */
function freePorts(count: number): number[] {
  const first = crypto.getRandomValues(new Uint32Array(1))[0]!; // files of tests run side by side
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    const port = PORT_FIRST + (first + tries) % PORTS;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      ports.add(port);
    } catch (error) {
      if (tries > PORTS) throw error; // else it is in use: the next one
    }
  }
  return [...ports];
}

function hasEtcd(): boolean {
  try {
    return new Deno.Command("etcd", { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false; // there is no such program
  }
}
