import { Agent } from "../agent/agent.ts";
import type { AgentOptions } from "../agent/agent_options.ts";
import { type NameUser, runDns } from "../agent/dns/threads/run_dns.ts";
import type { NetworkKeeper } from "../agent/network/network_keeper.ts";
import type { KeptTokens } from "../agent/volumes/pod_tokens.ts";
import type { Reporting } from "../agent/reports/reporting.ts";
import type { NodeRoutes } from "../agent/network/node_routes.ts";
import type { Client, View } from "../core/client/client.ts";
import type { TokenSource } from "../core/client/token_source.ts";
import type { EventRecorder } from "../core/client/event_recorder.ts";
import type { TrafficReport } from "../core/traffic/served_traffic.ts";
import type { OwnCounts } from "../core/traffic/traffic_reports.ts";
import type { SetCount } from "../proxy/backends/backends.ts";
import type { PortLeader } from "../proxy/table/led_ports.ts";
import { EMPTY_TABLE } from "../proxy/table/route_table.ts";
import {
  type ReachSource,
  runProxy,
  type RunProxyOptions,
  type TableUser,
} from "../proxy/threads/run_proxy.ts";
import type { RelayAddress } from "../core/traffic/far/relaying.ts";
import { StaticPods } from "../agent/static_pods/static_pods.ts";
import { ImageIntake } from "../agent/images/intake/image_intake.ts";
import type { NodeImages } from "../core/client/images/node_images.ts";
import type { TrafficDemand } from "./traffic/traffic_demand.ts";
import { orAborted } from "../core/lib/abort.ts";
import { watchShutdown } from "./kubelet/machine_shutdown.ts";
import { type Context, keepRunning } from "./context.ts";

/** How long requests in flight in the proxy may take to finish when the process stops. */
const DRAIN_MS = 5_000;
/** After this long the process counts as ready without its routes. */
const ROUTED_MS_MAX = 2_000;
/** How long all pods together may take to stop, with `--stop-pods`, before they are killed. */
const STOP_PODS_MS = 30_000;

/** How the node sees the API: in the server's process, or from elsewhere. */
export interface NodeAccess extends Reporting {
  client: Client;
  /** Must be complete already. */
  view: View;
  /** Whether it shows what the server knows now, not what was kept of an earlier time; absent: always. */
  isViewCurrent?: () => boolean;
  events: EventRecorder;
  /** Who gives tokens of service accounts; absent: nobody. */
  tokens?: TokenSource;
  /** Where tokens of pods are kept that outlive the agent; absent: nowhere. */
  keptTokens?: KeptTokens;
  /** Called when the view seems to have lost its connection without knowing. */
  onStaleView?: () => void;
  /** Whether the server renews the lease of the node by itself now; absent: it does not. */
  isLeaseKept?: () => boolean;
}

/** What the composition gives to every agent itself. */
type Wired = keyof NodeAccess | "clock" | "log";

/** The proxy, as far as a node knows it. */
export interface NodeProxy extends TableUser {
  /** Starts its threads, which take a moment to be there. Doing it twice is doing it once. */
  start(): void;
  /** Who is asked for connections to pods that are far. To be called before {@linkcode start}; absent: none are reached. */
  useRelay?(relay: RelayAddress): void;
  untilDrained(podUid: string, signal: AbortSignal): Promise<void>;
  /** What sets of rollouts have done; absent: nobody counts. */
  countsOfSets?(): Promise<readonly SetCount[]>;
  stop(drainMs: number): Promise<void>;
}

/** What serves traffic until there is a proxy. */
export interface ProxyStandIn extends TableUser {
  /** Takes no connections any more, and frees the ports; what goes on does so. */
  close(): Promise<void>;
  stop(): Promise<void>;
}

/** What answers DNS, as far as a node knows it. */
export interface NodeDns extends NameUser {
  /** Resolves when somebody asks before it is started, or `signal` aborts. Absent: nobody knows of it. */
  untilAsked?(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** What pods and their traffic run on. */
export interface NodePlatform {
  /** Where pods run; absent: on other nodes only. */
  agent?: Omit<AgentOptions, Wired>;
  /** What serves their traffic; absent: others do. */
  proxy?: NodeProxy;
  /** What serves the little that there is before the proxy is needed, and says when it cannot; absent: the proxy does. */
  standIn?(onUnfit: () => void): ProxyStandIn;
  /** What answers DNS for its pods; absent where it cannot. */
  dns?: NodeDns;
  /** Routes to the pods of other nodes, where pods have their own addresses. */
  routes?: NodeRoutes;
  /** Repairs the network when somebody else has changed it. */
  keeper?: NetworkKeeper;
  /** Where files of static pods are. */
  manifestFolder?: string;
  /** Who may connect to services, where the listeners have to check it. */
  servicePeers?: readonly string[];
  /** Where to listen for services; absent: at their own ports. */
  servicePorts?: PortLeader;
  /** The IPv4 addresses that the machine has now; absent: nobody is led to the node itself. */
  ownAddresses?: () => readonly string[];
  /** Ranges of addresses that the machine takes for load balancers. */
  balancerRanges?: readonly string[];
}

export interface NodeSettings {
  nodeName: string;
  /** Where listeners of Gateways and NodePorts are opened. */
  gatewayAddress: string;
  /** Whether pods end with the process. */
  stopPods: boolean;
  /** How pods are reached to which no route leads; absent: by nothing but routes. */
  far?: ReachSource & { run(signal: AbortSignal): Promise<void> };
  /** Called with what the proxy serves, when that changes. */
  onServed?(report: TrafficReport): void;
  /** When the threads for traffic and names are needed; absent: from the start. */
  demand?: TrafficDemand;
}

/** A node that is put together, and does not run yet. */
export interface Node extends Omit<NodePlatform, "agent"> {
  agent?: Agent;
  /** Takes images without a registry, as long as there is an agent. */
  images?: NodeImages;
  statics?: StaticPods;
}

/** What the sets of rollouts have done at this node's proxy. */
export async function countsAt(proxy: NodeProxy | undefined): Promise<OwnCounts[]> {
  const counts = await proxy?.countsOfSets?.() ?? [];
  return counts.map(({ set, counts }) => ({ ...set, counts }));
}

export function createNode(
  { clock, log }: Context,
  access: NodeAccess,
  { agent, ...rest }: NodePlatform,
): Node {
  const { proxy } = rest;
  const untilDrained = proxy &&
    ((podUid: string, signal: AbortSignal) => proxy.untilDrained(podUid, signal));
  if (agent === undefined) return rest;
  const statics = rest.manifestFolder === undefined
    ? undefined
    : new StaticPods({ ...access, nodeName: agent.nodeName, clock, log });
  const seen = statics ? { ...access, client: statics, view: statics } : access;
  const folder = `${agent.dataFolder}/image-intake`;
  return {
    ...rest,
    ...(statics && { statics }),
    images: new ImageIntake({ runtime: agent.runtime, folder, clock }),
    agent: new Agent({ ...(untilDrained && { untilDrained }), ...agent, ...seen, clock, log }),
  };
}

/**
 * Runs pods, and the traffic to them; resolves when requests are routed to the pods that run already. The proxy is stopped
 * first, so that pods can still answer requests in flight.
 */
export async function runNode(
  context: Context,
  view: View,
  node: Node & NodeSettings,
): Promise<void> {
  const { agent, dns, keeper, routes, nodeName, proxy, demand } = node;
  const { clock } = context;
  if (dns) serveNames(context, view, { dns, ...(demand && { demand }) });
  if (node.statics) await runStaticPods(context, node.statics, node);
  if (agent) runAgent(context, agent, node);
  if (keeper) {
    keepRunning(context, "the network of pods", (signal) => keeper.run({ clock, signal }));
  }
  if (routes) {
    const loop = (signal: AbortSignal) => routes.run({ view, nodeName, clock, signal });
    keepRunning(context, "the routes to other nodes", loop);
  }
  const { far } = node;
  if (far) keepRunning(context, "the way to far pods", (signal) => far.run(signal));
  if (proxy) await runTraffic(context, view, { ...node, proxy });
}

/** Pods that end may still ask for names: it is stopped after them. */
function serveNames(
  context: Context,
  view: View,
  { dns, demand }: { dns: NodeDns; demand?: TrafficDemand },
): void {
  const { log, parts } = context;
  parts.defer(() => dns.stop());
  const loop = async (signal: AbortSignal) => {
    if (demand) await untilNamed(dns, demand, signal);
    if (!signal.aborted) await runDns({ view, dns, log, signal });
  };
  keepRunning(context, "the names of the cluster", loop);
}

/** Resolves when there are names to be asked for, or somebody asks. */
async function untilNamed(dns: NodeDns, demand: TrafficDemand, signal: AbortSignal): Promise<void> {
  const until = AbortSignal.any([signal, demand.signal]);
  await (dns.untilAsked?.(until) ?? demand.wait(signal));
  if (!signal.aborted) demand.raise();
}

/**
 * Runs the static pods of a folder. Resolves when those that are there are known: an agent that did not know them would
 * end what runs of them.
 */
async function runStaticPods(
  context: Context,
  statics: StaticPods,
  { manifestFolder: folder, nodeName }: { manifestFolder?: string; nodeName: string },
): Promise<void> {
  if (folder === undefined) return;
  // Only who has static pods needs what reads manifests.
  const { ManifestFolder } = await import("../agent/static_pods/manifest_folder.ts");
  const { clock, log } = context;
  const files = new ManifestFolder({
    ...{ folder, nodeName, clock, log },
    onPods: (pods) => statics.want(pods),
  });
  await files.look();
  keepRunning(context, "the folder of static pods", (signal) => files.run(signal));
  keepRunning(context, "the mirrors of static pods", (signal) => statics.keepMirrors(signal));
}

function runAgent(
  context: Context,
  agent: Agent,
  { stopPods }: Pick<NodeSettings, "stopPods">,
): void {
  const { parts, log } = context;
  parts.defer(async () => {
    if (!stopPods) return;
    log.info("Stopping the pods");
    await agent.stopAll(AbortSignal.timeout(STOP_PODS_MS));
  });
  keepRunning(context, "the agent", (signal) => agent.run(signal));
  const { care: { shutdown } } = agent;
  if (shutdown) {
    const watch = (signal: AbortSignal) => watchShutdown(shutdown, { log, signal });
    keepRunning(context, "the shutdown of the machine", watch);
  }
}

async function runTraffic(
  context: Context,
  view: View,
  node: Node & NodeSettings & { proxy: NodeProxy },
): Promise<void> {
  const { proxy, demand } = node;
  const { clock, parts } = context;
  const routed = new AbortController();
  parts.defer(() => proxy.stop(DRAIN_MS));
  const options = { ...tableOptions(context, view, node), onApplied: () => routed.abort() };
  const isWaitedFor = demand?.isThere ?? true;
  const loop = async (signal: AbortSignal) => {
    if (demand) await untilNeeded(context, node, { ...options, demand, signal });
    if (!signal.aborted) await runProxy({ ...options, proxy, signal });
  };
  keepRunning(context, "the route table", loop);
  if (isWaitedFor) await clock.sleep(ROUTED_MS_MAX, routed.signal).catch(() => {}); // rejects when there is a table
}

function tableOptions(
  { clock, log }: Context,
  view: View,
  { servicePeers, ownAddresses, balancerRanges, gatewayAddress, nodeName, ...rest }:
    & Node
    & NodeSettings,
): Omit<RunProxyOptions, "proxy" | "signal"> {
  const { onServed, far, servicePorts } = rest;
  return {
    ...{ view, clock, log, gatewayAddress },
    nodePortAddress: gatewayAddress,
    listensOnClusterIPs: true,
    ...(servicePorts && { leader: servicePorts }),
    ...(servicePeers && { clusterIPPeers: servicePeers }),
    ...(balancerRanges && { balancerRanges }),
    ...(ownAddresses && { node: { name: nodeName, addresses: ownAddresses } }),
    ...(far && { reach: far }),
    ...(onServed && { onServed }),
  };
}

/** Goes without the proxy until there is traffic, and starts it. Resolves earlier when `signal` aborts. */
async function untilNeeded(
  { parts }: Context,
  { proxy, standIn }: Pick<NodePlatform, "standIn"> & { proxy: NodeProxy },
  { demand, ...options }: Omit<RunProxyOptions, "proxy"> & { demand: TrafficDemand },
): Promise<void> {
  const { signal } = options;
  const inPlace = demand.isThere ? undefined : standIn?.(() => demand.raise());
  if (inPlace) {
    parts.defer(() => inPlace.stop());
    const until = AbortSignal.any([signal, demand.signal]);
    await runProxy({ ...options, proxy: inPlace, signal: until });
  }
  await demand.wait(signal);
  if (signal.aborted) return;
  proxy.start();
  if (inPlace === undefined) return;
  await orAborted(proxy.use(EMPTY_TABLE), signal); // its threads are there: nobody is refused for longer than a moment
  await inPlace.close();
}
