import type { Clock } from "../../core/lib/clock.ts";
import { join } from "../../core/lib/mux/joins.ts";
import { closeQuietly, dialTcp, tcpEnd } from "../../core/lib/tcp/connections.ts";
import type { Endpoint } from "../../core/traffic/backends.ts";
import type { Listener, RouteTable } from "../../proxy/table/route_table.ts";
import type { FailedPort, ListenReport, OpenPort } from "../../proxy/threads/proxy_thread.ts";
import type { TableUser } from "../../proxy/threads/run_proxy.ts";

const DIAL_MS_MAX = 5_000;
/** More at once are closed as they come. */
const CONNECTIONS_MAX = 64;

export interface StandInOptions {
  clock: Clock;
  /** Called when it gets what it cannot serve: something else than connections to one endpoint each, or a port that is taken. */
  onUnfit(): void;
}

/**
 * Serves a table in the thread that holds it, as long as there is next to nothing to serve: connections to the API by the
 * address of its Service, which hardly anybody asks for before there are pods. A thread for it would cost 15 MB.
 */
export class StandIn implements TableUser {
  readonly #options: StandInOptions;
  /** By name, address and port of what they listen for. */
  readonly #open = new Map<string, Deno.TcpListener>();
  /** End when their ports are free again. */
  readonly #accepting = new Set<Promise<void>>();
  /** By the same, to whom clients are led now. */
  readonly #leads = new Map<string, Endpoint | undefined>();
  readonly #connections = new Set<Deno.TcpConn>();

  constructor(options: StandInOptions) {
    this.#options = options;
  }

  use({ listeners, backends }: RouteTable): Promise<ListenReport> {
    const report = { listening: [] as OpenPort[], failed: [] as FailedPort[] };
    const wanted = new Set(listeners.map(keyOf));
    for (const key of this.#open.keys()) if (!wanted.has(key)) this.#close(key);
    for (const listener of listeners) {
      const endpoints = "backend" in listener ? backends[listener.backend]!.endpoints : [];
      if (!isPlain(listener) || endpoints.length > 1) this.#options.onUnfit();
      else this.#listen(listener, endpoints[0], report);
    }
    if (report.failed.length > 0) this.#options.onUnfit();
    return Promise.resolve(report);
  }

  onListeners(): () => void {
    return () => {};
  }

  /** Takes no connections any more, and frees the ports; what goes on does so. Doing it twice is doing it once. */
  async close(): Promise<void> {
    for (const key of this.#open.keys()) this.#close(key);
    await Promise.all(this.#accepting);
  }

  /** Ends what goes on, too. */
  async stop(): Promise<void> {
    await this.close();
    for (const connection of this.#connections) closeQuietly(connection);
  }

  #listen(
    listener: Listener,
    endpoint: Endpoint | undefined,
    { listening, failed }: { listening: OpenPort[]; failed: FailedPort[] },
  ): void {
    const { name, address, port } = listener;
    const key = keyOf(listener);
    this.#leads.set(key, endpoint);
    if (!this.#open.has(key)) {
      try {
        const socket = Deno.listen({ hostname: address, port });
        this.#open.set(key, socket);
        const accepting = this.#accept(socket, key)
          .finally(() => this.#accepting.delete(accepting));
        this.#accepting.add(accepting);
      } catch (error) {
        failed.push({ name, address, port, message: (error as Error).message });
        return;
      }
    }
    listening.push({ name, address, port: this.#open.get(key)!.addr.port });
  }

  #close(key: string): void {
    this.#open.get(key)!.close();
    this.#open.delete(key);
    this.#leads.delete(key);
  }

  async #accept(socket: Deno.TcpListener, key: string): Promise<void> {
    for await (const client of socket) void this.#pass(client, this.#leads.get(key));
  }

  async #pass(client: Deno.TcpConn, endpoint: Endpoint | undefined): Promise<void> {
    this.#connections.add(client);
    try {
      if (endpoint === undefined || this.#connections.size > CONNECTIONS_MAX) return;
      const { address: hostname, port } = endpoint;
      const clock = this.#options.clock;
      const server = await dialTcp({ hostname, port }, { clock, ms: DIAL_MS_MAX });
      await join(tcpEnd(client), tcpEnd(server)).finally(() => closeQuietly(server));
    } catch {
      // The client learns by its end that nobody answers.
    } finally {
      this.#connections.delete(client);
      closeQuietly(client);
    }
  }
}

function keyOf({ name, address, port }: Listener): string {
  return `${name} ${address} ${port}`;
}

/** Whether it passes connections of anybody on to one backend. */
function isPlain(listener: Listener): boolean {
  return listener.protocol === "TCP" && !listener.peers && !listener.split && !listener.outside;
}
