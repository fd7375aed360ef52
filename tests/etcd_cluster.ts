import { eventually } from "./eventually.ts";
import { PeerNetwork } from "./peer_network.ts";

/** Appended to the name of a test that needs etcd when this machine has none. */
export const ETCD_NEEDED = hasEtcd() ? "" : " (needs etcd: apt-get install etcd-server)";
export const isEtcdInstalled = ETCD_NEEDED === "";

/** A cluster of etcd on loopback, with its data in a temporary folder. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  /** The network between the members, when it can be interrupted. */
  readonly network: PeerNetwork | undefined;
  readonly #folder: string;

  /** Starts this many members and resolves when each of them answers. `args`: more flags of etcd. */
  static async start(
    size: number,
    { scheme = "http", args = [], client, hasNetwork = false }: EtcdClusterOptions = {},
  ): Promise<EtcdCluster> {
    const folder = await Deno.makeTempDir({ prefix: "coracle-etcd-" });
    const ports = freePorts(2 * size);
    const peerPorts = ports.slice(size);
    const network = hasNetwork ? new PeerNetwork(peerPorts) : undefined;
    const peers = peerPorts.map((port, i) =>
      network ? PeerNetwork.urlOf(i) : `http://127.0.0.1:${port}`
    );
    const initialCluster = peers.map((url, i) => `m${i}=${url}`).join(",");
    const members = peerPorts.map((peerPort, i) =>
      new EtcdMember({
        name: `m${i}`,
        folder: `${folder}/m${i}`,
        port: ports[i]!,
        peerPort,
        peerUrl: peers[i]!,
        proxy: network?.proxyOf(i),
        initialCluster,
        args,
        scheme,
        client,
      })
    );
    const cluster = new EtcdCluster(folder, members, network);
    try {
      for (const member of members) member.start();
      for (const member of members) await member.ready();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  private constructor(
    folder: string,
    members: readonly EtcdMember[],
    network: PeerNetwork | undefined,
  ) {
    this.#folder = folder;
    this.members = members;
    this.network = network;
  }

  get endpoints(): string[] {
    return this.members.map(({ url }) => url);
  }

  /** Stops the members and removes their data. */
  async remove(): Promise<void> {
    for (const member of this.members) await member.kill();
    this.network?.close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

export interface EtcdClusterOptions {
  scheme?: "http" | "https";
  args?: readonly string[];
  /** Client certificates, when etcd requires them. */
  client?: Deno.HttpClient;
  /** Whether members can be disconnected from each other. */
  hasNetwork?: boolean;
}

interface EtcdMemberOptions {
  name: string;
  folder: string;
  port: number;
  peerPort: number;
  /** Its URL for the other members. */
  peerUrl: string;
  /** The proxy through which it reaches the others. */
  proxy: string | undefined;
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
    const { name, folder, peerPort, peerUrl, proxy, initialCluster, args } = this.#options;
    const { protocol } = new URL(peerUrl);
    this.#child = new Deno.Command("etcd", {
      args: [
        ...["--name", name, "--data-dir", folder, "--log-level", "error"],
        ...["--listen-client-urls", this.url, "--advertise-client-urls", this.url],
        ...["--listen-peer-urls", `${protocol}//127.0.0.1:${peerPort}`],
        ...["--initial-advertise-peer-urls", peerUrl],
        ...(protocol === "https:" ? ["--peer-auto-tls"] : []),
        ...["--initial-cluster", initialCluster, ...args],
      ],
      env: proxy === undefined ? {} : { HTTPS_PROXY: proxy, NO_PROXY: "", no_proxy: "" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Whether it is the leader, as far as it knows. */
  async isLeader(): Promise<boolean> {
    const { header, leader } = await this.#ask("/v3/maintenance/status");
    return header.member_id === leader;
  }

  /** Transfers leadership to another member. Does nothing when this one is not the leader. */
  async handLeadershipTo(other: EtcdMember): Promise<void> {
    const { header } = await other.#ask("/v3/maintenance/status");
    await this.#ask("/v3/maintenance/transfer-leadership", { targetID: header.member_id });
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
      // it has exited already
    }
    await this.#child?.status;
    this.#child = undefined;
  }

  async #ask(path: string, body: object = {}) {
    const answer = await fetch(this.url + path, { method: "POST", body: JSON.stringify(body) });
    return await answer.json();
  }
}

/** Below the ephemeral ports, so that no connection takes one before etcd listens. */
const PORT_FIRST = 20_000;
const PORTS = 12_000;

/** Ports that nobody listens on. */
function freePorts(count: number): number[] {
  const first = crypto.getRandomValues(new Uint32Array(1))[0]!; // test files run in parallel
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    const port = PORT_FIRST + (first + tries) % PORTS;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      ports.add(port);
    } catch (error) {
      if (tries > PORTS) throw error; // in use: try the next one
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
