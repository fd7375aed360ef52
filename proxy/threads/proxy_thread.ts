import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import { Backends, type LiveBackend, type SetCount } from "../backends/backends.ts";
import { LiveSplit } from "../backends/split.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import type { BackendCounts } from "../../core/traffic/backend_counts.ts";
import { Balancer, slotsOf } from "../backends/balancer.ts";
import { OpenConnections } from "../connections/open_connections.ts";
import { ConnectionSlots } from "../connections/connection_slots.ts";
import { addressKey, isEncrypted, listenersByKey, WILDCARDS } from "./listener_keys.ts";
import {
  type HttpParts,
  httpReceiver,
  type Receiver,
  tcpReceiver,
  udpReceiver,
} from "./receivers.ts";
import type { Upstream } from "../protocol/upstream.ts";
import { UpstreamConnection } from "../http1/upstream_connection.ts";
import type { TcpConnection } from "../tcp/tcp_connection.ts";
import { Deadlines } from "../connections/deadlines.ts";
import { Head } from "../messages/head.ts";
import { HttpService, type HttpThread } from "../exchange/http_service.ts";
import type { ClientSocket, Engine, OpenListener } from "../engine/engine.ts";
import { type LiveRule, RouteMatcher } from "../routing/route_matcher.ts";
import { NormalPath } from "../routing/normal_path.ts";
import {
  type HttpListener,
  type Lead,
  type Listener,
  mirrorSplitsOf,
  type RouteTable,
  type Rule,
  type Split,
  type TcpListener,
} from "../table/route_table.ts";
import { setsInUse } from "../table/sets_in_use.ts";

/** Requests in flight on what has left the table are cut off after this long. */
export const DRAIN_MS_MAX = 300_000;
/** A connection to an endpoint that is not used is closed after this long, and before twice as long. */
export const UNUSED_MS = 30_000;
/** A port that could not be opened is tried again after this long, and with the next table. */
const LISTEN_RETRY: Backoff = { firstMs: 10_000, maxMs: 300_000, factor: 2 };

/** The position in a cycle of one: whatever it is. */
const ALONE = new Int32Array(1);
/** Which ports are open, and which could not be opened. */
export interface ListenReport {
  readonly listening: readonly OpenPort[];
  readonly failed: readonly FailedPort[];
}
export interface OpenPort {
  readonly name: string;
  readonly address: string;
  /** The port that it is, also when 0 was asked for. */
  readonly port: number;
}
export interface FailedPort extends OpenPort {
  readonly message: string;
}

/** What one thread has seen. */
export interface ThreadStats {
  readonly connections: number;
  /** Requests that were refused because they could not be understood. */
  readonly refused: number;
  readonly backends: Readonly<Record<string, BackendCounts>>;
  readonly sets: readonly SetCount[];
}

/** What receives clients that speak TLS, or why nothing does. */
export type ThreadTls =
  | { receiver(definition: HttpListener, parts: HttpParts): Receiver }
  | { readonly missing: string };
const NO_TLS = { missing: "this engine has no TLS" };

export interface ThreadOptions {
  engine: Engine;
  /** Absent: listeners that speak TLS cannot be opened. */
  tls?: ThreadTls;
  /** Positions of the balancers, shared by all threads. */
  positions: Int32Array;
  /** Whether other threads listen on the same ports. */
  sharesPorts: boolean;
  /** An endpoint that left the table has nothing in flight here any more. */
  onDrained(podUid: string): void;
  /** A set that `use` has found busy has none of its requests in flight any more. */
  onSetIdle(set: string): void;
  /** A port was opened, or failed, some time after `use`. */
  onListeners(report: ListenReport): void;
}

interface LiveListener {
  readonly definition: Listener;
  readonly port: number;
  readonly receiver: Receiver;
  /** Absent for a guest, whose connections come by the listener on all addresses that has its port. */
  readonly socket: OpenListener | undefined;
}

/** What has come of a table. */
export interface TableInUse {
  readonly report: ListenReport;
  /** Uids of pods that left the table and have requests in flight. */
  readonly draining: readonly string[];
  /** Sets of rollouts that no share leads to and that have requests in flight, by `servedSetKey`. */
  readonly busySets: readonly string[];
}

/** The proxy within one thread: opens ports, swaps tables, drains what was replaced. */
export class ProxyThread {
  readonly #options: ThreadOptions;
  readonly #backends: Backends;
  readonly #http: HttpThread;
  readonly #open: OpenConnections;
  readonly #listeners = new Map<string, LiveListener>();
  readonly #leaving = new Set<LiveListener>();
  /** By address and port. */
  readonly #guests = new Map<string, Receiver>();
  /** Connections that came to TCP listeners. */
  readonly #clients = new Set<TcpConnection>();
  /** Apart, so that those who are outside take no place from those within. */
  readonly #gatewaySlots = new ConnectionSlots();
  readonly #serviceSlots = new ConnectionSlots();
  #failed = new Map<string, { definition: Listener; message: string }>();
  #live: readonly LiveBackend[] = [];
  #byName = new Map<string, LiveBackend>();
  #cells: Readonly<Record<string, number>> = {};
  #slots = new Map<string, Uint16Array>();
  #stopWaiting: () => void = () => {};
  #stopRetry: (() => void) | undefined;
  #stopChecks: () => void = () => {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ThreadOptions) {
    const { clock } = options.engine;
    this.#options = options;
    this.#backends = new Backends(({ endpoint }) => options.onDrained(endpoint.podUid));
    this.#open = new OpenConnections(clock);
    this.#http = {
      deadlines: new Deadlines(clock),
      requestHead: new Head(),
      responseHead: new Head(),
      path: new NormalPath(),
      counts: { refused: 0 },
      mirrors: { inFlight: 0 },
      wallMs: () => clock.now(),
      connect: (endpoint) => this.#connect(endpoint),
      current: (backend) => this.#byName.get(backend.definition.name) ?? backend,
    };
    this.#closeUnusedLater();
  }

  /**
   * Swaps the table: new requests follow it at once, those in flight end as they began. `cells`: where in `positions` the
   * balancer of each rule counts. Resolves, when ports that are no longer wanted are closed and the others open, with which
   * are open, and the pods that are being drained. Tables take effect one after the other.
   */
  use(table: RouteTable, cells: Readonly<Record<string, number>>): Promise<TableInUse> {
    const used = this.#last.then(() => this.#use(table, cells));
    this.#last = used;
    return used;
  }

  async #use(table: RouteTable, cells: Readonly<Record<string, number>>): Promise<TableInUse> {
    const { live, removed } = this.#backends.build(table.backends);
    this.#live = live;
    this.#byName = new Map(live.map((backend) => [backend.definition.name, backend]));
    this.#cells = cells;
    this.#slots = new Map();
    const wanted = listenersByKey(table);
    const leaving = [...this.#listeners].filter(([key]) => !wanted.has(key));
    for (const [key, listener] of this.#listeners) {
      const definition = wanted.get(key);
      if (definition !== undefined) listener.receiver.use(definition);
    }
    for (const endpoint of removed) this.#drain(endpoint);
    await Promise.all(leaving.map(([key, listener]) => this.#leave(key, listener)));
    this.#failed = new Map();
    for (const [key, definition] of wanted) this.#openListener(key, definition);
    this.#retryLater(1);
    const busySets = this.#shareSets(table);
    return { report: this.#report(), draining: this.#backends.draining(), busySets };
  }

  /** Notes which sets are used by weight from now on. Returns those that have to end requests from before. */
  #shareSets(table: RouteTable): string[] {
    this.#stopWaiting();
    const busy = this.#backends.share(new Set(setsInUse(table).shared), this.#options.onSetIdle);
    if (busy.length === 0) return busy;
    this.#stopWaiting = this.#options.engine.clock.after(
      DRAIN_MS_MAX,
      () => busy.forEach((set) => this.#backends.giveUpOn(set)),
    );
    return busy;
  }

  stats(): ThreadStats {
    return {
      connections: this.#open.count,
      refused: this.#http.counts.refused,
      backends: this.#backends.counts(),
      sets: this.#backends.countsOfSets(),
    };
  }

  /** Takes no more connections, lets what is in flight end, for `drainMs` at most, then closes all. */
  async stop(drainMs: number): Promise<void> {
    this.#stopRetry?.();
    this.#stopChecks();
    this.#stopWaiting();
    await Promise.all([...this.#listeners].map(([key, listener]) => this.#leave(key, listener)));
    await this.#open.untilNone(drainMs);
    for (const { receiver } of this.#leaving) receiver.close?.();
    for (const client of [...this.#clients]) client.close();
    for (const { endpoints } of this.#live) {
      for (const endpoint of endpoints) endpoint.closeAll();
    }
  }

  #connect(endpoint: LiveEndpoint): Upstream {
    const upstream = new UpstreamConnection(endpoint, this.#http.responseHead);
    upstream.socket = this.#options.engine.connect(endpoint.endpoint, upstream);
    return upstream;
  }

  #closeUnusedLater(): void {
    this.#stopChecks = this.#options.engine.clock.after(UNUSED_MS, () => {
      this.#backends.closeUnused();
      this.#closeUnusedLater();
    });
  }

  #openListener(key: string, definition: Listener): void {
    if (this.#listeners.has(key)) return;
    try {
      this.#listeners.set(key, this.#listen(definition));
    } catch (error) {
      this.#failed.set(key, { definition, message: (error as Error).message });
    }
  }

  #listen(definition: Listener): LiveListener {
    const { address, port: asked } = definition, { engine, sharesPorts } = this.#options;
    if (definition.protocol === "UDP") {
      const { deadlines } = this.#http, splitOf = this.#splitOfLead;
      const opened = udpReceiver(definition, { splitOf, engine, deadlines });
      return { definition, port: opened.socket.port, ...opened };
    }
    if (this.#isGuest(definition)) {
      const receiver = this.#receiverOf(definition, asked);
      this.#guests.set(addressKey(address, asked), receiver);
      return { definition, port: asked, receiver, socket: undefined };
    }
    if (isEncrypted(definition)) this.#tls(); // before its port is opened
    const socket = engine.listen(
      { address, port: asked, isShared: sharesPorts },
      (client) => (this.#guestOf(client) ?? receiver).take(client),
    );
    const receiver = this.#receiverOf(definition, socket.port);
    return { definition, port: socket.port, receiver, socket };
  }

  /** Nobody can listen on one address beside all of them at the same port: its listener is a guest there. */
  #isGuest({ address, port }: Listener): boolean {
    return !WILDCARDS.has(address) &&
      [...this.#listeners.values()].some((other) =>
        other.port === port && WILDCARDS.has(other.definition.address) &&
        other.definition.protocol !== "UDP"
      );
  }

  /** Whom the connection is meant for, by the address that was dialled. */
  #guestOf(client: ClientSocket): Receiver | undefined {
    if (this.#guests.size === 0) return undefined;
    return this.#guests.get(
      addressKey(client.localAddress.replace(/^::ffff:/, ""), client.localPort),
    );
  }

  readonly #splitOfLead = ({ backend, split }: Lead): LiveSplit =>
    this.#splitOf(split ?? { key: "", shares: [{ weight: 1, backend }] });

  #receiverOf(definition: HttpListener | TcpListener, port: number): Receiver {
    const { engine } = this.#options, { deadlines } = this.#http, open = this.#open;
    if (definition.protocol === "TCP") {
      const slots = this.#serviceSlots, clients = this.#clients, splitOf = this.#splitOfLead;
      const { current } = this.#http;
      return tcpReceiver(definition, {
        ...{ splitOf, current, engine, deadlines, slots, clients, open },
      });
    }
    const matcherOf = (next: HttpListener) => this.#matcherOf(next);
    const service = new HttpService(this.#http, matcherOf(definition), port);
    const parts = { service, matcherOf, slots: this.#gatewaySlots, open };
    return definition.isEncrypted
      ? this.#tls().receiver(definition, parts)
      : httpReceiver(definition, parts);
  }

  #tls(): Exclude<ThreadTls, { missing: string }> {
    const { tls = NO_TLS } = this.#options;
    if ("missing" in tls) throw new Error(`it speaks TLS, and ${tls.missing}`);
    return tls;
  }

  #leave(key: string, listener: LiveListener): Promise<void> {
    const { definition: { address }, port, receiver, socket } = listener;
    this.#listeners.delete(key);
    if (receiver.close) {
      this.#leaving.add(listener);
      this.#options.engine.clock.after(DRAIN_MS_MAX, () => {
        this.#leaving.delete(listener);
        receiver.close!();
      });
    }
    const closed = socket?.close();
    if (socket === undefined) this.#guests.delete(addressKey(address, port));
    receiver.drain?.();
    return closed ?? Promise.resolve();
  }

  #drain(endpoint: LiveEndpoint): void {
    this.#backends.drain(endpoint);
    if (endpoint.inFlight === 0) return;
    const { drains } = endpoint;
    this.#options.engine.clock.after(DRAIN_MS_MAX, () => {
      const isSame = endpoint.drains === drains; // else it has come back meanwhile
      if (isSame && endpoint.state === "draining") endpoint.closeAll();
    });
  }

  #matcherOf({ hosts }: HttpListener): RouteMatcher {
    const rules = new Map<string, LiveRule>();
    return new RouteMatcher(hosts, (rule) => {
      const live = rules.get(rule.key) ?? this.#liveRule(rule);
      rules.set(rule.key, live);
      return live;
    });
  }

  #liveRule(rule: Rule): LiveRule {
    const mirrors = mirrorSplitsOf(rule).map((split) => this.#splitOf(split));
    return { rule, split: this.#splitOf(rule), mirrors };
  }

  #splitOf({ key, shares }: Split): LiveSplit {
    const weights = shares.map(({ weight }) => weight);
    const weightsKey = weights.join(" ");
    const slots = this.#slots.get(weightsKey) ?? slotsOf(weights);
    this.#slots.set(weightsKey, slots);
    const cell = this.#cells[key];
    const balancer = cell === undefined
      ? new Balancer(slots, shares.length === 1 ? ALONE : new Int32Array(1), 0)
      : new Balancer(slots, this.#options.positions, cell);
    return new LiveSplit(shares, {
      balancer,
      backends: shares.map(({ backend }) => this.#live[backend]),
    });
  }

  #retryLater(failures: number): void {
    this.#stopRetry?.();
    this.#stopRetry = undefined;
    if (this.#failed.size === 0) return;
    this.#stopRetry = this.#options.engine.clock.after(waitMsAfter(failures, LISTEN_RETRY), () => {
      const before = this.#failed;
      this.#failed = new Map();
      for (const [key, { definition }] of before) this.#openListener(key, definition);
      if (this.#failed.size < before.size) this.#options.onListeners(this.#report());
      this.#retryLater(failures + 1);
    });
  }

  #report(): ListenReport {
    return {
      listening: [...this.#listeners.values()].map(({ definition: { name, address }, port }) => ({
        name,
        address,
        port,
      })),
      failed: [...this.#failed.values()].map((
        { definition: { name, address, port }, message },
      ) => ({
        name,
        address,
        port,
        message,
      })),
    };
  }
}
