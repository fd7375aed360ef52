import { waitMsAfter } from "../../../core/lib/backoff.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { Resolver } from "../answers/resolver.ts";
import { type OpenServer, serveDatagrams } from "../sockets/datagram_server.ts";
import { serveStreams } from "../sockets/stream_server.ts";
import { Forwarder, type Route, type Transport } from "../upstream/forwarder.ts";
import { NodeServers } from "../upstream/node_servers.ts";
import { Zone } from "../zone/zone.ts";
import type { DnsSettings, FromDns, NameChanges } from "./messages.ts";

const LISTEN_RETRY = { firstMs: 500, maxMs: 30_000, factor: 2 };

export interface DnsServiceOptions {
  settings: DnsSettings;
  clock: Clock;
  transport: Transport;
  /** The text of a file; throws when there is none. */
  read(path: string): string;
  randomId(): number;
  tell(message: FromDns): void;
}

/** Cluster DNS within one thread: a zone that follows the cluster, and servers for it by UDP and TCP at one address. */
export class DnsService {
  readonly #options: DnsServiceOptions;
  readonly #zone: Zone;
  readonly #resolver: Resolver;
  readonly #stop = new AbortController();
  #routes: readonly Route[] = [];
  #servers: OpenServer[] = [];

  constructor(options: DnsServiceOptions) {
    this.#options = options;
    const { settings: { domain, address, ranges, resolvConf }, clock } = options;
    this.#zone = new Zone({ domain, address, ranges, serial: Math.floor(clock.now() / 1000) });
    const node = new NodeServers(() => options.read(resolvConf), [address]);
    const forwarder = new Forwarder({
      ...options,
      routes: () => [...this.#routes, { domain: "", servers: node.at(clock.elapsed()) }],
      onLoop: () => options.tell({ type: "loop" }),
    });
    this.#resolver = new Resolver(this.#zone, forwarder);
  }

  change({ services, namespaces, routes }: NameChanges): void {
    for (const [key, names] of services) this.#zone.setService(key, names);
    for (const [name, isThere] of namespaces) this.#zone.setNamespace(name, isThere);
    if (routes) this.#routes = routes;
  }

  /** Resolves when it listens, however often that has to be tried, or is stopped. */
  async listen(): Promise<void> {
    const { clock, tell } = this.#options, { signal } = this.#stop;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const { port } = await this.#open();
        return tell({ type: "listening", port });
      } catch (error) {
        tell({ type: "failed", message: (error as Error).message });
        await clock.sleep(waitMsAfter(failures, LISTEN_RETRY), signal).catch(() => {}); // rejects only when it is stopped
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#servers.splice(0).map((server) => server.close()));
    this.#options.tell({ type: "stopped" });
  }

  /** Both or none, at one port. */
  async #open(): Promise<OpenServer> {
    const { settings: { address, port }, clock } = this.#options;
    const datagrams = serveDatagrams({ resolver: this.#resolver, clock, address, port });
    try {
      const options = { resolver: this.#resolver, clock, address, port: datagrams.port };
      this.#servers = [datagrams, serveStreams(options)];
      return datagrams;
    } catch (error) {
      await datagrams.close();
      throw error;
    }
  }
}
