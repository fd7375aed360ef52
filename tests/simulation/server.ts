import type { IncomingMessage, ServerResponse } from "node:http";
import { createApi } from "../../core/api/app.ts";
import { nodeUser } from "../../core/api/access/node_identity.ts";
import { tokenId } from "../../core/api/access/token_id.ts";
import type { User } from "../../core/api/http/api_context.ts";
import type { Client } from "../../core/client/client.ts";
import { EventRecorder } from "../../core/client/event_recorder.ts";
import type { ApiRequest } from "../../core/client/server_link.ts";
import { createControllers } from "../../core/controllers/mod.ts";
import { runLoop } from "../../core/controllers/runtime/run_controller.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Random } from "../../core/lib/random.ts";
import { supervise } from "../../core/lib/supervise.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { bootstrap } from "../../core/objects/bootstrap.ts";
import { LocalClient } from "../../core/objects/local_client.ts";
import { Objects } from "../../core/objects/objects.ts";
import { RESOURCES } from "../../core/resources/mod.ts";
import { PLUGINS } from "../../core/scheduler/plugins/mod.ts";
import { scheduler } from "../../core/scheduler/scheduler.ts";
import type { RingLimits } from "../../core/store/event_ring.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";
import { runProxy } from "../../proxy/threads/run_proxy.ts";
import type { Connection } from "./connection.ts";
import { type DiskQuality, FaultyJournal, type WatchedDisk } from "./faulty_journal.ts";
import { Lifetime } from "./lifetime.ts";
import type { ServerEnd } from "./link.ts";

/** What agents show: the token of a node is its name. */
const BEARER = "Bearer ";
const NO_LOGS = {
  logs: () => {
    throw new Error("The simulator keeps no logs");
  },
};

export interface ServerOptions {
  clock: Clock;
  log: Log;
  random: Random;
  disk: WatchedDisk;
  quality: DiskQuality;
  /** How much of the past watches may go on from. */
  watchLimits: RingLimits;
  /** Called with the store before anything is done with it. */
  onOpen(store: MemoryStore): void;
  onTable(table: RouteTable): void;
  onFault(error: unknown): void;
}

/** What runs in the server's process, but for sockets: store, verbs, API, controllers, scheduler, route table. */
export class SimulatedServer implements ServerEnd {
  readonly store: MemoryStore;
  readonly client: Client & LocalClient;
  readonly #options: ServerOptions;
  readonly #objects: Objects;
  readonly #lifetime: Lifetime;
  readonly #api: ReturnType<typeof createApi>;
  /** Who asks, by the hash of his token. */
  readonly #nodes = new Map<string, User>();

  /** Reads what the disk holds. Rejects when the disk lets it not begin; it may be tried again. */
  static async start(options: ServerOptions): Promise<SimulatedServer> {
    const lifetime = new Lifetime();
    const { disk, clock, random, quality } = options;
    const journal = new FaultyJournal(disk, { clock, random, quality, lifetime });
    const store = await MemoryStore.open(journal, {
      ...{ resources: RESOURCES, watchLimits: options.watchLimits },
      onStopped: options.onFault,
    });
    const server = new SimulatedServer(options, store, lifetime);
    await server.#run().catch((error) => {
      server.kill();
      throw error;
    });
    return server;
  }

  private constructor(options: ServerOptions, store: MemoryStore, lifetime: Lifetime) {
    const { clock, random } = options;
    this.#options = options;
    this.#lifetime = lifetime;
    this.store = store;
    this.#objects = new Objects({ store, clock, random });
    this.client = new LocalClient(this.#objects, { user: "system:coracle" });
    this.#api = createApi({
      ...{ objects: this.#objects, resources: RESOURCES, clock, random, log: options.log },
      ...{ nodeStreams: NO_LOGS, tokens: (id) => this.#nodes.get(id), version: "0.0.0" },
    });
  }

  get signal(): AbortSignal {
    return this.#lifetime.signal;
  }

  /** As if it had come through a socket. */
  answer({ method, path, body }: ApiRequest, connection: Connection, node: string): void {
    this.#nodes.set(tokenId(node), nodeUser(node));
    const incoming = {
      async *[Symbol.asyncIterator]() {
        if (body !== undefined) yield new TextEncoder().encode(body);
      },
    } as unknown as IncomingMessage; // of which the API reads no more than this …
    const outgoing = connection as unknown as ServerResponse; // … and writes to no more than that
    const headers = new Headers({ accept: "application/json", authorization: BEARER + node });
    if (body !== undefined) headers.set("content-type", "application/json");
    const request = { url: `https://server${path}`, method, headers } as Request; // as @hono/node-server makes them
    Promise.resolve(this.#api.app.fetch(request, { incoming, outgoing }))
      .catch(this.#options.onFault);
  }

  /** Ends it as `kill -9` does. */
  kill(): void {
    this.#lifetime.end();
  }

  async #run(): Promise<void> {
    const { clock, log, onOpen, onFault } = this.#options;
    onOpen(this.store);
    const { signal } = this.#lifetime;
    await bootstrap(this.#objects, { apiAddress: "127.0.0.1", apiPort: 6443 });
    const { client } = this;
    const events = new EventRecorder({ client, clock, log, signal, host: "server" });
    const parts = { client, view: client, clock, log, events };
    const controllers = createControllers({
      resources: RESOURCES,
      gatewayAddress: "0.0.0.0",
      clock,
    });
    for (const loop of [...controllers, scheduler(PLUGINS)]) {
      const supervision = { name: loop.name, clock, log, signal };
      supervise(supervision, (inner) => runLoop(loop, parts, inner)).catch(onFault);
    }
    supervise({ name: "the route table", clock, log, signal }, (inner) => this.#proxy(inner))
      .catch(onFault);
  }

  #proxy(signal: AbortSignal): Promise<void> {
    const { clock, log, onTable } = this.#options;
    const proxy = {
      use: (table: RouteTable) => {
        if (!this.#lifetime.isOver) onTable(table);
        return Promise.resolve({ listening: [], failed: [] });
      },
      onListeners: () => () => {},
    };
    return runProxy({
      ...{ view: this.client, proxy, clock, log, signal, gatewayAddress: "0.0.0.0" },
      nodePortAddress: "0.0.0.0",
      listensOnClusterIPs: true,
    });
  }
}
