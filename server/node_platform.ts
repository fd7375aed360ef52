import { resolve } from "node:path";
import { CLUSTER_DOMAIN, dnsAddressIn } from "../agent/dns/cluster_dns.ts";
import { DnsThread } from "../agent/dns/threads/dns_thread.ts";
import { LinuxReadings } from "../agent/stats/machine_readings.ts";
import { readMachine } from "../agent/node/machine.ts";
import { CgroupFolders } from "../agent/cgroups/pod_cgroups.ts";
import type { DeviceFlag } from "../agent/devices/device_flag.ts";
import { NodeDevices } from "../agent/devices/node_devices.ts";
import { DeviceError, openedDevices } from "../agent/runtimes/opened_devices.ts";
import { createPodNetwork, type NodeNetwork } from "../agent/network/node_network.ts";
import type { PodNetwork } from "../agent/network/pod_network.ts";
import { chooseRuntime, type ChosenRuntime } from "../agent/runtimes/runtime_choice.ts";
import { RuntimeMissing, RuntimeRefused } from "../agent/runtimes/runtime_type.ts";
import { gitVersionOf } from "../core/api/http/version.ts";
import { StandIn } from "./traffic/stand_in.ts";
import { Proxy } from "../proxy/threads/proxy.ts";
import { gatewayDevice, ipv4Addresses, LOOPBACK_RANGES, NAMESPACE_RANGES } from "./addresses.ts";
import { CommandError } from "./command_error.ts";
import type { CommandContext } from "./context.ts";
import type { NodePlatform } from "./node.ts";
import type { NodeRegistry } from "./node_registry.ts";
import { agentOptionsOf, podPidsOf } from "./kubelet/kubelet_options.ts";
import { logLimitsOf } from "./options.ts";
import { VERSION } from "./version.ts";

const DNS_PORT = 53;

/** What pods run on on this machine. */
export interface MachinePlatform extends NodePlatform, Pick<ChosenRuntime, "makeImage" | "notice"> {
  agent: NonNullable<NodePlatform["agent"]>;
  podCidr: string;
  serviceCidr: string;
  /** Address of cluster DNS; absent where this machine does not serve it. */
  dnsAddress?: string;
  /** The runtime as shown to users, e.g. `podman 4.3.1`. */
  title: string;
}

export interface MachineOptions {
  registry: NodeRegistry;
  /** Its InternalIP. */
  hostIP: string;
  /** Addresses that become this machine's own, for load balancers. */
  balancerRange?: string;
  /** The range of its pods, unless the flags say another; absent: the usual one. */
  podCidr?: string;
  /** Besides those of Kubernetes. */
  labels: Readonly<Record<string, string>>;
}

/** Opens the runtime that the flags ask for, and the network that this machine allows. Nothing is served yet. */
export async function openMachine(
  context: CommandContext,
  { registry, hostIP, labels, balancerRange, podCidr: known }: MachineOptions,
): Promise<MachinePlatform> {
  const { dataFolder, flags, parts, log } = context;
  let cgroups: CgroupFolders | undefined;
  parts.defer(() => cgroups?.close()); // when all containers have ended
  const [chosen, { network, podCidr, ...addresses }, machine] = await Promise
    .all([
      openRuntime(context, registry),
      openNetwork(context, { balancerRange, known }),
      readMachine(dataFolder, flags.maxPods),
    ]);
  const { runtime, protectedPaths, imageFolder, makeImage, notice } = chosen;
  if (notice !== undefined) context.log.warn(notice);
  const devices = await openDevices(flags.device);
  if (chosen.takesCgroups) {
    const name = await gatewayDevice(dataFolder);
    cgroups = await CgroupFolders.open({
      name,
      log,
      ...podPidsOf(flags, navigator.hardwareConcurrency),
    });
  }
  const agent = {
    ...(cgroups && { cgroups }),
    ...podPidsOf(flags, navigator.hardwareConcurrency),
    nodeName: flags.node,
    hostIP,
    podCIDR: podCidr,
    labels: { ...labels, ...flags.nodeLabels },
    ...(flags.registerWithTaints && { taints: flags.registerWithTaints }),
    machine: { ...machine, capacity: { ...machine.capacity, ...devices?.capacity } },
    ...(devices && { devices }),
    dataFolder,
    version: gitVersionOf(VERSION),
    runtime,
    network,
    logLimits: logLimitsOf(flags),
    ...agentOptionsOf(flags),
    sharesImages: chosen.sharesImages ?? false,
    protectedPaths,
    readings: new LinuxReadings({ dataFolder, ...(imageFolder && { imageFolder }) }),
    volumeTypes: registry.volumeTypes,
    ...(flags.allowedUnsafeSysctls && { allowedUnsafeSysctls: flags.allowedUnsafeSysctls }),
  };
  const dns = createDns(context, { network, podCidr, ...addresses });
  const title = runtime.version.replace("://", " ");
  return {
    agent: { ...agent, ...dns?.agent },
    proxy: createProxy(context, registry),
    ...(addresses.servicePeers
      ? {}
      : { standIn: (onUnfit: () => void) => new StandIn({ ...context, onUnfit }) }),
    ...(flags.podManifestPath && { manifestFolder: resolve(flags.podManifestPath) }),
    ...(balancerRange !== undefined && { balancerRanges: [balancerRange] }),
    ownAddresses: () => ipv4Addresses(Deno.networkInterfaces()),
    ...dns?.platform,
    podCidr,
    ...addresses,
    title,
    notice,
    ...(makeImage && { makeImage }),
  };
}

async function openDevices(flags: readonly DeviceFlag[] = []): Promise<NodeDevices | undefined> {
  if (flags.length === 0) return undefined;
  try {
    return new NodeDevices(await openedDevices(flags));
  } catch (error) {
    throw error instanceof DeviceError ? new CommandError(error.message) : error;
  }
}

function createProxy(context: CommandContext, { proxyEngines: [engine] }: NodeRegistry): Proxy {
  const proxy = new Proxy({ ...context, ...(engine && { engine }) });
  context.parts.defer(() => proxy.stop(0));
  return proxy;
}

/** Pods that share the machine's network use its names, too. */
function createDns(
  { clock, log }: CommandContext,
  { network, podCidr, serviceCidr, servicePorts }: Addresses,
) {
  const address = network.kind === "namespace" ? dnsAddressIn(serviceCidr) : undefined;
  if (address === undefined) return undefined;
  const settings = {
    domain: CLUSTER_DOMAIN,
    address,
    port: servicePorts?.portFor(DNS_PORT) ?? DNS_PORT,
    ranges: [serviceCidr, podCidr],
    resolvConf: "/etc/resolv.conf",
  };
  return {
    agent: { clusterDns: { addresses: [address], domain: CLUSTER_DOMAIN } },
    platform: { dnsAddress: address, dns: new DnsThread({ settings, clock, log }) },
  };
}

async function openRuntime(
  context: CommandContext,
  { runtimes }: NodeRegistry,
): Promise<ChosenRuntime> {
  const { dataFolder, clock, log, flags, parts } = context;
  try {
    const open = await chooseRuntime(runtimes, flags.runtime, {
      nodeName: flags.node,
      dataFolder,
      version: VERSION,
      clock,
      log,
      logLimits: logLimitsOf(flags),
      isTemporary: flags.temporary ?? false,
      flags: { ...flags },
    });
    parts.defer(() => open.close());
    return open;
  } catch (error) {
    const isExpected = error instanceof RuntimeMissing || error instanceof RuntimeRefused;
    throw isExpected ? new CommandError(error.message) : error;
  }
}

interface Addresses
  extends
    Pick<MachinePlatform, "routes" | "keeper" | "servicePeers" | "podCidr" | "serviceCidr">,
    Pick<NodeNetwork, "servicePorts"> {
  network: PodNetwork;
}

async function openNetwork(
  { dataFolder, flags, log, parts }: CommandContext,
  { balancerRange, known }: { balancerRange: string | undefined; known: string | undefined },
): Promise<Addresses> {
  const asked = {
    podCidr: flags.podCidr ?? known ?? NAMESPACE_RANGES.podCidr,
    serviceCidr: flags.serviceCidr ?? NAMESPACE_RANGES.serviceCidr,
  };
  const wantsLoopback = flags.podCidr?.startsWith("127.") ?? false;
  const network = await createPodNetwork({
    kind: wantsLoopback ? "loopback" : "auto",
    podCIDR: asked.podCidr,
    serviceCIDR: asked.serviceCidr,
    ...(balancerRange !== undefined && { balancerRange }),
    loopbackCIDR: wantsLoopback ? asked.podCidr : LOOPBACK_RANGES.podCidr,
    device: await gatewayDevice(dataFolder),
    folder: `${dataFolder}/network`,
    log,
  });
  parts.defer(() => leaveNetwork(network));
  const { pods, routes, keeper, servicePeers, servicePorts } = network;
  return {
    network: pods,
    ...(routes && { routes }),
    ...(keeper && { keeper }),
    ...(servicePeers && { servicePeers }),
    ...(servicePorts && { servicePorts }),
    ...rangesOf(network, asked, wantsLoopback),
  };
}

/** Pods that keep running keep their network; when there are none, it is removed from the machine. */
async function leaveNetwork(network: NodeNetwork): Promise<void> {
  const addresses = await network.pods.list();
  return addresses.length === 0 ? await network.destroy() : network.pods.close();
}

/** When only loopback addresses are possible, the requested ranges cannot be used. */
function rangesOf(
  { pods }: NodeNetwork,
  asked: { podCidr: string; serviceCidr: string },
  wantsLoopback: boolean,
): { podCidr: string; serviceCidr: string } {
  if (pods.kind === "namespace") return asked;
  if (!wantsLoopback) return LOOPBACK_RANGES;
  const isLoopback = asked.serviceCidr.startsWith("127.");
  return { ...asked, ...(isLoopback ? {} : { serviceCidr: LOOPBACK_RANGES.serviceCidr }) };
}
