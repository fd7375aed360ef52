import type { EventLimit } from "../core/objects/admission/plugins/event_rate_limit.ts";
import type { OptionalPlugin } from "../core/objects/admission/optional_plugins.ts";
import { publishFrontProxy } from "../core/api/aggregation/front_proxy.ts";
import { publishClusterInfo } from "../core/api/access/joining/cluster_info.ts";
import { type Api, type ApiOptions, createApi } from "../core/api/app.ts";
import { apiAsker } from "../core/api/in_process.ts";
import type { SecretTokenSigner } from "../core/controllers/cluster/account_token_secrets.ts";
import type { CertificateSigner } from "../core/controllers/cluster/certificate_signing.ts";
import type { Served } from "../core/api/front/served.ts";
import { nodeImages } from "../core/api/images/node_images.ts";
import { RoutedStreams } from "../core/client/nodes/routed_streams.ts";
import { bootstrap } from "../core/objects/bootstrap.ts";
import { MutableCatalog } from "../core/resources/catalog.ts";
import type { Objects } from "../core/objects/objects.ts";
import { ClusterUsage } from "../core/usage/cluster_usage.ts";
import type { MemoryStore } from "../core/store/memory_store.ts";
import { dialableHost, hostAndPort } from "./addresses.ts";
import type { Measure } from "../core/controllers/analysis/measuring.ts";
import { type Context, keepRunning } from "./context.ts";
import { clusterMetrics } from "./metrics/cluster_metrics.ts";
import type { MeasurementParts } from "../core/controllers/analysis/providers/lazy_measurer.ts";
import { type ControlPlane, openControlPlane, runControllers } from "./control_plane.ts";
import { type Node as KubeNode, nodes } from "../core/resources/core/nodes/nodes.ts";
import { groupResourceOf } from "../core/resources/resource.ts";
import type { NodeBlocks } from "../core/controllers/nodes/node_ranges.ts";
import type { NodeLifecycleOptions } from "../core/controllers/nodes/large_outages.ts";
import { keepLeases } from "../core/api/tunnels/lease_keeper.ts";
import { collectAfterStorms } from "../core/api/tunnels/storms.ts";
import { collectGarbage } from "../core/lib/linux/footprint/garbage.ts";
import type { Tunnels } from "../core/api/tunnels/tunnels.ts";
import { type FarTraffic, farTrafficBy } from "./link/far_traffic.ts";
import { serverTunnels, tunnelSources } from "./link/server_tunnels.ts";
import type { TrafficReport } from "../core/traffic/served_traffic.ts";
import { TrafficReports } from "../core/traffic/traffic_reports.ts";
import {
  countsAt,
  createNode,
  type Node,
  type NodePlatform,
  type NodeSettings,
  runNode,
} from "./node.ts";
import { localTokens } from "../core/api/access/service_accounts/local_tokens.ts";
import { ImagePrefetch } from "./nodes/image_prefetch.ts";
import { nodeLinks } from "./nodes/node_links.ts";
import { TrafficDemand } from "./traffic/traffic_demand.ts";
import type { Registry } from "./registry.ts";

/** What differs between a server on a machine, one in a simulation and one in a test. */
export interface ServerEnvironment<P extends ServerPlatform = ServerPlatform> extends NodeSettings {
  registry: Registry;
  /** Version of the product, e.g. `0.1.0`. */
  version: string;
  /** Admission plugins that are off by default. */
  enabledPlugins?: readonly OptionalPlugin[];
  eventLimits?: readonly EventLimit[];
  /** Addresses of which each load balancer gets one; absent: they have those of the nodes. */
  balancerRange?: string;
  /** Of what nodes get their ranges of pods; absent: the usual. */
  nodeBlocks?: NodeBlocks;
  /** When nodes are lost, and how fast their pods are evicted; absent: as in Kubernetes. */
  nodeLifecycle?: NodeLifecycleOptions;
  /** Makes the measurements of analyses; absent: there are none. */
  measurements?(parts: MeasurementParts): Measure;
  openStore(): Promise<ServerStore>;
  /**
   * Called when the store is open: whoever has the store may use the rest of the data folder. `knownRange`: of the pods of
   * the server's own node, as the store has it.
   */
  openPlatform(knownRange?: string): Promise<P>;
  openAccess(objects: Objects): Promise<ServerAccess>;
}

/** Where the objects are. */
export interface ServerStore {
  store: MemoryStore;
  /** Whether no other server can write to it. */
  isAlone: boolean;
  /** The API's options that depend on the store. */
  api: Pick<ApiOptions, "secretRotation" | "storeFile" | "standby" | "healthChecks">;
  /**
   * Calls `run` when this server owns the store: now, or later. Resolves with where the owner is, if it is another
   * server. `address`: where this one is.
   */
  whenOwned(address: string, run: () => Promise<void>): Promise<string | undefined>;
  /** Called once everything runs. */
  settled?(node: Node): void;
}

export interface ServerPlatform extends NodePlatform {
  serviceCidr: string;
  /** Address of cluster DNS, where there is one. */
  dnsAddress?: string;
  /** Of the server's own node, which is not registered yet. */
  podCidr?: string;
}

/** Who the server is, whom it knows, and how it is reached. */
export interface ServerAccess {
  /** What the API is told of it. */
  api: Pick<
    ApiOptions,
    "accounts" | "audit" | "frontProxy" | "tokens" | "certificates" | "credentials"
  >;
  /** Certificate of the authority by which clients know the server, as PEM. */
  authority: string;
  /** By which machines elsewhere reach the server; absent: by where it listens. */
  advertisedHost?: string;
  /** Signs certificates with its key; absent: nobody does. */
  signer?: CertificateSigner;
  /** Makes tokens of service accounts for Secrets to hold; absent: these get none. */
  tokenSigner?: SecretTokenSigner;
  /** Records which credentials have been issued, once this server may write. Never rejects. */
  record(): Promise<void>;
  serve(api: Api): Promise<Pick<Served, "address" | "stop">>;
}

/** A server that runs. */
export interface Server<P extends ServerPlatform = ServerPlatform> {
  plane: ControlPlane;
  platform: P;
  api: Api;
  /** What Prometheus is told. */
  metrics: () => Promise<string>;
  /** Where the API listens. */
  address: Served["address"];
  /** Where the server is that owns the store, when it is another one. */
  owner: string | undefined;
}

/**
 * Builds the parts of a server from the bottom up, wires them and runs them; resolves when the API answers. What is
 * started last is stopped first: the API, the proxy, the agent.
 */
export async function runServer<P extends ServerPlatform>(
  context: Context,
  environment: ServerEnvironment<P>,
): Promise<Server<P>> {
  const { nodeName, registry, enabledPlugins = [], eventLimits = [] } = environment;
  const catalog = new MutableCatalog(registry.resources);
  const opened = await environment.openStore();
  const platform = await environment.openPlatform(rangeOf(opened.store, nodeName));
  const { serviceCidr, dnsAddress } = platform;
  const plane = openControlPlane(context, opened.store, {
    catalog,
    serviceCidr,
    enabledPlugins,
    eventLimits,
    host: nodeName,
  });
  const { client, events, objects } = plane;
  const access = await environment.openAccess(objects);
  const { accounts } = access.api;
  const tokens = accounts && localTokens(objects, accounts, nodeName);
  const seen = { client, view: client, events, ...(tokens && { tokens }) };
  const node = createNode(context, seen, platform);
  if (opened.isAlone) await access.record();
  const traffic = new TrafficReports({
    ...{ view: client, clock: context.clock },
    ...(node.proxy && { own: { node: nodeName, counts: () => countsAt(node.proxy) } }),
  });
  context.parts.defer(traffic.followNodes());
  const listening: { place?: Served["address"] } = {};
  const { tunnels, links } = serverTunnels(context, {
    ...{ nodeName, view: client, api: () => listening.place },
    ...(platform.agent && { network: platform.agent.network }),
  });
  const far = farTrafficBy(context, links, { nodeName, view: client, platform });
  const metrics = clusterMetrics({ view: client, traffic, version: environment.version });
  const api = createServerApi(context, environment, {
    ...{ plane, opened, access, node, traffic, metrics, tunnels },
  });
  const served = await access.serve(api);
  const { address } = served;
  const owned: Context = { ...context, parts: context.parts.nest() };
  context.parts.defer(() => served.stop());
  const place = { host: dialableHost(address.host, platform.agent?.hostIP), port: address.port };
  listening.place = place;
  const run = async () => {
    const demand = new TrafficDemand(plane.client);
    context.parts.defer(() => demand[Symbol.dispose]());
    if (platform.standIn === undefined) demand.raise();
    if (demand.isThere) node.proxy?.start(); // it takes a moment to be there
    const { log } = context;
    await bootstrap(objects, {
      apiAddress: place.host,
      apiPort: place.port,
      log,
      ...(dnsAddress && { dnsAddress }),
    });
    if (!opened.isAlone) void access.record();
    const parts = { plane, platform, node, access, api, traffic, tunnels, demand };
    const run = { ...parts, ...(far && { far }) };
    await runAsOwner(owned, environment, run);
    void publishAuthorities(objects, access, place).catch((error) =>
      context.log.warn("Cannot tell others how they know this server", { error })
    );
    opened.settled?.(node);
    context.log.debug("Everything runs");
  };
  const owner = await opened.whenOwned(`https://${hostAndPort(place.host, place.port)}`, run);
  return { plane, platform, api, metrics, address, owner };
}

/** Of the pods of a node, as the store has it. */
function rangeOf(store: MemoryStore, node: string): string | undefined {
  const found = store.get([groupResourceOf(nodes), "", node])?.object as KubeNode | undefined;
  return found?.spec.podCIDR;
}

/** Nobody waits for it: the keys are made at the first start. */
async function publishAuthorities(
  objects: Objects,
  { api: { frontProxy }, authority, advertisedHost }: ServerAccess,
  { host, port }: Served["address"],
): Promise<void> {
  const url = `https://${hostAndPort(advertisedHost ?? host, port)}`;
  await publishClusterInfo(objects, { url, authority });
  if (frontProxy) await publishFrontProxy(objects, await frontProxy(), authority);
}

function createServerApi(
  { clock, random, log, parts }: Context,
  { nodeName, version, registry: { authorizers, streams } }: ServerEnvironment,
  {
    plane: { catalog, objects, client: view },
    opened,
    access,
    node: { agent, images },
    ...told
  }: {
    plane: ControlPlane;
    opened: ServerStore;
    access: ServerAccess;
    node: Node;
    traffic: TrafficReports;
    tunnels: Tunnels;
    metrics: () => Promise<string>;
  },
): Api {
  const { tunnels } = told;
  parts.defer(collectAfterStorms({ tunnels, clock, collect: collectGarbage }));
  parts.defer(keepLeases({ tunnels, client: view, view, clock, log }));
  const links = nodeLinks({ nodeName, agent, images, tunnels, clock, random });
  const { kubelets } = links;
  const nodeStreams = new RoutedStreams({ view, kubelets, nodes: links.streams });
  const sources = new Map(agent?.care.usage ? [[nodeName, agent.care.usage]] : []);
  const usage = new ClusterUsage({ view, clock, sources, remote: links.usage });
  const own = { streams: [...streams, () => nodeImages(links.images)], authorizers };
  const given = { ...access.api, ...opened.api, ...own, usage, ...told };
  return createApi({ objects, catalog, nodeStreams, clock, random, log, version, ...given });
}

/** Only the owner of the store decides, and runs pods. */
async function runAsOwner(
  context: Context,
  environment: ServerEnvironment,
  {
    plane,
    platform: { podCidr, serviceCidr },
    node,
    access: { authority, signer, tokenSigner },
    ...rest
  }: {
    plane: ControlPlane;
    platform: ServerPlatform;
    node: Node;
    access: ServerAccess;
    api: Api;
    traffic: TrafficReports;
    tunnels: Tunnels;
    demand: TrafficDemand;
    far?: FarTraffic;
  },
): Promise<void> {
  const { api, traffic, tunnels, demand, far } = rest;
  const reservedRanges = [...(podCidr === undefined ? [] : [podCidr]), serviceCidr];
  const measure = environment.measurements?.({ view: plane.client, authority, traffic });
  runControllers(context, plane, {
    ...environment,
    reservedRanges,
    authority,
    ask: apiAsker(api, context.clock),
    ...{ traffic, tunnels: tunnelSources(tunnels) },
    ...(measure && { measure }),
    ...(signer && { signer }),
    ...(tokenSigner && { tokenSigner }),
  });
  const { images } = nodeLinks({ ...context, ...node, nodeName: environment.nodeName, tunnels });
  const { client: view, events } = plane;
  const prefetch = new ImagePrefetch({ view, images, events, clock: context.clock });
  keepRunning(context, "the images that are fetched ahead", (signal) => prefetch.run(signal));
  const onServed = (report: TrafficReport) => void traffic.take(environment.nodeName, report);
  const more = { onServed, demand, ...(far && { far }) };
  await runNode(context, plane.client, { ...node, ...environment, ...more });
}
