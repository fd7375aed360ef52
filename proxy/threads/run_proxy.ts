import { orAborted } from "../../core/lib/abort.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { isEqual } from "../../core/lib/equality.ts";
import type { Log } from "../../core/lib/log.ts";
import { Wake } from "../../core/lib/wake.ts";
import type { View, ViewEvent } from "../../core/client/client.ts";
import { endpointSlices } from "../../core/resources/discovery/endpoint_slices.ts";
import { gatewayClasses } from "../../core/resources/gateway/gateway_classes.ts";
import { gateways } from "../../core/resources/gateway/gateways.ts";
import { referenceGrants } from "../../core/resources/gateway/reference_grants.ts";
import { httpRoutes } from "../../core/resources/gateway/http_routes.ts";
import { namespaces } from "../../core/resources/core/namespaces.ts";
import type { AnyResource } from "../../core/resources/resource.ts";
import { ingressClasses } from "../../core/resources/networking/ingress_classes.ts";
import { ingresses } from "../../core/resources/networking/ingresses.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { pods } from "../../core/resources/core/pods/pods.ts";
import { hasHostPorts } from "../table/host_ports.ts";
import { type Secret, secrets } from "../../core/resources/core/secrets.ts";
import { TLS_TYPE } from "../../core/traffic/certificates.ts";
import { services } from "../../core/resources/core/services/services.ts";
import { buildRouteTable, type RouteTableOptions } from "../table/build_route_table.ts";
import { ledTable, type PortLeader } from "../table/led_ports.ts";
import { setsInUse } from "../table/sets_in_use.ts";
import type { TrafficReport } from "../../core/traffic/served_traffic.ts";
import { isReadyUnknown, type Reach, REMOTE_ADDRESS } from "../../core/traffic/reach.ts";
import { TableSources, type TableVersions } from "./table_sources.ts";
import type { ListenReport } from "./proxy_thread.ts";
import type { RouteTable } from "../table/route_table.ts";

/** The kinds that a table is made of. */
export const ROUTE_SOURCES: readonly AnyResource[] = [
  services,
  endpointSlices,
  gatewayClasses,
  gateways,
  httpRoutes,
  ingresses,
  ingressClasses,
  namespaces,
  referenceGrants,
  secrets,
];
/** Changes that come within this long become one table. */
const BURST_MS = 2;

export interface RunProxyOptions
  extends Omit<RouteTableOptions, "insidePeers" | "ownAddresses" | "nodeName" | "reach"> {
  view: View;
  /** Whom the node reaches, as it is now; absent: all by routes. */
  reach?: ReachSource;
  /** The node that it runs on, and the IPv4 addresses that the machine has now; absent: it is on none. */
  node?: { name: string; addresses(): readonly string[] };
  proxy: TableUser;
  /** Who leads connections to services to other ports; absent: they are listened for at their own. */
  leader?: PortLeader;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Called when a table is in use, and when a port is opened or fails later. */
  onApplied?(table: RouteTable, report: ListenReport): void;
  /** Called when a table is in use that was made with newer objects, and when requests of a set have ended. */
  onServed?(report: TrafficReport): void;
}

/** Whom a node reaches, as that changes. */
export interface ReachSource {
  now(): Reach;
  /** Returns the stop. */
  onChange(listener: () => void): () => void;
}

/** What the loop needs of the proxy. */
export interface TableUser {
  use(table: RouteTable): Promise<ListenReport>;
  onListeners(listener: (report: ListenReport) => void): () => void;
  /** Sets of rollouts that no share leads to and that have requests in flight. Absent: there are never any. */
  busySets?(): ReadonlySet<string>;
  /** Calls `listener` when a set is no longer busy. Returns the stop. */
  onBusySets?(listener: () => void): () => void;
}

/**
 * Keeps the proxy at what the view says, until the signal aborts: marks what has changed, builds one table for a burst of
 * changes, swaps it when it differs. Only the newest state counts; states between may be passed over. Problems and ports are
 * logged when they come and when they go.
 */
export async function runProxy(options: RunProxyOptions): Promise<void> {
  const { view, proxy, clock, signal, onApplied } = options;
  const served = new ServedTable(options);
  const reporter = new Reporter(options.log);
  const wake = new Wake();
  const stops = [() => served.stop()];
  stops.push(...wakings(options, wake));
  let table: RouteTable | undefined;
  stops.push(proxy.onListeners((report) => {
    reporter.ports(report);
    if (table !== undefined) onApplied?.(table, report);
  }));
  try {
    while (!signal.aborted) {
      wake.clear();
      const next = buildRouteTable(view, tableOptions(options));
      const made = served.sources.take(view);
      if (table === undefined || !isEqual(table, next)) {
        table = next;
        reporter.problems(next);
        const report = await orAborted(useLed(next, options), signal);
        reporter.ports(report);
        onApplied?.(next, report);
      }
      served.tell(next, made);
      await wake.wait(signal);
      if (!signal.aborted) await clock.sleep(BURST_MS, signal).catch(() => {}); // rejects only when the signal aborts
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    for (const stop of stops) stop();
  }
}

async function useLed(
  table: RouteTable,
  { proxy, leader }: Pick<RunProxyOptions, "proxy" | "leader">,
): Promise<ListenReport> {
  return await proxy.use(leader === undefined ? table : await ledTable(table, leader));
}

/** Wakes the loop for what a table is made of. Returns the stops. */
function wakings({ view, node, reach }: RunProxyOptions, wake: Wake): (() => void)[] {
  const stops = ROUTE_SOURCES.filter((source) => source !== secrets)
    .map((source) => view.subscribe(source, () => wake.set()));
  stops.push(view.subscribe(secrets, (event) => isOfCertificate(event) && wake.set()));
  if (reach !== undefined) stops.push(reach.onChange(() => wake.set()));
  if (node === undefined) return stops;
  const isNews = topologyChanges(view);
  return [
    ...stops,
    view.subscribe(nodes, (event) => isNews(event) && wake.set()),
    view.subscribe(pods, ({ object }) => {
      if (object.spec.nodeName === node.name && hasHostPorts(object)) wake.set();
    }),
  ];
}

function isOfCertificate({ object: { type } }: ViewEvent<Secret>): boolean {
  return type === TLS_TYPE;
}

/** Tells what the table in use serves. */
class ServedTable {
  readonly sources = new TableSources();
  readonly #options: Pick<RunProxyOptions, "onServed" | "proxy">;
  readonly #stop: (() => void) | undefined;
  #last: TrafficReport | undefined;

  constructor(options: Pick<RunProxyOptions, "onServed" | "proxy">) {
    this.#options = options;
    this.#stop = options.proxy.onBusySets?.(() => this.#tellBusy());
  }

  stop(): void {
    this.#stop?.();
  }

  tell(table: RouteTable, made: TableVersions): void {
    const { onServed, proxy } = this.#options;
    this.#last = { ...made, ...setsInUse(table), busy: [...proxy.busySets?.() ?? []] };
    onServed?.(this.#last);
  }

  #tellBusy(): void {
    const { onServed, proxy } = this.#options;
    if (this.#last === undefined) return;
    this.#last = { ...this.#last, changed: [], busy: [...proxy.busySets!()] };
    onServed?.(this.#last);
  }
}

/** Tells of a change of a node whether it concerns tables: most only say that the node is well. */
function topologyChanges(view: View): (event: ViewEvent<Node>) => boolean {
  const known = new Map(view.list(nodes).map((node) => [node.metadata.name, node]));
  return ({ type, object }) => {
    const before = known.get(object.metadata.name);
    if (type === "DELETED") known.delete(object.metadata.name);
    else known.set(object.metadata.name, object);
    return type === "DELETED" || before === undefined || !isSamePlace(before, object);
  };
}

function isSamePlace(one: Node, other: Node): boolean {
  const network = ({ metadata: { annotations } }: Node) => annotations?.[REMOTE_ADDRESS];
  return isEqual(one.metadata.labels, other.metadata.labels) && isEqual(one.spec, other.spec) &&
    isEqual(one.status.addresses, other.status.addresses) && network(one) === network(other) &&
    isReadyUnknown(one) === isReadyUnknown(other);
}

/** The options as they are now. */
function tableOptions({ reach, ...options }: RunProxyOptions): RouteTableOptions {
  const places = placesOf(options.view, options);
  return { ...options, ...places, ...(reach && { reach: reach.now() }) };
}

/** What changes of the places at which Services are reached. */
function placesOf(
  view: View,
  { node, balancerRanges = [] }: Pick<RunProxyOptions, "node" | "balancerRanges">,
) {
  if (node === undefined) return undefined;
  const ownAddresses = node.addresses();
  const ranges = view.list(nodes).flatMap(({ spec: { podCIDRs, podCIDR } }) =>
    podCIDRs ?? (podCIDR === undefined ? [] : [podCIDR])
  );
  const own = ownAddresses.map((ip) => `${ip}/32`); // and load balancers': who asks one here asks from its address
  const insidePeers = [...ranges, "127.0.0.0/8", ...balancerRanges, ...own]
    .filter((range) => !range.includes(":"));
  return { nodeName: node.name, ownAddresses, insidePeers };
}

/** Says what is new, once. */
class Reporter {
  readonly #log: Log;
  #problems = new Set<string>();
  #failed = new Map<string, string>();
  #open = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What cannot be done as asked, and who gets an error for it: clients are not told. */
  problems({ problems, backends }: RouteTable): void {
    const texts = new Set([
      ...problems.map(({ kind, namespace, name, section, reason, message }) =>
        `Cannot do all of ${kind} "${namespace}/${name}"${section && ` (${section})`}: ` +
        `${message} (${reason})`
      ),
      ...backends.flatMap(({ name, state, reason }) =>
        state === "invalid" ? [`Requests to "${name}" get 500: ${reason}`] : []
      ),
    ]);
    for (const text of texts) if (!this.#problems.has(text)) this.#log.warn(text);
    this.#problems = texts;
  }

  ports({ listening, failed }: ListenReport): void {
    for (const { name, address, port, message } of failed) {
      if (this.#failed.get(name) === message) continue;
      this.#log.warn(`Cannot listen on ${address}:${port} for ${name}: ${message}; will try again`);
    }
    for (const { name, address, port } of listening) {
      if (!this.#open.has(name)) this.#log.info("Listening", { for: name, address, port });
    }
    this.#failed = new Map(failed.map(({ name, message }) => [name, message]));
    this.#open = new Set(listening.map(({ name }) => name));
  }
}
