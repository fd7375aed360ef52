import type { IncomingMessage, ServerResponse } from "node:http";
import type { Api } from "../../core/api/app.ts";
import { nodeUser } from "../../core/api/access/nodes/node_identity.ts";
import { tokenId } from "../../core/api/access/token_id.ts";
import type { User } from "../../core/api/http/api_context.ts";
import type { ApiRequest } from "../../core/client/server_link.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Random } from "../../core/lib/random.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { LocalClient } from "../../core/objects/local_client.ts";
import { loadedControllers } from "../../core/controllers/mod.ts";
import type { NodeLifecycleOptions } from "../../core/controllers/nodes/large_outages.ts";
import type { RingLimits } from "../../core/store/event_ring.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";
import type { NodeProxy } from "../../server/node.ts";
import { REGISTRY } from "../../server/registry.ts";
import { runServer, type ServerEnvironment } from "../../server/server.ts";
import type { Connection } from "./connection.ts";
import { type DiskQuality, FaultyJournal, type WatchedDisk } from "./faulty_journal.ts";
import { Lifetime } from "./lifetime.ts";
import type { ServerEnd } from "./link.ts";

/** Nothing waits for a file in simulated time. */
const CONTROLLERS = await loadedControllers();
/** The token of a node is its name. */
const BEARER = "Bearer ";

export interface ServerOptions {
  clock: Clock;
  log: Log;
  random: Random;
  disk: WatchedDisk;
  quality: DiskQuality;
  /** How much history watches can resume from. */
  watchLimits: RingLimits;
  /** When nodes are lost; absent: as always. */
  nodeLifecycle?: NodeLifecycleOptions;
  /** Called with the store before anything uses it. */
  onOpen(store: MemoryStore): void;
  onTable(table: RouteTable): void;
  onFault(error: unknown): void;
}

/** A server without sockets, agent and credentials: the same composition as on machines, with a simulated disk and clock. */
export class SimulatedServer implements ServerEnd {
  readonly client: LocalClient;
  readonly #api: Api;
  readonly #lifetime: Lifetime;
  readonly #nodes: NodeUsers;
  readonly #onFault: (error: unknown) => void;

  /** Reads what the disk holds. Rejects when the disk fails; it may be tried again. */
  static async start(options: ServerOptions): Promise<SimulatedServer> {
    const { clock, log, random, onFault: fail } = options;
    const lifetime = new Lifetime();
    const nodes: NodeUsers = new Map();
    const context = { clock, log, random, fail, signal: lifetime.signal, parts: lifetime };
    try {
      const { plane, api } = await runServer(context, environmentOf(options, lifetime, nodes));
      return new SimulatedServer({ client: plane.client, api, lifetime, nodes, onFault: fail });
    } catch (error) {
      lifetime.end();
      throw error;
    }
  }

  private constructor(
    { client, api, lifetime, nodes, onFault }: {
      client: LocalClient;
      api: Api;
      lifetime: Lifetime;
      nodes: NodeUsers;
      onFault: (error: unknown) => void;
    },
  ) {
    this.client = client;
    this.#api = api;
    this.#lifetime = lifetime;
    this.#nodes = nodes;
    this.#onFault = onFault;
  }

  get signal(): AbortSignal {
    return this.#lifetime.signal;
  }

  /** Handles a request as if it had come through a socket. */
  answer({ method, path, body }: ApiRequest, connection: Connection, node: string): void {
    this.#nodes.set(tokenId(node), nodeUser(node));
    const incoming = {
      async *[Symbol.asyncIterator]() {
        if (body !== undefined) yield new TextEncoder().encode(body);
      },
    } as unknown as IncomingMessage; // the API reads no more of it than this …
    const outgoing = connection as unknown as ServerResponse; // … and uses no more of it than that
    const headers = new Headers({ accept: "application/json", authorization: BEARER + node });
    if (body !== undefined) headers.set("content-type", "application/json");
    const request = { url: `https://server${path}`, method, headers } as Request; // as @hono/node-server makes them
    Promise.resolve(this.#api.app.fetch(request, { incoming, outgoing })).catch(this.#onFault);
  }

  /** Ends it as `kill -9` does. */
  kill(): void {
    this.#lifetime.end();
  }
}

/** Users by the hash of their token. */
type NodeUsers = Map<string, User>;

function environmentOf(
  options: ServerOptions,
  lifetime: Lifetime,
  nodes: NodeUsers,
): ServerEnvironment {
  return {
    registry: { ...REGISTRY, controllers: CONTROLLERS },
    version: "0.0.0",
    nodeName: "server",
    gatewayAddress: "0.0.0.0",
    stopPods: false,
    ...(options.nodeLifecycle && { nodeLifecycle: options.nodeLifecycle }),
    openStore: async () => {
      const store = await openStore(options, lifetime);
      return { store, isAlone: true, api: {}, whenOwned: async (_, run) => void await run() };
    },
    openPlatform: () => {
      const proxy = new WatchedProxy(lifetime, options.onTable);
      return Promise.resolve({ proxy, serviceCidr: "10.96.0.0/16" });
    },
    openAccess: () =>
      Promise.resolve({
        api: { tokens: (id) => nodes.get(id) },
        authority: "the certificate of a simulated authority",
        record: () => Promise.resolve(),
        serve: () => Promise.resolve({ address: ADDRESS, stop: () => Promise.resolve() }),
      }),
  };
}
const ADDRESS = { host: "127.0.0.1", port: 6443 };

async function openStore(
  { disk, clock, random, quality, watchLimits, onFault, onOpen }: ServerOptions,
  lifetime: Lifetime,
): Promise<MemoryStore> {
  const journal = new FaultyJournal(disk, { clock, random, quality, lifetime });
  const { resources } = REGISTRY;
  const store = await MemoryStore.open(journal, { resources, watchLimits, onStopped: onFault });
  onOpen(store);
  return store;
}

/** Reports each route table, and serves nothing. */
class WatchedProxy implements NodeProxy {
  readonly #lifetime: Lifetime;
  readonly #onTable: (table: RouteTable) => void;

  constructor(lifetime: Lifetime, onTable: (table: RouteTable) => void) {
    this.#lifetime = lifetime;
    this.#onTable = onTable;
  }

  start(): void {}

  use(table: RouteTable): ReturnType<NodeProxy["use"]> {
    if (!this.#lifetime.isOver) this.#onTable(table);
    return Promise.resolve({ listening: [], failed: [] });
  }

  onListeners(): () => void {
    return () => {};
  }

  untilDrained(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
