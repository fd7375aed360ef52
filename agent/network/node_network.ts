import { ifAbsent } from "../../core/lib/absent.ts";
import { Libc } from "../../core/lib/linux/libc.ts";
import { programPath } from "../../core/lib/linux/program.ts";
import type { Log } from "../../core/lib/log.ts";
import type { PodNetwork } from "./pod_network.ts";
import { IpPlumbing } from "./ip_plumbing.ts";
import { LoopbackNetwork } from "./loopback_network.ts";
import { NetlinkPlumbing } from "./netlink_plumbing.ts";
import { DEVICE, NetnsNetwork } from "./netns_network.ts";
import { NetworkKeeper } from "./network_keeper.ts";
import { NodeRoutes } from "./node_routes.ts";
import type { ServicePorts } from "./service_ports.ts";
import type { Plumbing } from "./plumbing.ts";
import { parseMark } from "./wiring.ts";

export interface PodNetworkOptions {
  /** `auto`: a namespace for each pod where this process may make them, else loopback addresses. */
  kind: "auto" | "namespace" | "loopback";
  /** The range of this node's pods, when they have namespaces. */
  podCIDR: string;
  /** The range of services; made local to this machine, when that is possible. */
  serviceCIDR?: string;
  /** Addresses for load balancers, which become this machine's own too. */
  balancerRange?: string;
  /** Range of loopback addresses, inside 127.0.0.0/8. */
  loopbackCIDR?: string;
  /** Name of the gateway's device. Two servers on one machine need two, and two ranges. */
  device?: string;
  /** Where the loopback network keeps who has which address. */
  folder: string;
  log: Log;
}

/** The network of this node, started. */
export interface NodeNetwork {
  pods: PodNetwork;
  /** Whether processes of this machine can listen on the addresses of services. */
  servicesAreLocal: boolean;
  /** The ways to the pods of other nodes; absent where pods have no addresses of their own. */
  routes?: NodeRoutes;
  /** Repairs what others have changed; absent where there is nothing to repair. */
  keeper?: NetworkKeeper;
  /** Who may connect to services, where the kernel has no rules that say so and the listeners have to. */
  servicePeers?: readonly string[];
  /** Where to listen for services; absent: at their own ports. */
  servicePorts?: ServicePorts;
  /** Removes all that was made on this machine, and closes. */
  destroy(): Promise<void>;
}

/**
 * Chooses the network that this machine allows, and starts it. Rejects when `kind` asks for namespaces and they
 * cannot be made, or pods have some already, which would be cut off; the message says why.
 */
export async function createPodNetwork(options: PodNetworkOptions): Promise<NodeNetwork> {
  const { kind, folder, loopbackCIDR, log } = options;
  if (kind !== "loopback") {
    try {
      return await startNamespaces(options);
    } catch (error) {
      if (kind === "namespace" || await hasPods(options)) throw error;
      log.info("Pods share the network of this machine, by loopback addresses", { reason: error });
    }
  }
  const pods = new LoopbackNetwork({ folder, ...(loopbackCIDR && { cidr: loopbackCIDR }) });
  await pods.start();
  return { pods, servicesAreLocal: false, destroy: () => pods.destroy() };
}

/** Whether an earlier agent has left pods in namespaces. */
async function hasPods({ device = DEVICE }: PodNetworkOptions): Promise<boolean> {
  const entries = await Array.fromAsync(Deno.readDir("/run/netns")).catch(ifAbsent);
  return entries?.some(({ name }) => parseMark(name, device) !== undefined) ?? false;
}

/** By netlink where foreign functions are allowed, else by the `ip` command. `undefined`: neither. */
export function openPlumbing(): Plumbing | undefined {
  const libc = Libc.open();
  if (libc !== undefined) return new NetlinkPlumbing(libc);
  const program = programPath("ip");
  return program === undefined ? undefined : new IpPlumbing(program);
}

async function startNamespaces(
  { podCIDR, serviceCIDR, balancerRange, device, log }: PodNetworkOptions,
): Promise<NodeNetwork> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    throw new Error("Cannot give pods network namespaces: that needs root on Linux");
  }
  const plumbing = openPlumbing();
  if (plumbing === undefined) {
    throw new Error(
      'Cannot give pods network namespaces: "ip" is not installed; install it with "apt-get install iproute2"',
    );
  }
  const pods = new NetnsNetwork({
    podCIDR,
    plumbing,
    log,
    ...(serviceCIDR !== undefined && { serviceCIDR }),
    ...(balancerRange !== undefined && { balancerRange }),
    ...(device !== undefined && { device }),
  });
  try {
    await pods.start();
    await probe(pods);
  } catch (error) {
    plumbing.close();
    throw error;
  }
  const routes = new NodeRoutes({ plumbing, network: pods, podCIDR, log });
  const keeper = new NetworkKeeper({
    repair: (options) => pods.repair(options),
    listen: (clock) => plumbing.listen(clock),
    onNotice: () => routes.lookAgain(),
    log,
  });
  return {
    pods,
    routes,
    keeper,
    servicesAreLocal: serviceCIDR !== undefined,
    ...(pods.servicePorts && { servicePorts: pods.servicePorts }),
    ...(serviceCIDR && !pods.isGuarded && { servicePeers: peersOf(podCIDR, serviceCIDR) }),
    async destroy() {
      await routes.use([]);
      await pods.destroy();
      pods.close();
    },
  };
}

/** The node's pods, and the node itself by any address of its own. */
function peersOf(podCIDR: string, serviceCIDR: string): readonly string[] {
  const own = Deno.networkInterfaces().filter(({ family }) => family === "IPv4")
    .map(({ address }) => `${address}/32`);
  return [podCIDR, serviceCIDR, "127.0.0.0/8", ...own];
}

/** Connects a test pod: a machine may allow devices and forbid namespaces. */
async function probe(pods: NetnsNetwork): Promise<void> {
  if ((await pods.list()).length > 0) return; // it worked before
  try {
    await pods.add("probe");
    await pods.remove("probe");
  } catch (error) {
    await pods.destroy();
    throw error;
  }
}
